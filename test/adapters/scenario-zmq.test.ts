// Goal: a client's actions are its own and end with it, and every question but the first is answered at once.
// Method: the adapter on a real socket with our own REQ, its time moved by the test.
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { JsonObject } from "../../src/core/json.ts";
import { until } from "../contract/dialects/dialect.ts";
import { LEASE_MS, ScenarioRig } from "../support/scenario-rig.ts";

const OK = { status: "ok" };
const running = { status: "ok", action_status: "running" };

let rig: ScenarioRig;
beforeEach(() => {
  rig = new ScenarioRig();
});
afterEach(() => rig.close());

test("an init waits for the plugin, whatever comes beside it is answered", async () => {
  const [waiting, other] = [await rig.client(), await rig.client()];
  const init = waiting.init("a");
  expect(await other.ask("heartbeat")).toEqual(OK);
  expect(await other.update("a")).toMatchObject({ status: "error" });
  await rig.register();
  expect(await init).toEqual(OK);
  expect(await waiting.ask("setup", { action_id: "a", tick_period: 0.1 })).toEqual(OK);
});

test("an init that waits too long is told why, before a stock client gives up", async () => {
  const client = await rig.client();
  const init = client.init("a");
  let answer: JsonObject | undefined;
  void init.then((each) => {
    answer = each;
  });
  await (await rig.client()).ask("heartbeat"); // the init was heard before
  await rig.clock.advance(8_900);
  await (await rig.client()).ask("heartbeat");
  expect(answer).toBeUndefined();
  await rig.clock.advance(100);
  await until("it is answered", () => answer !== undefined);
  expect(answer).toMatchObject({ status: "error", message: expect.stringContaining("not ready") });
});

test("a handler sees both kinds of arguments, those of the execution first", async () => {
  await rig.register();
  const client = await rig.client();
  await client.init("a", { speed: 1, mode: ["fast", 7], name: "arm" }, "arm.pick");
  await client.execute("a", { speed: 2.5, goal: { x: 1 }, note: null });
  expect(await rig.assigned(1)).toMatchObject({
    transition: "arm.pick",
    params: { speed: 2.5, mode: "fast", name: "arm", goal: { x: 1 } },
  });
});

test("an action may be executed again and again, each time anew", async () => {
  await rig.register();
  const client = await rig.client();
  await client.init("a");
  for (const [at, success] of [true, false, true].entries()) {
    expect(await client.execute("a")).toEqual(OK);
    expect(await client.update("a")).toEqual(running);
    const { auditId } = await rig.assigned(at + 1);
    await rig.finish(auditId, { success });
    const status = success ? "success" : "failure";
    expect(await client.update("a")).toEqual({ status: "ok", action_status: status });
    expect(await client.ask("terminate", { action_id: "a", new_status: "SUCCESS" })).toEqual(OK);
  }
  expect(rig.seen.filter(({ type }) => type === "cancel")).toEqual([]);
});

test("a terminate calls off what runs, whatever status it names, and the next round waits its turn", async () => {
  await rig.register();
  const client = await rig.client();
  await client.init("a");
  for (const [at, new_status] of ["INVALID", "SUCCESS", "FAILURE", "bogus"].entries()) {
    await client.execute("a");
    const { auditId } = await rig.assigned(at + 1);
    expect(await client.ask("terminate", { action_id: "a", new_status })).toEqual(OK);
    expect((await rig.cancelled(at + 1)).auditId).toBe(auditId);
    await rig.finish(auditId, { success: false });
  }
  rig.intake.set(false);
  await client.execute("a");
  expect(await client.update("a")).toEqual(running);
});

test("what never had its turn is called off without a word to the servant", async () => {
  await rig.register();
  rig.intake.set(false);
  const client = await rig.client();
  await client.init("a");
  await client.execute("a");
  await client.ask("terminate", { action_id: "a", new_status: "INVALID" });
  expect(await client.update("a")).toMatchObject({ status: "error" });
  rig.intake.set(true);
  await client.execute("a");
  await rig.assigned(1);
  expect(rig.seen.filter(({ type }) => type !== "idle")).toHaveLength(1);
});

test("a round that has to wait for another's end lets a later one pass", async () => {
  await rig.register();
  rig.intake.startsNow = (transition) => transition === "arm.pick";
  const [one, other] = [await rig.client(), await rig.client()];
  await one.init("a");
  await other.init("b", {}, "arm.pick");
  await one.execute("a");
  await other.execute("b");
  expect(await rig.assigned(1)).toMatchObject({ transition: "arm.pick" });
  expect(await one.update("a")).toEqual(running);
  rig.intake.startsNow = () => true;
  rig.intake.bell.ring();
  expect(await rig.assigned(2)).toMatchObject({ transition: "move" });
});

test("a round that waits for long is told once", async () => {
  await rig.register();
  rig.intake.set(false);
  const client = await rig.client();
  await client.init("a");
  await client.execute("a", { goal: "home" });
  const told = () => rig.events.filter(({ type }) => type === "assignment.waiting");
  await rig.clock.advance(1_000);
  expect(told()).toEqual([]);
  await rig.clock.advance(5_000);
  expect(told()).toMatchObject([{ what: "move(home)", waitedMs: 2_000 }]);
});

test("another connection does not know its actions, nor can it reset them", async () => {
  await rig.register();
  const [one, other] = [await rig.client(), await rig.client()];
  await one.init("a");
  await one.execute("a");
  const { auditId } = await rig.assigned(1);
  for (const cmd of ["setup", "execute", "update", "terminate"]) {
    expect(await other.ask(cmd, { action_id: "a" })).toMatchObject({
      message: "Unknown action_id: a",
    });
  }
  expect(await other.ask("reset", { action_id: "a" })).toEqual(OK);
  expect(await other.ask("reset")).toEqual(OK);
  expect(await other.init("a")).toEqual(OK); // another one of the same name
  expect(await other.ask("reset")).toEqual(OK);
  expect(await one.update("a")).toEqual(running);
  expect(await one.ask("reset")).toEqual(OK);
  expect((await rig.cancelled()).auditId).toBe(auditId);
  expect(await one.update("a")).toMatchObject({ message: "Unknown action_id: a" });
});

test("a second init of an id calls the first one off and begins anew", async () => {
  await rig.register();
  const client = await rig.client();
  await client.init("a");
  await client.execute("a");
  const { auditId } = await rig.assigned(1);
  expect(await client.init("a")).toEqual(OK);
  expect((await rig.cancelled()).auditId).toBe(auditId);
  await rig.finish(auditId);
  expect(await client.update("a")).toEqual({ status: "ok", action_status: "failure" }); // not executed
});

test("an execute beside one that runs calls that one off, and begins when it has stopped", async () => {
  await rig.register();
  const client = await rig.client();
  await client.init("a");
  await client.execute("a");
  const { auditId } = await rig.assigned(1);
  await client.execute("a");
  expect((await rig.cancelled()).auditId).toBe(auditId);
  await client.execute("a", { speed: 3 }); // the second never began
  await client.execute("a", { text: "x".repeat(2_000) }); // nor did this
  await client.init("a");
  await client.init("a");
  await client.execute("a", { speed: 4 });
  const other = await rig.client();
  await other.init("b");
  await other.execute("b"); // what it does is no business of theirs
  expect(await rig.assigned(2)).toMatchObject({ params: {} });
  await rig.finish((await rig.assigned(2)).auditId);
  expect(await client.update("a")).toEqual(running);
  expect(rig.seen.filter(({ type }) => type === "assign")).toHaveLength(2);
  await rig.finish(auditId); // the first one's end is not the last one's
  const last = await rig.assigned(3);
  expect(last).toMatchObject({ params: { speed: 4 } });
  expect(await client.update("a")).toEqual(running);
  await rig.finish(last.auditId);
  expect(await client.update("a")).toEqual({ status: "ok", action_status: "success" });
});

test("a client that closes its connection has what it began called off", async () => {
  await rig.register();
  const [one, other] = [await rig.client(), await rig.client()];
  await one.init("a");
  await one.execute("a");
  await other.init("b");
  await other.execute("b");
  const { auditId } = await rig.assigned(1);
  await rig.assigned(2);
  one.req.close();
  expect(await rig.cancelled()).toMatchObject({ auditId, reason: "its client is gone" });
  expect(await other.update("b")).toEqual(running);
  expect(rig.seen.filter(({ type }) => type === "cancel")).toHaveLength(1);
});

test("a client that is silent for the lease has what runs called off, and hears it when it is back", async () => {
  await rig.register();
  const [silent, alive] = [await rig.client(), await rig.client()];
  for (const client of [silent, alive]) {
    await client.init("a");
    await client.execute("a");
  }
  const { auditId } = await rig.assigned(1);
  await rig.assigned(2);
  for (let passedMs = 0; passedMs < LEASE_MS + 1_000; passedMs += 1_000) {
    await rig.clock.advance(1_000);
    expect(await alive.ask("heartbeat")).toEqual(OK);
  }
  expect((await rig.cancelled()).auditId).toBe(auditId);
  expect(await alive.update("a")).toEqual(running);
  expect(await silent.update("a")).toMatchObject({ message: expect.stringContaining("10 s") });
  await rig.finish(auditId, { success: false });
  expect(await silent.execute("a")).toEqual(OK);
  await rig.assigned(3);
});

test("an agent that stood still itself takes no client for silent", async () => {
  await rig.register();
  const client = await rig.client();
  await client.init("a");
  await client.execute("a");
  await rig.assigned(1);
  await rig.clock.stall(3_600_000);
  expect(await client.update("a")).toEqual(running);
});

test("a connection keeps 1,024 actions: the oldest that does not run is forgotten", async () => {
  await rig.register();
  const client = await rig.client();
  await client.init("first");
  await client.execute("first");
  for (let nth = 0; nth < 1_100; nth += 1) await client.init(`a${nth}`);
  expect(await client.update("first")).toEqual(running);
  expect(await client.update("a1099")).toEqual({ status: "ok", action_status: "failure" });
  expect(await client.update("a0")).toMatchObject({ message: "Unknown action_id: a0" });
});

test("a connection keeps 32 MiB of arguments, too, and what runs before what does not", async () => {
  await rig.close();
  rig = new ScenarioRig({ assignmentMaxBytes: 16 * 2 ** 20 });
  await rig.register();
  const client = await rig.client();
  const text = "x".repeat(7 * 2 ** 20);
  await client.init("first");
  await client.execute("first", { text });
  for (const id of ["a", "b", "c", "d", "e"]) await client.init(id, { text });
  expect(await client.update("first")).toEqual(running);
  for (const id of ["a", "b"]) {
    expect(await client.update(id)).toMatchObject({ message: `Unknown action_id: ${id}` });
  }
  expect(await client.execute("c")).toEqual(OK);
  expect(await client.update("c")).toEqual(running);
  // What is not kept any more makes room.
  for (const actionId of ["c", "d", "e"]) await client.ask("reset", { action_id: actionId });
  for (const id of ["f", "g", "h"]) await client.init(id, { text });
  expect(await client.update("f")).toEqual({ status: "ok", action_status: "failure" });
});

test("arguments of an init count for the limit, too", async () => {
  await rig.register();
  const client = await rig.client();
  for (const chars of [600, 2_000]) {
    await client.init("a", { text: "x".repeat(chars) });
    expect(await client.execute("a", { more: "x".repeat(400) })).toEqual(OK);
    expect(await client.update("a")).toMatchObject({
      message: expect.stringContaining("over 1000"),
    });
  }
  await client.init("a", { text: "x".repeat(400) });
  await client.execute("a", {});
  expect(await client.update("a")).toEqual(running);
});

test("arguments past the limit fail the action, not the scenario", async () => {
  await rig.register();
  const client = await rig.client();
  await client.init("a");
  expect(await client.execute("a", { text: "x".repeat(2_000) })).toEqual(OK);
  expect(await client.update("a")).toMatchObject({ message: expect.stringContaining("over 1000") });
  expect(await client.execute("a", { text: "short" })).toEqual(OK);
  expect(await client.update("a")).toEqual(running);
});

test("an agent that stops starts nothing more, and tells its clients how theirs ended", async () => {
  await rig.register();
  const client = await rig.client();
  for (const id of ["a", "b"]) await client.init(id);
  await client.execute("a");
  const { auditId } = await rig.assigned(1);
  rig.intake.set(false);
  await client.execute("b");
  await rig.stop();
  expect(await client.update("b")).toMatchObject({ message: expect.stringContaining("stopping") });
  expect(await client.execute("b")).toEqual(OK);
  expect(await client.update("b")).toMatchObject({ message: expect.stringContaining("stopping") });
  await rig.finish(auditId);
  let isClosed = false;
  const closing = rig.server.close().then(() => {
    isClosed = true;
  });
  await rig.clock.advance(500);
  expect(isClosed).toBe(false); // "a" is still to be told
  expect(await client.update("a")).toEqual({ status: "ok", action_status: "success" });
  // As a stock client at once after it: it would wait 30 s for the answer.
  const said = { action_id: "a", new_status: "SUCCESS" };
  await client.ask("terminate", { ...said, action_id: "b" });
  expect(isClosed).toBe(false);
  expect(await client.ask("terminate", said)).toEqual(OK);
  await closing;
});

test("an agent that ends before its plugin is loaded tells those who wait for that", async () => {
  const client = await rig.client();
  const init = client.init("a");
  await (await rig.client()).ask("heartbeat"); // the init was heard before
  await rig.server.close();
  expect(await init).toMatchObject({ message: expect.stringContaining("the agent ends") });
});

test("a client that does not ask keeps no agent from its end for longer than a second", async () => {
  await rig.register();
  const client = await rig.client();
  await client.init("a");
  await client.execute("a");
  await rig.finish((await rig.assigned(1)).auditId);
  await rig.stop();
  const closing = rig.server.close();
  await rig.clock.advance(1_000);
  await closing;
});

test("nonsense is answered, and told once a second", async () => {
  await rig.register();
  const client = await rig.client();
  for (let nth = 0; nth < 5; nth += 1)
    expect(await client.ask("bogus")).toMatchObject({ status: "error" });
  const told = () => rig.events.filter(({ type }) => type === "link.refused");
  expect(told()).toHaveLength(1);
  await rig.clock.advance(1_500);
  await client.ask("bogus");
  expect(told()[1]).toMatchObject({ count: 6, reason: "Unknown command: 'bogus'" });
});

test("what a run_process leaves running is its action's, and ends with it", async () => {
  const own = new ScenarioRig({ builtins: ["run_process"] });
  try {
    await own.register();
    const client = await own.client();
    const args = { command: "serve", wait_for_shutdown: false };
    const holders: unknown[] = [];
    let count = 0;
    const round = async (id: string) => {
      await client.execute(id, args);
      count += 1;
      const { auditId, params } = await own.assigned(count);
      await own.finish(auditId);
      await client.ask("terminate", { action_id: id, new_status: "SUCCESS" });
      return params.holder;
    };
    for (const end of ["reset", "terminate", "init", "close"]) {
      await client.init(end, {}, "run_process");
      const holder = await round(end);
      expect(holder).toBeString();
      expect(await round(end)).toBe(holder); // executed again it finds what runs
      expect(holders).not.toContain(holder);
      holders.push(holder);
      if (end === "reset") await client.ask("reset", { action_id: end });
      if (end === "terminate") await client.ask(end, { action_id: end, new_status: "INVALID" });
      if (end === "init") await client.init(end);
      if (end === "close") client.req.close();
      count += 1;
      expect(await own.assigned(count)).toMatchObject({
        transition: "run_process",
        params: { release: holder },
      });
    }
    expect(own.seen.filter(({ type }) => type === "cancel")).toEqual([]);
  } finally {
    await own.close();
  }
});

test("a plugin's own run_process gets what its client sent, and nothing after its end", async () => {
  await rig.register();
  const client = await rig.client();
  const args = { command: "serve", wait_for_shutdown: false };
  await client.init("a", {}, "run_process");
  await client.execute("a", args);
  const { auditId, params } = await rig.assigned(1);
  expect(params).toEqual(args);
  await rig.finish(auditId);
  await client.ask("reset", { action_id: "a" });
  await client.init("b");
  await client.execute("b");
  expect(await rig.assigned(2)).toMatchObject({ transition: "move" });
});
