// Goal: a cancel keeps from starting what has not started and tells the rest to stop; a handler
// that succeeds all the same is believed. Cancelling never starts anything.
import { beforeEach, describe, expect, test } from "bun:test";
import { EARLY_CANCELS_MAX } from "../../src/agent/dispatcher.ts";
import { ServantError } from "../../src/core/errors.ts";
import { action, belief, id, idle, until, World } from "../support/fake-ports.ts";

let world: World;
beforeEach(async () => {
  world = new World();
  world.backend.tellsCancels = true;
  await world.start();
});
const cancel = (auditId: string, reason = "the operator said so") =>
  world.backend.send({ type: "cancel", auditId: id(auditId), reason });

describe("a cancel", () => {
  test("aborts the handler's signal with the reason, and the result says how it ended", async () => {
    world.backend.assign(action("a"));
    await until("it runs", () => world.runner.running.includes("a"));
    cancel("a");
    await until("it is answered", () => world.backend.taken.length === 1);
    expect(world.runner.signals.get(id("a"))?.reason).toMatchObject({
      code: "handler.cancelled",
      message: expect.stringContaining("the operator said so"),
    });
    expect(world.backend.codes("a")).toEqual(["handler.cancelled"]);
    expect(world.story("a")).toContain("cancelled");
  });

  test("of a handler that succeeds all the same is reported as success", async () => {
    world.runner.heedsAbort = false;
    world.backend.assign(action("a"));
    await until("it runs", () => world.runner.running.includes("a"));
    cancel("a");
    await until("it is told", () => world.runner.signals.get(id("a"))?.aborted === true);
    await world.runner.end("a");
    expect(world.backend.results("a")).toMatchObject([{ success: true }]);
  });

  test("of one that waits answers it at once, and it never starts", async () => {
    world.backend.assign(action("a"), action("b"));
    await until("b waits", () => world.story("b").length === 1);
    cancel("b");
    await until("b is answered", () => world.backend.results("b").length === 1);
    expect(world.backend.results("b")).toMatchObject([
      { success: false, code: "handler.cancelled", message: expect.stringContaining("never") },
    ]);
    await world.runner.end("a");
    world.backend.assign(action("c"));
    await world.runner.end("c");
    expect(world.started).toEqual([id("a"), id("c")]);
  });

  test("of one that waits holds at once, however slow the disk that is to keep it", async () => {
    world.backend.assign(action("a"), action("b"));
    await until("b waits", () => world.story("b").length === 1);
    world.disk.isSlow = true;
    cancel("b");
    await idle();
    const ending = world.runner.end("a"); // its turn would come now
    await idle();
    world.disk.isSlow = false;
    world.disk.flush();
    await ending;
    await until("both are answered", () => world.backend.taken.length === 2);
    expect(world.started).toEqual([id("a")]);
    expect(world.story("b")).not.toContain("started");
  });

  test("of one that waits to run again at the end of a pause answers it", async () => {
    world.runner.rules.move = { onInterrupted: "rerun" };
    world.backend.assign(action("a"));
    await until("it runs", () => world.runner.running.length === 1);
    await world.servant.pause("wait");
    await world.runner.break("a", new ServantError("handler.crashed", "gone"));
    cancel("a");
    await until("it is answered", () => world.backend.results("a").length === 1);
    expect(world.started).toHaveLength(1);
  });

  test("that comes before its assignment keeps it from starting", async () => {
    cancel("a");
    world.backend.assign(action("a"), action("b"));
    await world.runner.end("b");
    expect(world.backend.codes("a")).toEqual(["handler.cancelled"]);
    expect(world.started).toEqual([id("b")]);
  });

  test("while its start is being recorded keeps it from starting", async () => {
    world.disk.isSlow = true;
    world.backend.assign(action("a"));
    await until("it is taken", () => world.told("assignment.accepted").length === 1);
    cancel("a");
    await idle();
    world.disk.isSlow = false;
    world.disk.flush();
    await until("it is answered", () => world.backend.taken.length === 1);
    expect(world.backend.codes("a")).toEqual(["handler.cancelled"]);
    expect(world.started).toEqual([]);
  });

  test("of a waiting one whose acceptance the full disk turned away is answered once", async () => {
    world.backend.assign(action("a"));
    await until("it runs", () => world.runner.running.length === 1);
    world.disk.isSlow = true;
    world.backend.assign(action("b"));
    await until("b waits", () => world.told("assignment.accepted").length === 2);
    cancel("b");
    await idle();
    world.disk.rowsMax = world.disk.rows.length;
    world.disk.isSlow = false;
    world.disk.flush();
    await until("b is answered", () => world.backend.results("b").length > 0);
    world.disk.rowsMax = Number.POSITIVE_INFINITY;
    await world.runner.end("a");
    await idle();
    expect(world.backend.results("b")).toHaveLength(1);
    expect(world.told("assignment.rejected")).toHaveLength(1);
    expect(world.started).toEqual([id("a")]);
  });

  test("that comes again, for what is answered, or for nothing known changes nothing", async () => {
    world.backend.assign(action("a"), belief("q"));
    await world.runner.end("q");
    cancel("q");
    cancel("nothing");
    cancel("a");
    cancel("a", "another reason");
    await until("a is answered", () => world.backend.results("a").length === 1);
    await idle();
    expect(world.told("assignment.cancelled")).toHaveLength(1);
    expect(world.backend.results("q")).toMatchObject([{ success: true }]);
    expect(world.backend.taken).toHaveLength(2);
  });

  test("reaches its handler while nothing can be taken", async () => {
    world.backend.assign(action("a"), action("b"));
    await until("b waits", () => world.story("b").length === 1);
    cancel("a");
    await until("a is answered", () => world.backend.results("a").length === 1);
    expect(world.backend.codes("a")).toEqual(["handler.cancelled"]);
    await world.runner.end("b");
  });

  test("that nobody needs is forgotten, the oldest first", async () => {
    for (let at = 0; at <= EARLY_CANCELS_MAX; at += 1) cancel(`early-${at}`);
    world.backend.assign(action("early-0"), action("early-1"));
    await world.runner.end("early-0");
    await until("the other is answered", () => world.backend.results("early-1").length === 1);
    expect(world.backend.codes("early-1")).toEqual(["handler.cancelled"]);
    expect(world.started).toEqual([id("early-0")]);
  });
});

describe("across a restart", () => {
  test("what was called off and had not started is answered so and never starts", async () => {
    world.backend.assign(action("a"), action("b"));
    await until("b waits", () => world.story("b").length === 1);
    world.disk.isSlow = true;
    cancel("b");
    await idle();
    world.disk.isSlow = false;
    world.disk.flush();
    await until("it is durable", () => world.story("b").includes("cancelled"));
    await world.crash();
    world.disk.rows = world.disk.rows.filter(({ text }) => !/"finished"/.test(text));
    await world.start();
    await until("both are answered", () => world.backend.taken.length >= 2);
    expect(world.backend.codes("b").at(-1)).toBe("handler.cancelled");
    expect(world.story("b")).not.toContain("started");
    expect(world.started).toEqual([id("a")]);
  });

  test("what was called off never runs again, though its handler would", async () => {
    world.runner.rules.move = { onInterrupted: "rerun" };
    world.runner.heedsAbort = false;
    world.backend.assign(action("a"));
    await until("it runs", () => world.runner.running.length === 1);
    cancel("a");
    await until("it is durable", () => world.story("a").includes("cancelled"));
    await world.crash();
    await world.start(world.newRunner({ move: { onInterrupted: "rerun" } }));
    await until("it is answered", () => world.backend.taken.length === 1);
    expect(world.backend.results("a")).toMatchObject([
      { code: "handler.interrupted", interruption: "failed" },
    ]);
    expect(world.started).toEqual([id("a")]);
  });
});

test("a handler that is cut off after its cancel is not run again", async () => {
  world.runner.rules.move = { onInterrupted: "rerun" };
  world.runner.heedsAbort = false;
  world.backend.assign(action("a"));
  await until("it runs", () => world.runner.running.length === 1);
  cancel("a");
  await until("it is told", () => world.runner.signals.get(id("a"))?.aborted === true);
  await world.runner.break("a", new ServantError("handler.crashed", "gone"));
  expect(world.backend.codes("a")).toEqual(["handler.crashed"]);
  expect(world.started).toEqual([id("a")]);
});
