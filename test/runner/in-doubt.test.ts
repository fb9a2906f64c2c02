import { expect, test } from "bun:test";
import type { Assignment } from "../../src/core/assignment.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import { act, ask, isAlive, line, never, openChild, pluginSource } from "./plugin-child.ts";

type Action = Extract<Assignment, { kind: "action" }>;

const HANDLERS = `
  @act("loop") loop() { for (;;); }
  @act("dies-at-once") diesAtOnce() { process.kill(process.pid, "SIGKILL"); return sleep(60_000); }
  @act("unfinished-line") unfinishedLine() {
    require("node:fs").writeSync(1, "half a line without its end");
    return true;
  }
  @act("long-line") longLine() {
    require("node:fs").writeSync(1, "x".repeat(200_000));
    return true;
  }
  @act("wait") async wait(_params, ctx) { ctx.log.info("waiting"); await sleep(60_000); }
  @act("computes", { hangTimeoutMs: 60_000 }) computes() { Bun.sleepSync(700); return true; }
  @act("leaves") leaves() {
    const other = Bun.spawn(["sleep", "600"], { detached: true, stdout: "inherit" });
    console.log("left", other.pid);
    for (;;);
  }
  @act("pid") pid() { return { success: true, telemetry: { pid: process.pid } }; }
  @act("stubborn") stubborn() {
    process.on("SIGTERM", () => {});
    const child = Bun.spawn(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], { stdout: "ignore" });
    console.log("grandchild", child.pid);
    for (;;);
  }
  @act("listens") async listens(_params, ctx) {
    process.on("SIGTERM", () => { ctx.log.info("told to end"); process.exit(0); });
    ctx.log.info("listening");
    await sleep(60_000);
  }
  @belief(seen) look() { return BeliefResult.sole("seen"); }
`;
const source = pluginSource(HANDLERS);

// Goal: what a dead child had not started goes on in the next one and nobody notices; what it had
// started never does, however soon after its start the child died.
// Method: a handler that blocks, or dies with its first instruction, and others right behind it.
test.each(["loop", "dies-at-once"])(
  "what stands behind %s starts in the next child",
  async (first) => {
    await using child = await openChild(source, { hangTimeoutMs: 200 });
    const before = child.pid();
    const broken = child.runner.run(act(first), never).catch((cause) => cause);
    const behind = [act("pid"), ask("seen"), act("pid")].map((each) =>
      child.runner.run(each, never),
    );
    expect((await broken).code).toBe(first === "loop" ? "handler.hung" : "handler.crashed");
    for (const each of behind) expect(await each).toMatchObject({ success: true });
    expect(child.pid()).not.toBe(before);
    expect((await behind[0])?.telemetry).toEqual({ pid: child.pid() });
  },
);

test.each(["unfinished-line", "long-line"])(
  "a start is seen behind %s that a plugin left on its output",
  async (what) => {
    await using child = await openChild(source);
    await child.runner.run(act(what), never);
    const failure = await child.runner.run(act("dies-at-once"), never).catch((cause) => cause);
    expect(failure).toMatchObject({ code: "handler.crashed" });
    expect(child.logs().some(({ message }) => message.includes("\u001d"))).toBe(false);
  },
);

test("what stands behind is in doubt when another process keeps the output open", async () => {
  await using child = await openChild(source, { hangTimeoutMs: 200 });
  const hung = child.runner.run(act("leaves"), never).catch((cause) => cause);
  const behind = child.runner.run(act("pid"), never).catch((cause) => cause);
  const { message } = await child.seen((event) =>
    event.type === "plugin.log" && event.message.startsWith("left") ? event : undefined,
  );
  expect(await hung).toMatchObject({ code: "handler.hung" });
  expect(await behind).toMatchObject({ code: "handler.interrupted" });
  process.kill(Number(message.split(" ")[1]), "SIGKILL");
});

test("of two handlers the one that began to block is hung, the other cut off", async () => {
  await using child = await openChild(source, { hangTimeoutMs: 400 });
  const waits = child.runner.run(act("wait"), never).catch((cause) => cause);
  await child.seen(line("waiting"));
  for (let round = 0; round < 20; round += 1) {
    await child.runner.run(ask("seen"), never); // until a ping has been answered meanwhile
    await Bun.sleep(50);
  }
  const loops = child.runner.run(act("loop"), never).catch((cause) => cause);
  expect(await loops).toMatchObject({ code: "handler.hung" });
  expect(await waits).toMatchObject({ code: "handler.interrupted" });
});

test("an action that computes for long says so and is let", async () => {
  await using child = await openChild(source, { hangTimeoutMs: 150 });
  const pid = child.pid();
  expect(await child.runner.run(act("computes"), never)).toMatchObject({ success: true });
  expect(child.pid()).toBe(pid);
});

test("a child that must end hears SIGTERM first", async () => {
  await using child = await openChild(source, { cancelGraceMs: 50 });
  const abort = new AbortController();
  const run = child.runner.run(act("listens"), abort.signal).catch((cause) => cause);
  await child.seen(line("listening"));
  abort.abort();
  expect(await run).toMatchObject({ code: "handler.cancelled" });
  expect(child.logs().map(({ message }) => message)).toContain("told to end");
});

test("SIGTERM that is ignored is followed by SIGKILL, for its own children too", async () => {
  await using child = await openChild(source, { hangTimeoutMs: 200 });
  const run = child.runner.run(act("stubborn"), never).catch((cause) => cause);
  const { message } = await child.seen((event) =>
    event.type === "plugin.log" && event.message.startsWith("grandchild") ? event : undefined,
  );
  expect(await run).toMatchObject({ code: "handler.hung" });
  expect(await isAlive(Number(message.split(" ")[1]))).toBe(false);
});

const CAREFUL = `
  @act("exit") exit() { process.exit(1); }
  @act("drive") drive() { return true; }
  @reconcile("drive", { params: free }) look({ how }, ctx) {
    ctx.log.info("looking");
    switch (how) {
      case "done": return Reconcile.done("it stands there");
      case "not done": return Reconcile.notDone();
      case "partly": return Promise.resolve(Reconcile.partly("half way"));
      case "throws": throw new Error("no camera");
      case "number": return 7;
      case "forged": return { state: "done", message: "" };
      case "other state": return { ...Reconcile.done(), state: "perhaps" };
    }
  }
  @safe() async halt(ctx) {
    ctx.log.warn("halting");
    console.log("halted");
  }
  @belief(seen) look2() { return BeliefResult.sole("seen"); }
`;
const careful = `const free = { safeParse: (data) => ({ success: true, data }) };
${pluginSource(CAREFUL)}`;

test("a safe method runs in the new child before anything else", async () => {
  await using child = await openChild(careful);
  expect(child.runner.isReady).toBe(true);
  const cut = child.runner.run(act("exit"), never).catch((cause) => cause);
  const behind = child.runner.run(ask("seen"), never);
  await cut;
  expect(await behind).toMatchObject({ success: true });
  await child.seen(line("halted"));
  const told = child.logs().map(({ message, auditId }) => [message, auditId]);
  expect(told).toEqual([
    ["it ends the plugin's process: process.exit(1)", expect.any(String)],
    ["halting", undefined],
    ["halted", undefined],
  ]);
  const events = child.events.map(({ type }) => type).filter((type) => type !== "plugin.log");
  expect(events).toEqual([
    "child.started",
    "child.ended",
    "child.started",
    "agent.not-ready",
    "machine.secured",
    "agent.ready",
  ]);
});

test.each([
  ["done", { state: "done", message: "it stands there" }],
  ["not done", { state: "not-done", message: "" }],
  ["partly", { state: "partly", message: "half way" }],
] as const)("a reconcile method says %s", async (how, expected) => {
  await using child = await openChild(careful);
  expect(await child.runner.reconcile(act("drive", { how }) as Action, never)).toEqual(expected);
  const logged = (event: AgentEvent) => (event.type === "plugin.log" ? event : undefined);
  expect((await child.seen(logged)).auditId).toBeDefined(); // a line comes by a way of its own
});

test.each([
  ["throws", "handler.threw", "no camera"],
  ["number", "handler.bad-result", "a number"],
  ["forged", "handler.bad-result", "an object"],
  ["other state", "handler.bad-result", ""],
  ["nothing", "handler.bad-result", "undefined"],
])("a reconcile method that %s is no answer", async (how, code, says) => {
  await using child = await openChild(careful);
  const asked = child.runner.reconcile(act("drive", { how }) as Action, never);
  const failure = await asked.catch((cause) => cause);
  expect(failure).toMatchObject({ code });
  expect(failure.message).toContain(says);
});

test("an action without a reconcile method cannot be reconciled", async () => {
  await using child = await openChild(careful);
  const asked = child.runner.reconcile(act("exit") as Action, never);
  expect(await asked.catch((cause) => cause)).toMatchObject({ code: "assignment.unknown" });
});

const PAUSED = `
  @act("waits") async waits(_params, ctx) {
    ctx.log.info("at work, paused: " + ctx.paused);
    while (!ctx.paused) await sleep(1);
    ctx.log.info("paused");
    await ctx.untilResumed();
    return { success: !ctx.paused && !ctx.signal.aborted };
  }
`;

test("a handler sees a pause and waits for its end", async () => {
  await using child = await openChild(pluginSource(PAUSED));
  const run = child.runner.run(act("waits"), never);
  await child.seen(line("at work, paused: false"));
  child.runner.setPaused(true);
  await child.seen(line("paused"));
  child.runner.setPaused(false);
  expect(await run).toMatchObject({ success: true });
});

test("a handler that waits for the end of a pause wakes at its abort", async () => {
  await using child = await openChild(pluginSource(PAUSED));
  const abort = new AbortController();
  const run = child.runner.run(act("waits"), abort.signal);
  await child.seen(line("at work, paused: false"));
  child.runner.setPaused(true);
  await child.seen(line("paused"));
  abort.abort();
  expect(await run).toMatchObject({ success: false });
});
