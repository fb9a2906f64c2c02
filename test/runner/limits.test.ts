import { expect, test } from "bun:test";
import { ServantError } from "../../src/core/errors.ts";
import { act, ask, line, never, openChild, pluginSource } from "./plugin-child.ts";

const HANDLERS = `
  gate = Promise.withResolvers();
  @act("heeds", { timeoutMs: 30 }) heeds(_params, { signal }) {
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  }
  @act("stumbles", { timeoutMs: 30 }) async stumbles(_params, { signal }) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    throw new Error(signal.reason.code + ": " + signal.reason.message);
  }
  @act("finishes", { timeoutMs: 30 }) async finishes(_params, { signal }) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return { success: true, message: "done all the same" };
  }
  @act("ignores", { timeoutMs: 30 }) ignores() { return sleep(60_000); }
  @act("waits") async waits(_params, ctx) {
    ctx.log.info("waiting");
    await new Promise((resolve, reject) => {
      ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
    });
  }
  @act("deaf") async deaf(_params, ctx) { ctx.log.info("deaf"); await sleep(60_000); }
  @act("gated") async gated(_params, ctx) { ctx.log.info("at the gate"); await this.gate.promise; }
  @act("forever", { timeoutMs: Infinity }) forever() { return true; }
  @act("patient", { timeoutMs: 2 ** 40 }) async patient(_params, { signal }) {
    await sleep(20);
    return !signal.aborted;
  }
  @belief(seen) look() { this.gate.resolve(); return BeliefResult.sole("seen"); }
`;
const source = pluginSource(HANDLERS);

test.each([
  { action: "heeds", expected: { success: false, code: "handler.timeout" } },
  { action: "stumbles", expected: { success: false, code: "handler.timeout" } },
  { action: "finishes", expected: { success: true, message: "done all the same" } },
] as const)("a handler over its time that $action is told so", async ({ action, expected }) => {
  await using child = await openChild(source);
  const pid = child.pid();
  expect(await child.runner.run(act(action), never)).toMatchObject(expected);
  await child.runner.run(act("forever"), never);
  expect(child.pid()).toBe(pid);
});

test("a handler that learns of its time limit is told how long it was", async () => {
  await using child = await openChild(source);
  const { message } = await child.runner.run(act("stumbles"), never);
  expect(message).toBe('handler.timeout: Cannot finish "stumbles" in 30 ms');
});

test("a handler that ignores its time limit is killed after the grace", async () => {
  await using child = await openChild(source, { cancelGraceMs: 50 });
  const pid = child.pid();
  const beside = child.runner.run(act("deaf"), never).catch((cause) => cause);
  const failure = await child.runner.run(act("ignores"), never).catch((cause) => cause);
  expect(failure).toMatchObject({ code: "handler.timeout" });
  expect(failure.message).toContain(
    '"ignores" in 30 ms; it did not stop within 0.05 s and was killed',
  );
  // What ran beside it was not late: it is told what became of its process.
  const cutOff = await beside;
  expect(cutOff).toMatchObject({ code: "handler.interrupted" });
  expect(cutOff.message).toStartWith('Cannot finish "deaf": ');
  expect(await child.runner.run(act("forever"), never)).toMatchObject({ success: true });
  expect(child.pid()).not.toBe(pid);
});

test("a limit longer than a timer can be set for is none", async () => {
  await using child = await openChild(source);
  expect(await child.runner.run(act("forever"), never)).toMatchObject({ success: true });
  expect(await child.runner.run(act("patient"), never)).toMatchObject({ success: true });
});

test("the caller's abort reaches the handler with its reason", async () => {
  await using child = await openChild(source);
  const abort = new AbortController();
  const run = child.runner.run(act("waits"), abort.signal);
  await child.seen(line("waiting"));
  abort.abort(new ServantError("handler.cancelled", "the operator said so"));
  expect(await run).toMatchObject({
    success: false,
    code: "handler.cancelled",
    message: "the operator said so",
  });
});

test.each([
  { kind: "a reason of ours", reason: new ServantError("agent.draining", "enough") },
  { kind: "no reason", reason: undefined },
])("a handler deaf to the caller's abort with $kind is killed", async ({ reason }) => {
  await using child = await openChild(source, { cancelGraceMs: 20 });
  const abort = new AbortController();
  const run = child.runner.run(act("deaf"), abort.signal).catch((cause) => cause);
  await child.seen(line("deaf"));
  abort.abort(reason);
  const failure = await run;
  expect(failure).toBeInstanceOf(ServantError);
  expect(failure.code).toBe(reason?.code ?? "handler.cancelled");
});

test("what was aborted before it started never starts", async () => {
  await using child = await openChild(source);
  const result = await child.runner.run(act("waits"), AbortSignal.abort());
  expect(result).toMatchObject({ success: false, code: "handler.cancelled" });
  await child.runner.run(act("forever"), never);
  expect(child.logs()).toEqual([]);
});

test("a belief is answered while an action awaits, and several actions at once", async () => {
  await using child = await openChild(source);
  const actions = [1, 2, 3].map(() => child.runner.run(act("gated"), never));
  await child.seen(line("at the gate"));
  const belief = await child.runner.run(ask("seen"), never);
  expect(belief).toMatchObject({ success: true, exclusive: ["seen"] });
  const results = await Promise.all(actions);
  expect(results.map(({ success }) => success)).toEqual([true, true, true]);
  expect(new Set(results.map(({ auditId }) => auditId)).size).toBe(3);
});

test.each(["0", "-5", "NaN", '"60"', "null"])(
  "a plugin with timeoutMs %s is refused at load",
  async (timeoutMs) => {
    const refused = await openChild(
      pluginSource(`  @act("late", { timeoutMs: ${timeoutMs} }) late() {}`),
    ).catch((cause) => cause);
    expect(refused).toMatchObject({ code: "plugin.load-failed" });
    expect(refused.message).toContain("give milliseconds above 0");
  },
);
