// Goal: an assignment runs once however often it arrives; actions go one by one, one is held.
import { beforeEach, describe, expect, test } from "bun:test";
import { ServantError } from "../../src/core/errors.ts";
import { action, belief, id, idle, until, World } from "../support/fake-ports.ts";

let world: World;
beforeEach(async () => {
  world = await new World().start();
});
const running = () => world.runner.running;

test("what is in hand and what is on its way back are told, a backlog is not", async () => {
  const holds = () => world.backend.intake?.holds;
  world.backend.tellsCancels = true;
  expect(holds()).toEqual([]);
  const gate = Promise.withResolvers<void>();
  world.backend.onDeliver = () => gate.promise;
  world.backend.assign(action("a"), action("b"), belief("c"));
  await until("all are taken", () => running().length === 2 && world.story("b").length === 1);
  expect(holds()).toEqual([id("a"), id("b"), id("c")]);
  await world.runner.end("a");
  await until("the next runs", () => running().includes("b"));
  expect([...(holds() ?? [])].sort()).toEqual([id("a"), id("b"), id("c")]);
  world.runner.isManual = false;
  for (let count = 0; count < 4; count += 1) world.backend.assign(belief(`more-${count}`));
  await until("they are done", () => world.ledger.undelivered === 5);
  expect(holds()).toBeUndefined();
  gate.resolve();
  await until("all is delivered", () => world.ledger.undelivered === 0);
  expect(holds()).toEqual([id("b"), id("c")]);
});

describe("an assignment that arrives again", () => {
  test("while it is held, runs or waits for its delivery, runs once and is answered once", async () => {
    const held = Promise.withResolvers<void>();
    world.backend.onDeliver = () => held.promise;
    world.backend.assign(action("a"), action("a"), action("a"));
    await until("it runs", () => running().length === 1);
    await world.runner.end("a");
    world.backend.assign(action("a"));
    await idle();
    held.resolve();
    await until("it is answered", () => world.backend.taken.length === 1);
    await idle();
    expect(world.backend.taken).toHaveLength(1);
    expect(world.started).toEqual([id("a")]);
    const phases = world.told("assignment.repeated").map(({ phase }) => phase);
    expect(phases.slice(1)).toEqual(["started", "finished"]);
  });

  test("in the moment before its acceptance is durable runs once", async () => {
    world.disk.isSlow = true;
    world.backend.assign(action("a"), action("a"));
    await idle();
    world.disk.isSlow = false;
    world.disk.flush();
    await world.runner.end("a");
    expect(world.started).toEqual([id("a")]);
    expect(world.told("assignment.repeated")).toMatchObject([{ phase: "started" }]);
  });

  test("after its delivery is answered with the stored result each time, to who asks", async () => {
    world.backend.assign(action("a"));
    await world.runner.end("a", { telemetry: { metres: 3 } });
    for (const via of ["servant-2", "servant-3"]) {
      world.backend.send({ type: "assign", assignment: action("a"), via });
      await idle();
    }
    expect(world.started).toEqual([id("a")]);
    expect(world.backend.taken.map(({ via }) => via)).toEqual([
      "servant-1",
      "servant-2",
      "servant-3",
    ]);
    for (const result of world.backend.results("a"))
      expect(result.telemetry).toEqual({ metres: 3 });
  });

  test("after a restart is answered with the stored result", async () => {
    world.backend.assign(action("a"));
    await world.runner.end("a");
    await world.stopped();
    await world.start();
    world.backend.assign(action("a"));
    await until("it is answered again", () => world.backend.results("a").length === 2);
    expect(world.started).toEqual([id("a")]);
  });

  test("after it was refused is sent once more", async () => {
    world.backend.onDeliver = () => {
      throw new ServantError("backend.rejected", "Cannot post");
    };
    world.backend.assign(action("a"));
    await world.runner.end("a");
    expect(world.story("a").at(-1)).toBe("refused");
    world.backend.onDeliver = () => {};
    world.backend.assign(action("a"));
    await until("it is taken", () => world.backend.results("a").length === 1);
    expect(world.started).toEqual([id("a")]);
  });

  test("with another content is answered assignment.id-reused, each time, and never runs", async () => {
    const other = action("a", { end: "room_two" });
    world.backend.assign(action("a"), other);
    await until("it is answered", () => world.backend.results("a").length === 1);
    await world.runner.end("a");
    world.backend.assign(other, belief("a"));
    await until("all are answered", () => world.backend.results("a").length === 4);
    const reused = "assignment.id-reused";
    expect(world.backend.codes("a")).toEqual([reused, undefined, reused, reused]);
    expect(world.started).toEqual([id("a")]);
  });
});

describe("lanes", () => {
  test("one action runs, one is held, and no more is asked for until there is room", async () => {
    world.backend.assign(action("a"), action("b"), action("c"));
    await until("two are taken", () => world.story("b").length === 1);
    await idle();
    expect(running()).toEqual(["a"]);
    expect([world.backend.isPolled, world.backend.polls]).toEqual([false, 2]);
    await world.runner.end("a");
    expect(running()).toEqual(["b"]);
    expect(world.story("c")).toEqual(["accepted"]);
    await world.runner.end("b");
    await world.runner.end("c");
    expect(world.backend.results().map(({ auditId }) => `${auditId}`)).toEqual(["a", "b", "c"]);
    expect(world.backend.isPolled).toBe(true);
  });

  test("beliefs are answered while an action runs, eight at once", async () => {
    world.backend.assign(action("a"), ...Array.from({ length: 9 }, (_, at) => belief(`q${at}`)));
    await until("they run", () => running().length === 9);
    await idle();
    expect([running().length, world.backend.isPolled]).toEqual([9, false]);
    await world.runner.end("q3");
    expect(world.backend.results("q3")).toMatchObject([{ success: true }]);
    await until("the ninth runs", () => running().includes("q8"));
    expect(running()).toContain("a");
  });

  test("the next poll goes out before the disk has the last assignment", async () => {
    world.disk.isSlow = true;
    world.backend.assign(action("a"));
    await until("it polls", () => world.backend.isPolled && world.backend.polls === 2);
    expect(world.started).toEqual([]);
    world.disk.isSlow = false;
    world.disk.flush();
    await world.runner.end("a");
  });

  test("a finish, the next start and what is held share one commit", async () => {
    const { commits } = world.disk;
    world.backend.assign(...Array.from({ length: 50 }, (_, at) => action(`a${at}`)));
    for (let at = 0; at < 50; at += 1) {
      if (at < 49) await until("the next one is held", () => world.story(`a${at + 1}`).length > 0);
      await world.runner.end(`a${at}`);
    }
    await until("all are answered", () => world.backend.taken.length === 50);
    // Each is accepted while the one before it runs, and starts with the end of that one.
    expect(world.disk.commits - commits).toBeLessThanOrEqual(2 * 50 + 1);
    expect(world.started).toHaveLength(50);
  });
});

describe("lanes of actions that say what they occupy", () => {
  const rules = {
    lift: { uses: ["arm"], onInterrupted: "fail" },
    drive: { uses: ["wheels"], onInterrupted: "fail" },
    note: { onInterrupted: "fail", isLight: true },
  } as const;
  const act = (auditId: string, transition: string) =>
    ({ kind: "action", auditId: id(auditId), transition, params: {} }) as const;
  beforeEach(async () => {
    world = new World();
    world.concurrency = 2;
    await world.start(world.newRunner(rules));
  });

  test("run together when they share nothing; the next waits for its lane, in its order", async () => {
    world.backend.assign(act("l1", "lift"), act("d1", "drive"), act("l2", "lift"));
    await until("two run and one waits", () => world.story("l2").length === 1);
    await idle();
    expect(running()).toEqual(["l1", "d1"]);
    await world.runner.end("d1"); // the arm is still in use
    expect(running()).toEqual(["l1"]);
    await world.runner.end("l1");
    expect(running()).toEqual(["l2"]);
    await world.runner.end("l2");
  });

  test("one that says nothing runs alone, and nobody overtakes it while it waits", async () => {
    world.backend.assign(act("l1", "lift"), action("all"), act("d1", "drive"));
    await until("it waits", () => world.story("all").length === 1);
    await idle();
    expect(running()).toEqual(["l1"]);
    await world.runner.end("l1");
    await until("d1 is taken", () => world.story("d1").length === 1);
    expect(running()).toEqual(["all"]);
    await world.runner.end("all");
    expect(running()).toEqual(["d1"]);
    await world.runner.end("d1");
  });

  test("one that comes although it was not asked for waits behind those that wait", async () => {
    world.backend.tellsCancels = true;
    world.backend.assign(act("l1", "lift"), action("all"), act("d1", "drive"));
    await until("both wait", () => world.story("d1").length === 1);
    await idle();
    expect(running()).toEqual(["l1"]);
    await world.runner.end("l1");
    await world.runner.end("all");
    await world.runner.end("d1");
    expect(world.started).toEqual([id("l1"), id("all"), id("d1")]);
  });

  test("light ones run beside anything, any number of them, and nothing waits for them", async () => {
    await world.stopped();
    world.concurrency = 1;
    await world.start(world.newRunner(rules));
    world.backend.tellsCancels = true; // it hands out whatever it has
    world.backend.assign(action("all"), act("l1", "lift"), act("n1", "note"), act("n2", "note"));
    await until("both run", () => running().includes("n2"));
    expect(running()).toEqual(["all", "n1", "n2"]);
    await world.runner.end("all");
    expect(running()).toEqual(["n1", "n2", "l1"]);
    await world.runner.end("n1");
    world.backend.assign(act("l2", "lift"));
    await until("l2 waits", () => world.story("l2").length === 1);
    expect(running()).toEqual(["n2", "l1"]);
  });

  test("light ones wait out a pause as all do, and are the first to start", async () => {
    world.backend.tellsCancels = true;
    world.backend.assign(action("all"));
    await until("it runs", () => running().length === 1);
    await world.servant.pause("a person");
    world.backend.assign(act("l1", "lift"), act("n1", "note"));
    await until("both wait", () => world.story("n1").length === 1);
    await idle();
    expect(running()).toEqual(["all"]);
    await world.servant.resume();
    await until("it runs", () => running().includes("n1"));
    expect(running()).toEqual(["all", "n1"]);
  });

  test("one at a time unless more are allowed", async () => {
    await world.stopped();
    world.concurrency = 1;
    await world.start(world.newRunner(rules));
    world.backend.assign(act("l1", "lift"), act("d1", "drive"));
    await until("one waits", () => world.story("d1").length === 1);
    await idle();
    expect(running()).toEqual(["l1"]);
  });

  test("one that breaks leaves the other alone", async () => {
    world.backend.assign(act("l1", "lift"), act("d1", "drive"));
    await until("both run", () => running().length === 2);
    await world.runner.break("l1", new ServantError("handler.timeout", "late"));
    expect(running()).toEqual(["d1"]);
    await world.runner.end("d1");
    expect(world.backend.codes("l1")).toEqual(["handler.timeout"]);
  });
});

test("while the plugin is not ready nothing starts and nothing is asked for", async () => {
  world.runner.isReady = false;
  world.backend.assign(action("a"), action("b"));
  await until("the poll that was under way brought one", () => world.story("a").length === 1);
  await idle();
  expect([world.started, world.backend.isPolled]).toEqual([[], false]);
  world.runner.isReady = true;
  world.runner.bell.ring();
  await world.runner.end("a");
  await world.runner.end("b");
  await until("it polls", () => world.backend.isPolled);
  world.runner.isReady = false;
  world.backend.assign(belief("q"));
  await world.runner.end("q"); // it was asked for
  await idle();
  expect(world.backend.isPolled).toBe(false);
});

describe("journal before effect", () => {
  test("started is durable when the handler begins, finished when it is delivered", async () => {
    await world.stopped();
    const fresh = new World();
    fresh.runner.isManual = false;
    fresh.runner.onRun = ({ auditId }) => {
      expect(fresh.story(auditId)).toEqual(["accepted", "started"]);
    };
    fresh.backend.onDeliver = ({ result }) => {
      expect(fresh.story(result.auditId)).toContain("finished");
    };
    await fresh.start(fresh.runner);
    for (let at = 0; at < 20; at += 1) fresh.backend.assign(action(`a${at}`), belief(`q${at}`));
    await until("all are answered", () => fresh.backend.taken.length === 40);
    for (const result of fresh.backend.results()) expect(result.success, result.message).toBe(true);
    expect(fresh.told("result.refused")).toEqual([]);
  });

  test("nothing begins while a slow disk has not answered", async () => {
    world.disk.isSlow = true;
    world.backend.assign(action("a"), belief("q"));
    await idle();
    expect(world.started).toEqual([]);
    world.disk.flush();
    await until("both run", () => running().length === 2);
    const ending = world.runner.end("q");
    await ending;
    expect(world.backend.taken).toEqual([]);
    world.disk.flush();
    await until("it is answered", () => world.backend.taken.length === 1);
  });
});

test("a runner that rejects becomes a failed result with its code, and the next one runs", async () => {
  world.backend.assign(action("a"), action("b"), belief("q"));
  await world.runner.break("a", new ServantError("handler.crashed", "exit code 3"));
  await world.runner.break("b", "only text");
  await world.runner.end("q");
  expect(world.backend.results("a")).toMatchObject([
    { success: false, code: "handler.crashed", message: "exit code 3" },
  ]);
  expect(world.backend.codes("b")).toEqual(["agent.internal"]);
  expect(world.backend.results("q")).toMatchObject([{ success: true }]);
});

test("a result answers the assignment it was made for, whatever the runner says", async () => {
  world.backend.assign(action("a"));
  await world.runner.end("a", { auditId: id("z") });
  expect(world.backend.results()).toMatchObject([{ auditId: id("a") }]);
});

test("a broken journal ends the servant with its failure and leaves no handler unheard", async () => {
  world.backend.assign(action("a"));
  await until("it runs", () => running().length === 1);
  world.disk.broken = new ServantError("journal.damaged", "Cannot write the journal");
  await world.runner.end("a");
  expect(await world.ended).toBe(world.disk.broken);
});

test("what waits starts when the plugin is ready, at whatever moment it says so", async () => {
  for (let ticks = 0; ticks < 20; ticks += 1) {
    const fresh = await new World().start();
    fresh.backend.assign(action("a"), action("b"));
    await until("b waits", () => fresh.story("b").length === 1);
    fresh.runner.isReady = false;
    await fresh.runner.end("a");
    fresh.runner.bell.ring(); // something has changed, but not that
    for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
    fresh.runner.isReady = true;
    fresh.runner.bell.ring();
    await fresh.runner.end("b");
    await fresh.stopped();
  }
});
