import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SHUTDOWN_GRACE_MS } from "../../src/agent/child-life.ts";
import { ServantError } from "../../src/core/errors.ts";
import { STREAMS_MAX } from "../../src/core/telemetry.ts";
import { follow, Nursery, withRules } from "../support/fake-child.ts";

const SECOND = 1_000;

describe("a child whose event loop is silent", () => {
  test("is ended after the hang timeout, by SIGKILL when SIGTERM does not do", async () => {
    const nursery = await new Nursery().open();
    const { child } = nursery;
    child.mortality = "SIGKILL";
    const run = follow(nursery, "a1");
    child.start("a1");
    await nursery.clock.advance(60 * SECOND);
    expect(run.came).toBeUndefined(); // it answers: it may take its time
    child.isAwake = false;
    await nursery.clock.advance(16 * SECOND);
    expect(child.signals).toEqual(["SIGTERM"]);
    await nursery.clock.advance(500);
    expect(child.signals).toEqual(["SIGTERM", "SIGKILL"]);
    expect(run).toEqual({
      came: "handler.hung",
      message: "Cannot go on: no answer from its event loop for 15 s",
    });
    expect(nursery.supervisor.isReady).toBe(true);
  });

  test("an idle child is left alone", async () => {
    const nursery = await new Nursery().open();
    nursery.child.isAwake = false;
    await nursery.clock.advance(600 * SECOND);
    expect(nursery.child.signals).toEqual([]);
  });

  test("blames what started since it last answered, and cuts off the others", async () => {
    const nursery = await new Nursery().open();
    const { child } = nursery;
    const old = follow(nursery, "a1");
    child.start("a1");
    await nursery.clock.advance(5 * SECOND);
    const [fresh, sent] = [follow(nursery, "b1"), follow(nursery, "b2")];
    child.isAwake = false;
    child.start("b1");
    await nursery.clock.advance(17 * SECOND);
    expect(fresh.came).toBe("handler.hung");
    expect(old.came).toBe("handler.interrupted");
    expect(old.message).toContain("no answer from its event loop");
    expect(sent.came).toBeUndefined();
    nursery.child.succeed("b2");
    await nursery.clock.advance(0);
    expect(sent.came).toBe("success");
  });

  test("blames all when each of them has let it answer before", async () => {
    const nursery = await new Nursery().open();
    const { child } = nursery;
    const runs = [follow(nursery, "a1"), follow(nursery, "b1")];
    child.start("a1");
    child.start("b1");
    await nursery.clock.advance(5 * SECOND);
    child.isAwake = false;
    await nursery.clock.advance(17 * SECOND);
    expect(runs.map(({ came }) => came)).toEqual(["handler.hung", "handler.hung"]);
  });

  test("does not blame what begins while it is ended", async () => {
    const nursery = await new Nursery().open();
    const { child } = nursery;
    child.mortality = "SIGKILL";
    const [old, late] = [follow(nursery, "a1"), follow(nursery, "b1")];
    child.start("a1");
    await nursery.clock.advance(5 * SECOND);
    child.isAwake = false;
    while (child.signals.length === 0) await nursery.clock.advance(SECOND / 10);
    child.start("b1");
    await nursery.clock.advance(SECOND);
    expect(child.signals).toEqual(["SIGTERM", "SIGKILL"]);
    expect([old.came, late.came]).toEqual(["handler.hung", "handler.interrupted"]);
  });

  test("blames what only the last of its output tells of", async () => {
    const nursery = await new Nursery().open();
    const { child } = nursery;
    child.mortality = "SIGKILL";
    const run = follow(nursery, "a1");
    child.isAwake = false;
    while (child.signals.length === 0) await nursery.clock.advance(SECOND / 10);
    child.start("a1");
    await nursery.clock.advance(SECOND);
    expect(run.came).toBe("handler.hung");
  });

  test("may take as long as the most patient action that runs says", async () => {
    const nursery = await withRules({ hangTimeoutMs: 120 * SECOND }).open();
    const run = follow(nursery, "a1");
    const { child } = nursery;
    child.isAwake = false;
    child.start("a1");
    await nursery.clock.advance(100 * SECOND);
    expect(child.signals).toEqual([]);
    await nursery.clock.advance(25 * SECOND);
    expect(run.came).toBe("handler.hung");
  });

  test("is found in time right after a most patient action", async () => {
    const nursery = await withRules({ hangTimeoutMs: 3_600 * SECOND }).open();
    const { child } = nursery;
    follow(nursery, "a1");
    child.start("a1");
    await nursery.clock.advance(10 * SECOND);
    child.succeed("a1");
    const run = follow(nursery, "b1");
    child.isAwake = false;
    child.start("b1");
    await nursery.clock.advance(20 * SECOND);
    expect(run.came).toBe("handler.hung");
  });

  // Goal: an agent that was stopped or suspended takes no answer that waits for it for silence.
  // Method: let the child be silent for nearly the whole time, then let the clock run on while
  // this process does nothing, then let the answer arrive.
  test("is not judged by an agent that stood still itself", async () => {
    const nursery = await new Nursery().open();
    const { clock, child } = nursery;
    const run = follow(nursery, "a1");
    child.start("a1");
    child.isAwake = false;
    await clock.advance(15 * SECOND);
    await clock.stall(30 * SECOND);
    await clock.advance(2 * SECOND);
    expect(child.signals).toEqual([]);
    child.say({ type: "pong", started: 1 });
    child.isAwake = true;
    await clock.advance(60 * SECOND);
    expect(run.came).toBeUndefined();
    expect(child.signals).toEqual([]);
  });
});

describe("a limit", () => {
  test("of time counts from the start, aborts, and kills what does not stop", async () => {
    const nursery = await withRules({ timeoutMs: 5 * SECOND }).open();
    const { child, clock } = nursery;
    const [late, beside] = [follow(nursery, "a1"), follow(nursery, "b1")];
    await clock.advance(20 * SECOND);
    const id = child.start("a1");
    child.start("b1");
    await clock.advance(4_999);
    expect(child.orders.filter(({ type }) => type === "abort")).toEqual([]);
    await clock.advance(1);
    const reason = 'Cannot finish "move" in 5000 ms';
    expect(child.orders.at(-1)).toEqual({ type: "abort", id, code: "handler.timeout", reason });
    await clock.advance(9_999);
    expect(late.came).toBeUndefined();
    await clock.advance(1);
    expect(late).toEqual({
      came: "handler.timeout",
      message: `${reason}; it did not stop within 10 s and was killed`,
    });
    expect(beside.came).toBe("handler.interrupted");
  });

  test("of time leaves a handler that stops in time its own answer", async () => {
    const nursery = await withRules({ timeoutMs: SECOND }).open();
    const run = follow(nursery, "a1");
    nursery.child.start("a1");
    await nursery.clock.advance(2 * SECOND);
    nursery.child.succeed("a1");
    await nursery.clock.advance(60 * SECOND);
    expect(run.came).toBe("success");
    expect(nursery.child.signals).toEqual([]);
  });

  test("of progress begins anew with each word of it", async () => {
    const nursery = await withRules({ progressTimeoutMs: SECOND }).open();
    const { child, clock } = nursery;
    follow(nursery, "a1");
    const id = child.start("a1");
    for (let round = 0; round < 5; round += 1) {
      await clock.advance(990);
      child.say({ type: "progress", id, fraction: round / 5, message: "" });
    }
    expect(child.orders.some(({ type }) => type === "abort")).toBe(false);
    await clock.advance(999);
    expect(child.orders.some(({ type }) => type === "abort")).toBe(false);
    await clock.advance(1);
    expect(child.orders.at(-1)).toMatchObject({ type: "abort", code: "handler.timeout" });
    expect(nursery.told("assignment.progress")).toHaveLength(5);
  });

  // Goal: the time of a pause is nobody's, however pauses and work alternate.
  test("stands still while the agent is paused", async () => {
    const stretches = fc.array(
      fc.record({ worksMs: fc.integer({ min: 0, max: 900 }), pausedMs: fc.nat(5_000) }),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(stretches, async (given) => {
        const nursery = await withRules({ timeoutMs: 10 * SECOND }).open();
        const { child, clock, supervisor } = nursery;
        follow(nursery, "a1");
        child.start("a1");
        let workedMs = 0;
        for (const { worksMs, pausedMs } of given) {
          await clock.advance(worksMs);
          workedMs += worksMs;
          supervisor.setPaused(true);
          await clock.advance(pausedMs);
          supervisor.setPaused(false);
        }
        await clock.advance(10 * SECOND - workedMs - 1);
        expect(child.orders.some(({ type }) => type === "abort")).toBe(false);
        await clock.advance(1);
        expect(child.orders.some(({ type }) => type === "abort")).toBe(true);
        await supervisor.close();
      }),
      { numRuns: 50 },
    );
  });
});

describe("a cancel", () => {
  const reason = new ServantError("handler.cancelled", "the operator said so");

  test("reaches the handler with its reason, and kills it after the grace", async () => {
    const nursery = await new Nursery().open({ cancelGraceMs: 3 * SECOND });
    const abort = new AbortController();
    const run = follow(nursery, "a1", abort.signal);
    const id = nursery.child.start("a1");
    abort.abort(reason);
    const { code, message } = reason;
    expect(nursery.child.orders.at(-1)).toEqual({ type: "abort", id, code, reason: message });
    await nursery.clock.advance(3 * SECOND);
    expect(run).toEqual({
      came: "handler.cancelled",
      message: "the operator said so; it did not stop within 3 s and was killed",
    });
  });

  test("that comes before the handler starts gives it its grace all the same", async () => {
    const nursery = await new Nursery().open();
    const abort = new AbortController();
    const run = follow(nursery, "a1", abort.signal);
    abort.abort(reason);
    await nursery.clock.advance(5 * SECOND);
    const { child } = nursery;
    child.start("a1");
    await nursery.clock.advance(9_999);
    expect(child.signals).toEqual([]);
    await nursery.clock.advance(1);
    expect(run.came).toBe("handler.cancelled");
  });

  test("that came first means that no child hears of it", async () => {
    const nursery = await new Nursery().open();
    const run = follow(nursery, "a1", AbortSignal.abort(reason));
    await nursery.clock.advance(0);
    expect(run.came).toBe("handler.cancelled");
    expect(nursery.child.orders).toEqual([]);
  });

  test("of what waits for a child means that it never starts", async () => {
    const nursery = await new Nursery().open();
    nursery.onSpawn = () => {};
    nursery.child.end();
    await nursery.clock.advance(0);
    const abort = new AbortController();
    const run = follow(nursery, "a1", abort.signal);
    await nursery.clock.advance(SECOND);
    abort.abort(reason);
    await nursery.clock.advance(0);
    expect(run).toEqual({ came: "handler.cancelled", message: "the operator said so" });
    nursery.child.say({ type: "ready", loaded: nursery.loaded });
    await nursery.clock.advance(0);
    expect(nursery.child.work()).toEqual([]);
  });

  test("of what a dead child had not started means that it never starts", async () => {
    const nursery = await new Nursery().open();
    const abort = new AbortController();
    const run = follow(nursery, "a1", abort.signal);
    abort.abort(reason);
    nursery.child.end();
    await nursery.clock.advance(0);
    expect(run.came).toBe("handler.cancelled");
    expect(nursery.child.work()).toEqual([]);
  });
});

describe("at the end", () => {
  const withShutdown = async () => {
    const nursery = new Nursery();
    nursery.loaded = { ...nursery.loaded, hasShutdown: true };
    return await nursery.open();
  };

  test("a plugin that shuts down is asked to, and keeps its channel meanwhile", async () => {
    const nursery = await withShutdown();
    await nursery.supervisor.close();
    expect(nursery.child.orders).toEqual([{ type: "close" }]);
    expect(nursery.child.isLetGo).toBe(false);
    expect(nursery.child.signals).toEqual([]);
  });

  test("one that does not come to its end is told of and killed", async () => {
    const nursery = await withShutdown();
    nursery.child.mortality = "SIGKILL";
    const closing = nursery.supervisor.close();
    await nursery.clock.advance(SHUTDOWN_GRACE_MS - 1);
    expect(nursery.child.signals).toEqual([]);
    await nursery.clock.advance(1);
    await closing;
    expect(nursery.child.signals).toEqual(["SIGKILL"]);
    expect(nursery.told("child.ended")).toMatchObject([
      { reason: "its shutdown had not ended within 10 s: it is killed" },
    ]);
  });

  test("one that has nothing to shut down is let go", async () => {
    const nursery = await new Nursery().open();
    await nursery.supervisor.close();
    expect(nursery.child.orders).toEqual([]);
    expect(nursery.child.isLetGo).toBe(true);
  });
});

describe("what the plugin measures", () => {
  const stream = { type: "plugin.stream", name: "w", intervalMs: 500 } as const;
  const say = ({ child }: Nursery, name: string, isOpen: boolean) =>
    child.say({ type: "stream", name, intervalMs: 500, isOpen });
  const measure = ({ child }: Nursery, name: string) =>
    child.say({ type: "sample", name, value: { g: 1 } });

  test("is told while its stream is open, which ends with the process", async () => {
    const nursery = await new Nursery().open();
    measure(nursery, "w");
    say(nursery, "w", false);
    say(nursery, "w", true);
    measure(nursery, "w");
    nursery.child.end();
    await nursery.clock.advance(0);
    expect(nursery.told("plugin.stream")).toEqual([
      { ...stream, isOpen: true },
      { ...stream, isOpen: false },
    ]);
    expect(nursery.told("plugin.sample")).toEqual([
      { type: "plugin.sample", name: "w", value: { g: 1 } },
    ]);
  });

  test("is of no more streams than a plugin may have", async () => {
    const nursery = await new Nursery().open();
    for (let n = 0; n <= STREAMS_MAX; n += 1) say(nursery, `w${n}`, true);
    say(nursery, "w0", true); // again, at another interval maybe
    expect(nursery.told("plugin.stream")).toHaveLength(STREAMS_MAX + 1);
    measure(nursery, `w${STREAMS_MAX}`);
    expect(nursery.told("plugin.sample")).toEqual([]);
  });
});
