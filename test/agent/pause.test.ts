// Goal: a pause keeps every action from starting, over restarts, until somebody resumes; beliefs
// are still observed, and handlers are told.
import { beforeEach, expect, test } from "bun:test";
import { START_WITHIN_MS } from "../../src/agent/recovery.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { HookOutcome } from "../../src/core/handlers.ts";
import { action, belief, id, idle, until, World } from "../support/fake-ports.ts";

let world: World;
beforeEach(async () => {
  world = new World();
  await world.start();
});

test("what waits stays where it is, what runs is told and goes on, nothing is taken", async () => {
  world.backend.assign(action("a"), action("b"));
  await until("b waits", () => world.story("b").length === 1);
  await world.servant.pause("hands in the machine");
  expect(world.runner.isPaused).toBe(true);
  await world.runner.end("a");
  world.backend.assign(action("c"));
  await idle();
  expect(world.backend.results("a")).toMatchObject([{ success: true }]);
  expect([world.started, world.backend.isPolled]).toEqual([[id("a")], false]);
  await world.servant.resume();
  expect(world.runner.isPaused).toBe(false);
  await world.runner.end("b");
  await world.runner.end("c");
  expect(world.told("agent.paused")).toMatchObject([{ reason: "hands in the machine" }]);
  expect(world.told("agent.resumed")).toHaveLength(1);
});

test("an assignment that was on its way is kept and started at the end of the pause", async () => {
  await until("it polls", () => world.backend.isPolled);
  await world.servant.pause("wait");
  world.backend.assign(action("a"));
  await until("it is kept", () => world.story("a").length === 1);
  await idle();
  expect(world.started).toEqual([]);
  await world.servant.resume();
  await world.runner.end("a");
});

test("survives a restart, which starts nothing: what waited too long is answered stale", async () => {
  await world.servant.pause("wait");
  await world.crash();
  await world.start();
  expect(world.told("agent.paused")).toHaveLength(2);
  expect([world.runner.isPaused, world.backend.isPolled]).toEqual([true, false]);
  await world.servant.resume();
  world.backend.assign(action("a"), action("b"));
  await until("b waits", () => world.story("b").length === 1);
  await world.servant.pause("again");
  await world.runner.end("a");
  await world.crash();
  await world.clock.advance(START_WITHIN_MS);
  await world.start();
  await until("b is answered", () => world.backend.results("b").length === 1);
  expect(world.backend.codes("b")).toEqual(["assignment.stale"]);
  await world.servant.resume();
  await idle();
  expect(world.started).toEqual([id("a")]);
});

test("keeps an action that may run again from doing so until it is over", async () => {
  await world.stopped();
  await world.start(world.newRunner({ move: { onInterrupted: "rerun" } }));
  world.backend.assign(action("a"));
  await until("it runs", () => world.runner.running.length === 1);
  await world.servant.pause("wait");
  await world.runner.break("a", new ServantError("handler.crashed", "gone"));
  await idle();
  expect(world.started).toHaveLength(1);
  await world.crash();
  await world.start(world.newRunner({ move: { onInterrupted: "rerun" } }));
  await idle();
  expect(world.started).toHaveLength(1);
  await world.servant.resume();
  await world.runner.end("a");
  expect(world.backend.results("a")).toMatchObject([{ success: true, interruption: "rerun" }]);
});

test("beliefs are observed all the same where the backend can tell them apart", async () => {
  await world.stopped();
  world.backend.tellsCancels = true;
  await world.start();
  await world.servant.pause("wait");
  world.backend.assign(belief("q"));
  await world.runner.end("q");
  expect(world.backend.results("q")).toMatchObject([{ success: true }]);
});

test("takes effect at once on a slow disk, and on a full one", async () => {
  world.disk.rowsMax = world.disk.rows.length;
  await world.servant.pause("wait");
  expect(world.runner.isPaused).toBe(true);
  world.disk.rowsMax = Number.POSITIVE_INFINITY;
  await world.clock.advance(2_000);
  world.disk.isSlow = true;
  void world.servant.resume();
  await idle();
  expect(world.runner.isPaused).toBe(true); // its end waits until it is durable
  world.disk.isSlow = false;
  world.disk.flush();
  await until("it is over", () => !world.runner.isPaused);
});

test("a stop ends a paused agent: what waits is answered, what may run again is failed", async () => {
  world.backend.assign(action("a"), action("b"));
  await until("b waits", () => world.story("b").length === 1);
  await world.servant.pause("wait");
  world.stop.abort();
  await world.runner.end("a");
  expect(await world.ended).toBeUndefined();
  expect(world.backend.codes("b")).toEqual(["agent.draining"]);
});

test("the last wish counts, however slow the disk is to write the one before", async () => {
  await world.servant.pause("wait");
  world.disk.isSlow = true;
  const resumed = world.servant.resume();
  const paused = world.servant.pause("no, wait");
  world.disk.isSlow = false;
  world.disk.flush();
  await Promise.all([resumed, paused]);
  expect([world.runner.isPaused, world.ledger.machine.paused]).toEqual([true, "no, wait"]);
  world.backend.assign(action("a"));
  await idle();
  expect(world.started).toEqual([]);
});

test("the backend pauses and resumes as a person here does, and is not kept waiting", async () => {
  world.backend.send({ type: "pause", reason: "asked for by ana" });
  await until("it is paused", () => world.runner.isPaused);
  expect(world.told("agent.paused")).toMatchObject([{ reason: "asked for by ana" }]);
  expect(world.backend.intake).toMatchObject({ paused: true, actions: false });
  await world.servant.resume();
  await until("it polls again", () => world.backend.isPolled);
  expect(world.backend.intake).toMatchObject({ paused: false, actions: true });
});

test("a hook runs beside what does, its end is told, and a slow one keeps nothing waiting", async () => {
  const slow = Promise.withResolvers<HookOutcome>();
  const outcomes: HookOutcome[] = [];
  world.runner.onHook = () => slow.promise;
  const settle = (outcome: HookOutcome) => void outcomes.push(outcome);
  world.backend.assign(action("a"));
  await until("a runs", () => world.runner.running.length === 1);
  world.backend.send({ type: "hook", name: "cancel", settle });
  world.backend.assign(action("b"));
  await until("b is here", () => world.story("b").length === 1);
  expect([world.runner.hooked, outcomes]).toEqual([["cancel"], []]);
  slow.resolve({ is: "failed", message: "stuck" });
  await until("it is told", () => outcomes.length === 1);
  expect(outcomes).toEqual([{ is: "failed", message: "stuck" }]);
  await world.runner.end("a");
  await world.runner.end("b");
});
