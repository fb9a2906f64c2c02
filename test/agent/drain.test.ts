// Goal: a stop leaves nobody without an answer, and nothing undelivered behind unkept.
import { beforeEach, expect, test } from "bun:test";
import { DELIVER_AT_STOP_MS } from "../../src/agent/servant.ts";
import { ServantError } from "../../src/core/errors.ts";
import { action, belief, id, idle, until, World } from "../support/fake-ports.ts";

let world: World;
beforeEach(async () => {
  world = await new World().start();
});

test("what runs is finished and delivered, what is held is answered agent.draining", async () => {
  world.backend.assign(action("a"), action("b"));
  await until("both are taken", () => world.story("b").length === 1);
  world.stop.abort();
  await until("the held one is answered", () => world.backend.taken.length === 1);
  expect(world.backend.codes("b")).toEqual(["agent.draining"]);
  expect(world.runner.isDraining).toBe(true);
  expect(world.hasEnded).toBe(false);
  await world.runner.end("a");
  expect(await world.ended).toBeUndefined();
  expect(world.backend.results("a")).toMatchObject([{ success: true }]);
  expect(world.started).toEqual([id("a")]);
  expect(world.told("agent.stopping")).toMatchObject([{ inHand: 2 }]);
  expect(world.told("agent.stopped")).toMatchObject([{ undelivered: 0 }]);
});

test("nothing is asked for any more, beliefs under way are answered", async () => {
  world.backend.assign(belief("q"));
  await until("it runs", () => world.runner.running.length === 1);
  const { polls } = world.backend;
  world.stop.abort();
  await idle();
  world.backend.assign(action("late"));
  await world.runner.end("q");
  expect(await world.ended).toBeUndefined();
  expect(world.backend.polls).toBe(polls);
  expect(world.backend.results("q")).toMatchObject([{ success: true }]);
  expect(world.backend.results("late")).toEqual([]);
});

test("a cancel is heard while it drains, where the backend hands out nothing without room", async () => {
  world.backend.heedsRoom = true;
  world.backend.tellsCancels = true;
  world.backend.assign(action("a"));
  await until("it runs", () => world.runner.running.length === 1);
  world.stop.abort();
  await idle();
  world.backend.assign(action("late"));
  world.backend.send({ type: "cancel", auditId: id("a"), reason: "asked to" });
  await until("it is told", () => world.runner.signals.get(id("a"))?.aborted === true);
  expect(await world.ended).toBeUndefined();
  expect(world.backend.codes("a")).toEqual(["handler.cancelled"]);
  expect(world.backend.results("late")).toEqual([]);
  expect(world.backend.isPolled).toBe(false);
});

test("what cannot be delivered within 10 s stays for the next life", async () => {
  world.backend.onDeliver = () => {
    throw new ServantError("backend.unreachable", "Cannot post");
  };
  world.backend.assign(action("a"));
  await world.runner.end("a");
  world.stop.abort();
  await world.pass(DELIVER_AT_STOP_MS - 1);
  expect(world.hasEnded).toBe(false);
  await world.pass(1);
  expect(await world.ended).toBeUndefined();
  expect(world.told("agent.stopped")).toMatchObject([{ undelivered: 1 }]);
  world.backend.onDeliver = () => {};
  await world.start();
  expect(world.backend.results("a")).toHaveLength(1);
});

test("a hurry aborts the handlers with the reason, and waits for no delivery", async () => {
  world.backend.assign(action("a"));
  await until("it runs", () => world.runner.running.length === 1);
  world.backend.onDeliver = (_delivery, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  world.stop.abort();
  await idle();
  expect(world.runner.signals.get(id("a"))?.aborted).toBe(false);
  world.hurry.abort();
  await until("it ends", () => world.hasEnded);
  expect(world.runner.signals.get(id("a"))?.reason).toMatchObject({ code: "agent.draining" });
  expect(world.story("a")).toEqual(["accepted", "started", "finished"]);
  const finished = world.facts().find(({ type }) => type === "finished");
  expect(finished).toMatchObject({ result: { success: false, code: "agent.draining" } });
});

test("a hurry from before the start is heeded too", async () => {
  await world.stopped();
  const fresh = new World();
  const starting = fresh.start();
  fresh.hurry.abort();
  await starting;
  fresh.backend.assign(action("a"));
  await until("it has been told", () => fresh.runner.signals.size === 1);
  expect(fresh.runner.signals.get(id("a"))?.aborted).toBe(true);
  await fresh.stopped();
});

test("a stop while a start waits for the disk leaves no one without an answer", async () => {
  world.disk.isSlow = true;
  world.backend.assign(action("a"), action("b"));
  await until("both are taken", () => world.told("assignment.accepted").length === 2);
  world.stop.abort();
  await idle();
  expect(world.hasEnded).toBe(false);
  world.disk.isSlow = false;
  world.disk.flush();
  await world.runner.end("a");
  expect(await world.ended).toBeUndefined();
  expect(world.backend.results("a")).toMatchObject([{ success: true }]);
  expect(world.backend.codes("b")).toEqual(["agent.draining"]);
});

test("what has not ended in time is told to stop, with the reason", async () => {
  world.drainTimeoutMs = 20_000;
  await world.stopped();
  await world.start();
  world.backend.assign(action("a"));
  await until("it runs", () => world.runner.running.length === 1);
  world.stop.abort();
  await world.clock.advance(19_000);
  expect(world.runner.signals.get(id("a"))?.aborted).toBe(false);
  await world.clock.advance(1_001);
  expect(await world.ended).toBeUndefined();
  expect(world.backend.results("a")).toMatchObject([
    { success: false, code: "agent.draining", message: expect.stringContaining("20 s") },
  ]);
});

test("a start that is on its way to a slow disk is waited for", async () => {
  await world.servant.pause("wait");
  world.backend.assign(action("a"));
  await until("it is kept", () => world.story("a").length === 1);
  const resumed = world.servant.resume();
  world.disk.isSlow = true;
  world.disk.flush();
  await until("its start is on its way", () => world.told("agent.resumed").length === 1);
  world.stop.abort();
  await idle();
  expect([world.started, world.hasEnded]).toEqual([[], false]);
  world.disk.isSlow = false;
  world.disk.flush();
  await world.runner.end("a");
  await resumed;
  expect(await world.ended).toBeUndefined();
  expect(world.backend.results("a")).toMatchObject([{ success: true }]);
});
