import { expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../scripts/binary.ts";
import { act, ask, gone, isAlive, never, openChild, pluginSource } from "./plugin-child.ts";

const TIMEOUT_MS = 30_000;

// Whatever a plugin does to its process costs the assignment that ran there and nothing more.
const ENDINGS = `
  count = 0;
  @act("fine") fine() { this.count += 1; return { success: true, telemetry: { pid: process.pid, count: this.count } }; }
  @act("exit") exit() { process.exit(7); }
  @act("exit-zero") exitZero() { process.exit(0); }
  @act("abort") abort() { process.abort(); }
  @act("segfault") segfault() { require("bun:ffi").read.u8(8, 0); }
  @act("kill") kill() { process.kill(process.pid, "SIGKILL"); return sleep(60_000); }
  @act("throw-later") async throwLater() { setTimeout(() => { throw new Error("stray spark"); }, 1); await sleep(60_000); }
  @act("reject-later") async rejectLater() {
    const told = new Promise((resolve) => process.once("unhandledRejection", resolve));
    Promise.reject(new Error("stray promise"));
    await told;
    return true;
  }
  @act("disconnect") disconnect() { process.removeAllListeners("disconnect"); process.disconnect(); return sleep(60_000); }
  @act("garbage-bytes") garbage() { require("node:fs").writeSync(3, "no frame\\n"); return sleep(60_000); }
  @act("die-after") dieAfter() { setImmediate(() => process.exit(0)); return true; }
`;

test.each([
  { action: "exit", says: "exit code 7" },
  { action: "exit-zero", says: "exit code 0" },
  { action: "abort", says: "signal SIGABRT" },
  { action: "segfault", says: "signal SIGSEGV" },
  { action: "kill", says: "signal SIGKILL" },
  { action: "throw-later", says: "exit code 1" },
  { action: "disconnect", says: "signal SIGKILL" },
])(
  "a supervisor survives a handler that ends its process by $action",
  async ({ action, says }) => {
    await using child = await openChild(pluginSource(ENDINGS));
    const { runner } = child;
    await runner.run(act("fine"), never);
    const before = child.pid();
    const failure = await runner.run(act(action), never).catch((cause) => cause);
    expect(failure).toMatchObject({ code: "handler.crashed" });
    expect(failure.message).toContain(says);
    const { telemetry } = await runner.run(act("fine"), never);
    expect(telemetry).toEqual({ pid: child.pid(), count: 1 });
    expect(child.pid()).not.toBe(before);
    expect(child.events.filter((event) => event.type === "child.ended")).toHaveLength(1);
  },
  TIMEOUT_MS,
);

test("a supervisor tells of an uncaught exception and of its stack", async () => {
  await using child = await openChild(pluginSource(ENDINGS));
  await child.runner.run(act("throw-later"), never).catch(() => {});
  const told = await child.seen((event) =>
    event.type === "plugin.log" && event.message.startsWith("uncaught exception")
      ? event
      : undefined,
  );
  expect(told.level).toBe("error");
  expect(told.message).toContain("stray spark");
  expect(told.message).toContain(join(child.folder, "plugin.ts"));
});

test("a supervisor keeps a child in which a rejection went unhandled", async () => {
  await using child = await openChild(pluginSource(ENDINGS));
  const before = child.pid();
  expect(await child.runner.run(act("reject-later"), never)).toMatchObject({ success: true });
  const told = await child.seen((event) =>
    event.type === "plugin.log" && event.level === "error" ? event : undefined,
  );
  expect(told.message).toContain("unhandled rejection: Error: stray promise");
  await child.runner.run(act("fine"), never);
  expect(child.pid()).toBe(before);
});

test("a supervisor keeps the result of a handler whose process ends right after", async () => {
  await using child = await openChild(pluginSource(ENDINGS));
  for (let round = 0; round < 10; round += 1) {
    expect(await child.runner.run(act("die-after"), never)).toMatchObject({ success: true });
    const pid = child.pid();
    await child.seen((event) => (event.type === "child.ended" && event.pid === pid) || undefined);
  }
});

test("a supervisor replaces a child that is killed from outside while idle", async () => {
  await using child = await openChild(pluginSource(ENDINGS));
  const before = child.pid();
  process.kill(before, "SIGKILL");
  await child.seen((event) => (event.type === "child.ended" ? event : undefined));
  expect(await child.runner.run(act("fine"), never)).toMatchObject({ success: true });
  expect(child.pid()).not.toBe(before);
});

test("a supervisor starts one child for several assignments at once", async () => {
  await using child = await openChild(pluginSource(ENDINGS));
  await child.runner.run(act("exit"), never).catch(() => {});
  const results = await Promise.all([1, 2, 3].map(() => child.runner.run(act("fine"), never)));
  expect(results.every(({ success }) => success)).toBe(true);
  expect(child.events.filter((event) => event.type === "child.started")).toHaveLength(2);
});

test("the log says which handler ended the process that others ran in", async () => {
  await using child = await openChild(pluginSource(ENDINGS));
  const culprit = act("exit");
  await child.runner.run(culprit, never).catch(() => {});
  const told = await child.seen((event) =>
    event.type === "plugin.log" && event.message.includes("process.exit(7)") ? event : undefined,
  );
  expect(told).toMatchObject({ level: "error", auditId: culprit.auditId });
});

test("a supervisor tries again while a fresh child cannot load, and the assignment waits", async () => {
  const source = `import { existsSync, writeFileSync } from "node:fs";
const mark = new URL("loaded", import.meta.url).pathname;
if (existsSync(mark)) throw new Error("only once");
writeFileSync(mark, "");
${pluginSource(ENDINGS)}`;
  await using child = await openChild(source);
  const { runner } = child;
  await runner.run(act("exit"), never).catch(() => {});
  const run = runner.run(act("fine"), never);
  const told = await child.seen((event) => (event.type === "agent.not-ready" ? event : undefined));
  expect(told.reason).toContain("only once");
  expect(runner.isReady).toBe(false);
  await rm(join(child.folder, "loaded"));
  expect(await run).toMatchObject({ success: true });
  expect(child.events.at(-1)).not.toEqual(told);
  expect(child.events.some(({ type }) => type === "agent.ready")).toBe(true);
});

const LOOPS = `
  @act("loop") loop() { console.log(process.pid); for (;;); }
  @act("print") print() { for (;;) console.log("again and again"); }
  @act("fine") fine() { return true; }
  @act("exit") exit() { process.exit(1); }
  @act("wait") wait() { return sleep(60_000); }
  @belief(seen) look() { return BeliefResult.sole("seen"); }
`;

test.each(["loop", "print"])(
  "a supervisor ends a handler that hangs in a %s, each time anew",
  async (action) => {
    await using child = await openChild(pluginSource(LOOPS), { hangTimeoutMs: 200 });
    for (let round = 0; round < 2; round += 1) {
      const failure = await child.runner.run(act(action), never).catch((cause) => cause);
      expect(failure).toMatchObject({ code: "handler.hung" });
      expect(await isAlive(child.pid())).toBe(false);
      expect(await child.runner.run(act("fine"), never)).toMatchObject({ success: true });
    }
  },
  TIMEOUT_MS,
);

test("a supervisor sees a hang right after another child's end", async () => {
  await using child = await openChild(pluginSource(LOOPS), { hangTimeoutMs: 200 });
  await child.runner.run(act("exit"), never).catch(() => {});
  const failure = await child.runner.run(act("loop"), never).catch((cause) => cause);
  expect(failure).toMatchObject({ code: "handler.hung" });
});

test("a supervisor does not take an awaiting handler for a hung one", async () => {
  await using child = await openChild(pluginSource(LOOPS), { hangTimeoutMs: 100 });
  const run = child.runner.run(act("wait"), never).catch((cause) => cause);
  for (let round = 0; round < 20; round += 1) {
    expect(await child.runner.run(ask("seen"), never)).toMatchObject({ success: true });
    await Bun.sleep(20); // twice the hang timeout passes on the whole
  }
  await child.close();
  expect(await run).toMatchObject({ code: "agent.draining" });
});

// Goal: an agent that itself stood still takes no answer that waits for it for silence.
// Method: stop this process again and again for longer than the hang timeout, while the child
// answers each question at once.
test("a supervisor judges no child after it stood still itself", async () => {
  await using child = await openChild(pluginSource(LOOPS), { hangTimeoutMs: 60 });
  const run = child.runner.run(act("wait"), never).catch((cause) => cause);
  for (let round = 0; round < 20; round += 1) {
    await Bun.sleep(7);
    Bun.sleepSync(80);
  }
  await child.close();
  expect(await run).toMatchObject({ code: "agent.draining" });
});

const FAMILY = `
  @act("family") async family() {
    const child = Bun.spawn(["sleep", "600"]);
    return { success: true, telemetry: { pid: process.pid, child: child.pid } };
  }
  @act("exit") exit() { process.exit(1); }
`;

test.each(["exit", "close"])("a plugin's own children end with it on %s", async (how) => {
  await using child = await openChild(pluginSource(FAMILY));
  const { telemetry } = await child.runner.run(act("family"), never);
  const grandchild = (telemetry as { child: number }).child;
  expect(await isAlive(grandchild)).toBe(true);
  if (how === "exit") await child.runner.run(act("exit"), never).catch(() => {});
  else await child.close();
  await gone(grandchild);
});

test("the child leads its own process group", async () => {
  await using child = await openChild(pluginSource(LOOPS));
  const groupOf = async (pid: number) =>
    Number((await Bun.file(`/proc/${pid}/stat`).text()).split(") ")[1]?.split(" ")[2]);
  expect(await groupOf(child.pid())).toBe(child.pid());
  expect(await groupOf(process.pid)).not.toBe(child.pid());
});

// Goal: nothing goes on moving without its agent, whatever the agent dies of.
// Method: a middle process opens the runner, starts an endless loop in the child and is killed.
test("the child dies with a killed agent, even in an endless loop", async () => {
  await using child = await openChild(pluginSource(LOOPS)); // for its folder
  const agent = Bun.spawn(
    [process.execPath, join(root, "test", "runner", "doomed-agent.ts"), child.folder],
    { stdout: "pipe", stderr: "inherit" },
  );
  const reader = agent.stdout.getReader();
  const pid = Number(new TextDecoder().decode((await reader.read()).value));
  expect(await isAlive(pid)).toBe(true);
  agent.kill("SIGKILL");
  await agent.exited;
  await gone(pid);
});

test("a supervisor runs nothing after it was closed", async () => {
  await using child = await openChild(pluginSource(LOOPS));
  const waiting = child.runner.run(act("wait"), never).catch((cause) => cause);
  await child.close();
  expect(await waiting).toMatchObject({ code: "agent.draining" });
  const after = await child.runner.run(act("fine"), never).catch((cause) => cause);
  expect(after).toMatchObject({ code: "agent.draining" });
  await child.close();
  expect(child.events.filter((event) => event.type === "child.started")).toHaveLength(1);
});
