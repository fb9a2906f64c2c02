// Goal: an action that was cut off is failed, run again or asked about, as its handler says, after
// a crash of its process and of the agent alike; the result tells which.
import { beforeEach, describe, expect, test } from "bun:test";
import { STARTS_MAX } from "../../src/agent/recovery.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { Reconciled } from "../../src/core/handlers.ts";
import { action, belief, type FakeRunner, id, until, World } from "../support/fake-ports.ts";

let world: World;
beforeEach(() => {
  world = new World();
});
const crash = (message = "its process ended") => new ServantError("handler.crashed", message);
const rerun = { move: { onInterrupted: "rerun" } } as const;
const reconcile = { move: { onInterrupted: "reconcile" } } as const;

/** Starts "a" and crashes the whole agent while it runs; the next life has the same rules. */
async function agentCrash(rules: FakeRunner["rules"], next = world.newRunner(rules)) {
  await world.start(world.newRunner(rules));
  world.backend.assign(action("a"));
  await until("a runs", () => world.runner.running.includes("a"));
  await world.crash();
  await world.start(next);
}

describe("an action whose process crashed", () => {
  test("fails, unless its handler says otherwise", async () => {
    await world.start();
    world.backend.assign(action("a"));
    await world.runner.break("a", crash());
    expect(world.backend.results("a")).toMatchObject([
      { success: false, code: "handler.crashed", interruption: "failed" },
    ]);
  });

  test("runs again when its handler may, each start recorded before it happens", async () => {
    const runner = world.newRunner(rerun);
    runner.onRun = ({ auditId }) => {
      const starts = world.story(auditId).filter((type) => type === "started").length;
      expect(starts).toBe(runner.started.length + 1);
    };
    await world.start(runner);
    world.backend.assign(action("a"));
    await world.runner.break("a", crash());
    await world.runner.end("a", { telemetry: { metres: 3 } });
    expect(world.backend.results("a")).toMatchObject([
      { success: true, telemetry: { metres: 3 }, interruption: "rerun" },
    ]);
  });

  test(`is started ${STARTS_MAX} times at most`, async () => {
    await world.start(world.newRunner(rerun));
    world.backend.assign(action("a"));
    for (let start = 1; start <= STARTS_MAX; start += 1) await world.runner.break("a", crash());
    expect(world.backend.results("a")).toMatchObject([
      { code: "handler.crashed", interruption: "failed" },
    ]);
    expect(world.started).toHaveLength(STARTS_MAX);
  });

  test("is not run again by an agent that stops, nor when its start cannot be recorded", async () => {
    await world.start(world.newRunner(rerun));
    world.backend.assign(action("a"));
    await until("a runs", () => world.runner.running.includes("a"));
    world.disk.rowsMax = world.disk.rows.length;
    await world.runner.break("a", crash());
    await until("a is answered", () => world.backend.results("a").length === 1);
    world.disk.rowsMax = Number.POSITIVE_INFINITY;
    await world.clock.advance(2_000);
    world.backend.assign(action("b"));
    await until("b runs", () => world.runner.running.includes("b"));
    world.stop.abort();
    await world.runner.break("b", crash());
    await world.ended;
    expect(world.backend.codes("b")).toEqual(["handler.crashed"]);
    expect(world.started).toEqual([id("a"), id("b")]);
  });

  test("a belief is answered failed, whatever the actions say", async () => {
    await world.start(world.newRunner({ ...rerun, robot_at: { onInterrupted: "rerun" } }));
    world.backend.assign(belief("q"));
    await world.runner.break("q", crash());
    expect(world.backend.codes("q")).toEqual(["handler.crashed"]);
  });
});

describe("an action that the agent's own crash cut off", () => {
  test("fails as interrupted, unless its handler says otherwise", async () => {
    await agentCrash({});
    await until("it is answered", () => world.backend.taken.length === 1);
    expect(world.backend.results("a")).toMatchObject([
      { code: "handler.interrupted", interruption: "failed" },
    ]);
    expect(world.started).toEqual([id("a")]);
  });

  test("runs again when its handler may, beside nothing else, and counts over restarts", async () => {
    await agentCrash(rerun);
    world.backend.assign(action("b"));
    await until("a runs again", () => world.runner.running.includes("a"));
    expect(world.runner.running).toEqual(["a"]);
    await world.crash();
    await world.start(world.newRunner(rerun));
    await until("and again", () => world.runner.running.includes("a"));
    await world.crash();
    await world.start(world.newRunner(rerun));
    await until("it is answered", () => world.backend.results("a").length === 1);
    expect(world.backend.results("a")).toMatchObject([{ interruption: "failed" }]);
    expect(world.started.filter((each) => each === "a")).toHaveLength(STARTS_MAX);
  });

  const told: [Reconciled, object][] = [
    [
      { state: "done", message: "it stands there" },
      { success: true, interruption: "done" },
    ],
    [
      { state: "not-done", message: "" },
      { success: false, interruption: "not-done" },
    ],
    [
      { state: "partly", message: "half way" },
      { success: false, interruption: "partly" },
    ],
  ];
  for (const [reconciled, result] of told) {
    test(`is answered as its reconcile finds it: ${reconciled.state}`, async () => {
      const next = world.newRunner(reconcile);
      next.reconciled = reconciled;
      await agentCrash(reconcile, next);
      await until("it is answered", () => world.backend.taken.length === 1);
      const message = expect.stringContaining(reconciled.message);
      expect(world.backend.results("a")).toMatchObject([{ ...result, message }]);
      expect(world.started).toEqual([id("a")]);
    });
  }

  test("fails when its reconcile cannot tell either, and says so", async () => {
    const next = world.newRunner(reconcile);
    next.reconcile = () => Promise.reject(new ServantError("handler.threw", "no camera"));
    await agentCrash(reconcile, next);
    await until("it is answered", () => world.backend.taken.length === 1);
    const message = expect.stringContaining("no camera");
    expect(world.backend.results("a")).toMatchObject([{ interruption: "failed", message }]);
  });
});

test("an action that hung or was killed is not in doubt: it is answered as what it was", async () => {
  await world.start(world.newRunner(rerun));
  world.backend.assign(action("a"));
  await world.runner.break("a", new ServantError("handler.hung", "no answer"));
  expect(world.backend.codes("a")).toEqual(["handler.hung"]);
  expect(world.started).toEqual([id("a")]);
});
