import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { AuditId } from "../../src/core/assignment.ts";
import { ServantError } from "../../src/core/errors.ts";
import { follow, Nursery, never, withRules } from "../support/fake-child.ts";
import { action } from "../support/fake-ports.ts";

const SECOND = 1_000;

describe("a child that ends by itself", () => {
  test("fails what had started as crashed and starts what had not in the next child", async () => {
    const nursery = await new Nursery().open();
    const [started, waiting] = [follow(nursery, "a1"), follow(nursery, "a2")];
    nursery.child.start("a1");
    nursery.child.end("signal SIGSEGV");
    await nursery.clock.advance(0);
    expect(started).toEqual({
      came: "handler.crashed",
      message: 'Cannot finish "move": its process ended with signal SIGSEGV',
    });
    expect(nursery.children).toHaveLength(2);
    nursery.child.start("a2");
    nursery.child.succeed("a2");
    await nursery.clock.advance(0);
    expect(waiting.came).toBe("success");
    expect(nursery.told("agent.not-ready")).toEqual([]);
  });

  test("leaves everything in doubt when its output was not read to the end", async () => {
    const nursery = await new Nursery().open();
    const [one, two] = [follow(nursery, "a1"), follow(nursery, "a2")];
    nursery.child.isHeardOut = false;
    nursery.child.end();
    await nursery.clock.advance(0);
    expect([one.came, two.came]).toEqual(["handler.crashed", "handler.crashed"]);
  });

  test("is replaced ever more slowly while children die in a row", async () => {
    const nursery = await new Nursery().open();
    nursery.onSpawn = (child) => {
      child.say({ type: "ready", loaded: nursery.loaded });
      queueMicrotask(() => child.end());
    };
    nursery.child.end();
    await nursery.clock.advance(10 * 60 * SECOND);
    const waits = nursery.told("agent.not-ready").map(({ retryInMs }) => retryInMs / SECOND);
    expect(waits.slice(0, 9)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    expect(nursery.supervisor.isReady).toBe(false);
    nursery.onSpawn = (child) => child.say({ type: "ready", loaded: nursery.loaded });
    await nursery.clock.advance(60 * SECOND);
    expect(nursery.supervisor.isReady).toBe(true);
    expect(nursery.told("agent.ready")).toHaveLength(1);
  });

  test("is replaced within a second, however often, by one that dies of what it is given to do", async () => {
    const nursery = await new Nursery().open();
    for (let nth = 1; nth <= 20; nth += 1) {
      const crashed = follow(nursery, `a${nth}`);
      nursery.child.start(`a${nth}`);
      nursery.child.end("exit code 9");
      await nursery.clock.advance(SECOND);
      expect(crashed.came).toBe("handler.crashed");
      expect(nursery.supervisor.isReady).toBe(true);
    }
    const waits = nursery.told("agent.not-ready").map(({ retryInMs }) => retryInMs / SECOND);
    expect(waits).toEqual(Array(19).fill(1));
  });

  test.each([
    { how: "a run that came to its end", isGood: true },
    { how: "a minute of life", isGood: false },
  ])("starts the count anew after $how", async ({ isGood }) => {
    const nursery = await new Nursery().open();
    nursery.child.end();
    await nursery.clock.advance(0);
    nursery.child.end();
    await nursery.clock.advance(SECOND);
    expect(nursery.told("agent.not-ready")).toHaveLength(1);
    if (isGood) {
      follow(nursery, "a1");
      nursery.child.succeed("a1");
    } else await nursery.clock.advance(60 * SECOND);
    nursery.child.end();
    await nursery.clock.advance(0);
    expect(nursery.told("agent.not-ready")).toHaveLength(1);
    expect(nursery.supervisor.isReady).toBe(true);
  });

  test("and cannot load again is tried again, and what waits goes stale", async () => {
    const nursery = await new Nursery().open();
    const message = "Cannot load it: syntax";
    nursery.onSpawn = (child) => child.say({ type: "broken", code: "plugin.load-failed", message });
    nursery.child.end();
    await nursery.clock.advance(0);
    const waiting = follow(nursery, "a1");
    await nursery.clock.advance(29 * SECOND);
    expect(waiting.came).toBeUndefined();
    expect(nursery.told("agent.not-ready").at(-1)).toMatchObject({ reason: message });
    await nursery.clock.advance(SECOND);
    expect(waiting.came).toBe("assignment.stale");
    nursery.onSpawn = (child) => child.say({ type: "ready", loaded: nursery.loaded });
    await nursery.clock.advance(60 * SECOND);
    expect(nursery.supervisor.isReady).toBe(true);
  });

  test("and cannot load at all fails the opening", async () => {
    const nursery = new Nursery();
    nursery.onSpawn = (child) => child.end("exit code 3");
    const failure = await nursery.open().catch((cause) => cause);
    expect(failure).toMatchObject({ code: "plugin.load-failed" });
    expect(failure.message).toContain("exit code 3");
    expect(nursery.children).toHaveLength(1);
  });

  test("is killed when it takes a minute to load", async () => {
    const nursery = new Nursery();
    nursery.onSpawn = () => {};
    const opening = nursery.open().catch((cause) => cause);
    await nursery.clock.advance(60 * SECOND);
    expect(await opening).toMatchObject({ code: "plugin.load-failed" });
    expect(nursery.child.signals).toEqual(["SIGTERM"]);
  });
});

describe("a pause", () => {
  test("starts no action in a new child, however long it lasts; beliefs go on", async () => {
    const nursery = await new Nursery().open();
    const [waiting, observed] = [follow(nursery, "a1"), follow(nursery, "b1")];
    nursery.supervisor.setPaused(true);
    nursery.child.end();
    await nursery.clock.advance(3_600 * SECOND);
    expect(nursery.child.work().map(({ id }) => id)).toEqual([1]);
    nursery.child.succeed("b1");
    await nursery.clock.advance(0);
    expect([waiting.came, observed.came]).toEqual([undefined, "success"]);
    nursery.supervisor.setPaused(false);
    await nursery.clock.advance(0);
    nursery.child.succeed("a1");
    await nursery.clock.advance(0);
    expect(waiting.came).toBe("success");
  });

  test("is told to the child, and to the next one", async () => {
    const nursery = await new Nursery().open();
    nursery.supervisor.setPaused(true);
    const paused = { type: "pause", isPaused: true } as const;
    expect(nursery.child.orders).toEqual([paused]);
    nursery.child.end();
    await nursery.clock.advance(0);
    expect(nursery.child.orders).toEqual([paused]);
    nursery.supervisor.setPaused(false);
    expect(nursery.child.orders.at(-1)).toEqual({ type: "pause", isPaused: false });
  });
});

describe("reconcile()", () => {
  const assignment = action("a1") as Extract<ReturnType<typeof action>, { kind: "action" }>;

  test("asks the plugin, in the next child when the first had not started it", async () => {
    const nursery = await new Nursery().open();
    const answer = nursery.supervisor.reconcile(assignment, never);
    nursery.child.end();
    await nursery.clock.advance(0);
    const [work] = nursery.child.work();
    expect(work).toEqual({ type: "reconcile", assignment, id: 1 });
    const reconciled = { state: "partly", message: "half way" } as const;
    nursery.child.say({ type: "reconciled", id: 1, reconciled });
    expect(await answer).toEqual(reconciled);
  });

  test("rejects with what the plugin failed with", async () => {
    const nursery = await new Nursery().open();
    const answer = nursery.supervisor.reconcile(assignment, never).catch((cause) => cause);
    nursery.child.say({ type: "failed", id: 1, code: "handler.threw", message: "no camera" });
    expect(await answer).toMatchObject({ code: "handler.threw", message: "no camera" });
  });

  test("rejects after a minute, and kills what does not stop", async () => {
    const nursery = await new Nursery().open();
    const answer = nursery.supervisor.reconcile(assignment, never).catch((cause) => cause);
    nursery.child.start("a1");
    await nursery.clock.advance(70 * SECOND);
    expect(await answer).toMatchObject({ code: "handler.timeout" });
    expect(nursery.child).not.toBe(nursery.children[0]);
  });

  test("rejects when no child gets ready within a minute, or the caller aborts", async () => {
    const nursery = await new Nursery().open();
    nursery.onSpawn = () => {};
    nursery.child.end();
    const late = nursery.supervisor.reconcile(assignment, never).catch((cause) => cause);
    const abort = new AbortController();
    const aborted = nursery.supervisor.reconcile(assignment, abort.signal).catch((cause) => cause);
    await nursery.clock.advance(SECOND);
    abort.abort(new ServantError("agent.draining", "enough"));
    expect(await aborted).toMatchObject({ code: "agent.draining" });
    await nursery.clock.advance(60 * SECOND);
    expect(await late).toMatchObject({ code: "handler.timeout" });
  });
});

test("drain() lets what has started end, and starts no action in a new child", async () => {
  const nursery = await new Nursery().open();
  const runs = ["a1", "a2", "a3", "b1"].map((each) => follow(nursery, each));
  nursery.child.start("a1");
  nursery.child.start("a2");
  nursery.supervisor.drain();
  nursery.child.succeed("a1");
  nursery.child.end();
  await nursery.clock.advance(0);
  nursery.child.succeed("b1");
  await nursery.clock.advance(0);
  expect(runs.map(({ came }) => came)).toEqual([
    "success",
    "handler.crashed",
    "agent.draining",
    "success",
  ]);
});

test("drain() answers an action that waits for its child at once", async () => {
  const nursery = await new Nursery().open();
  nursery.onSpawn = () => {};
  const run = follow(nursery, "a1");
  nursery.child.end();
  await nursery.clock.advance(SECOND);
  expect(run.came).toBeUndefined();
  nursery.supervisor.drain();
  await nursery.clock.advance(0);
  expect(run.came).toBe("agent.draining");
});

test("close() ends what runs and what waits, and starts nothing any more", async () => {
  const nursery = await new Nursery().open();
  const run = follow(nursery, "a1");
  nursery.child.start("a1");
  await nursery.supervisor.close();
  expect(nursery.child.isLetGo).toBe(true);
  const after = follow(nursery, "a2");
  await nursery.clock.advance(600 * SECOND);
  expect([run.came, after.came]).toEqual(["agent.draining", "agent.draining"]);
  expect(nursery.children).toHaveLength(1);
});

test("close() kills a child that does not go", async () => {
  const nursery = await new Nursery().open();
  nursery.child.mortality = "SIGKILL";
  const closing = nursery.supervisor.close();
  await nursery.clock.advance(2 * SECOND);
  await closing;
  expect(nursery.child.signals).toEqual(["SIGKILL"]);
});

// Goal: whatever children do, an assignment is started again only by a child that had it unstarted,
// and each comes to exactly one end.
test("nothing starts twice, whatever the children do", async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ type: fc.constant("run" as const), isBelief: fc.boolean() }),
      fc.record({ type: fc.constant("start" as const), nth: fc.nat(3) }),
      fc.record({ type: fc.constant("succeed" as const), nth: fc.nat(3) }),
      fc.record({ type: fc.constant("end" as const), isHeardOut: fc.boolean() }),
      fc.record({ type: fc.constant("sleep" as const), isAwake: fc.boolean() }),
      fc.record({ type: fc.constant("pass" as const), ms: fc.nat(20_000) }),
    ),
    { maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      const nursery = await withRules({ timeoutMs: 30 * SECOND }).open();
      const started: AuditId[] = [];
      const runs: ReturnType<typeof follow>[] = [];
      const begun = new Map<number, Set<number>>();
      for (const step of given) {
        const { child } = nursery;
        const mine = begun.get(child.pid) ?? new Set();
        begun.set(child.pid, mine);
        if (step.type === "run") {
          runs.push(follow(nursery, `${step.isBelief ? "b" : "a"}${runs.length}`));
        } else if (step.type === "pass") await nursery.clock.advance(step.ms);
        else if (step.type === "sleep") child.isAwake = step.isAwake;
        else if (step.type === "end") {
          child.isHeardOut = step.isHeardOut;
          child.end();
        } else if (!child.hasEnded) {
          const work = child.work()[step.nth];
          if (work?.type !== "run") continue;
          const { auditId } = work.assignment;
          if (step.type === "succeed" && mine.has(work.id)) child.succeed(auditId);
          if (step.type === "start" && !mine.has(work.id)) {
            mine.add(work.id);
            started.push(auditId);
            child.start(auditId);
          }
        }
        await nursery.clock.advance(0);
      }
      expect(new Set(started).size).toBe(started.length);
      await nursery.supervisor.close();
      await nursery.clock.advance(0);
      expect(runs.every(({ came }) => came !== undefined)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

describe("a hook", () => {
  const withHooks = async () => {
    const nursery = new Nursery();
    nursery.loaded = { ...nursery.loaded, hooks: ["pause"] };
    return await nursery.open();
  };

  test("is absent when the plugin has no such method", async () => {
    const nursery = await withHooks();
    expect(await nursery.supervisor.hook("cancel")).toEqual({ is: "absent" });
    expect(nursery.child.work()).toEqual([]);
  });

  test("ends as the plugin's method does", async () => {
    const nursery = await withHooks();
    const [one, two] = [nursery.supervisor.hook("pause"), nursery.supervisor.hook("pause")];
    nursery.child.say({ type: "hooked", id: 1 });
    nursery.child.say({ type: "failed", id: 2, code: "handler.threw", message: "stuck" });
    expect(await one).toEqual({ is: "done" });
    expect(await two).toEqual({ is: "failed", message: "stuck" });
  });

  test("is not waited for longer than 10 s, and kills nothing", async () => {
    const nursery = await withHooks();
    const outcome = nursery.supervisor.hook("pause");
    await nursery.clock.advance(10 * SECOND);
    expect(await outcome).toMatchObject({ is: "failed", message: expect.stringMatching(/10 s/) });
    expect(nursery.child.signals).toEqual([]);
  });

  test("that was cut off leaves the machine in doubt, as an action does", async () => {
    const nursery = new Nursery();
    nursery.loaded = { ...nursery.loaded, hooks: ["reset"], hasSafe: true };
    await nursery.open();
    const outcome = nursery.supervisor.hook("reset");
    nursery.child.start("hook");
    nursery.child.end();
    await nursery.clock.advance(0);
    expect(await outcome).toMatchObject({ is: "failed" });
    expect(nursery.ledger.machine.doubted).toMatch(/hook reset was cut off/);
  });
});
