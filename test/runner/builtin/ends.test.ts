// Goal: what run_process starts is stopped as it was asked for, and outlives nobody who answers for
// it, whoever is killed. Method: real processes, several generations of them, and real kills.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../../../scripts/binary.ts";
import { project } from "../../support/project.ts";
import { act, gone, isAlive, never, type OpenChild } from "../plugin-child.ts";
import { openAllowing, PLUGIN, printedNumber, run } from "./allowing.ts";

const TIMEOUT_MS = 30_000;
const called = { reason: new Error("called off") };

/** Ignores what can be ignored; starts one in its group and one in a session of its own. */
const STUBBORN = `sh -c 'trap "" TERM INT HUP
echo "leader $$"
sh -c "echo \\"child \\$\\$\\"; sleep 1000; :" &
setsid sh -c "echo \\"apart \\$\\$\\"; sleep 1000; :" &
wait; sleep 1000; :'`;

async function family(child: OpenChild): Promise<number[]> {
  return await Promise.all(["leader", "child", "apart"].map((word) => printedNumber(child, word)));
}

test(
  "a cancel sends the signal that was asked for, to the whole group",
  async () => {
    await using child = await openAllowing(["sh"]);
    const abort = new AbortController();
    const script = `sh -c 'trap "echo heard; exit 0" USR1; echo "leader $$"; sleep 1000 & wait'`;
    const running = run(child, script, { shutdown_signal: "sigusr1" }, abort.signal);
    const leader = await printedNumber(child, "leader");
    abort.abort(called.reason);
    expect(await running).toMatchObject({ success: false, code: "handler.cancelled" });
    expect(child.logs().map(({ message }) => message)).toContain("heard");
    expect(await isAlive(leader)).toBe(false);
  },
  TIMEOUT_MS,
);

test(
  "what ignores the signal is killed after shutdown_timeout, with all that came of it",
  async () => {
    await using child = await openAllowing(["sh"]);
    const abort = new AbortController();
    const running = run(child, STUBBORN, { shutdown_timeout: 0.5 }, abort.signal);
    const pids = await family(child);
    const began = performance.now();
    abort.abort(called.reason);
    expect(await running).toMatchObject({ code: "handler.cancelled" });
    expect(performance.now() - began).toBeGreaterThan(450);
    for (const pid of pids) expect(await isAlive(pid)).toBe(false);
  },
  TIMEOUT_MS,
);

test(
  "shutdown_timeout is no longer than the agent waits for a handler",
  async () => {
    await using child = await openAllowing(["sh"], {
      cancelGraceMs: 2_000,
      rest: { stopMaxMs: 300 },
    });
    const before = child.pid();
    const abort = new AbortController();
    const running = run(child, STUBBORN, { shutdown_timeout: 1_000 }, abort.signal);
    const pids = await family(child);
    abort.abort(called.reason);
    expect(await running).toMatchObject({ code: "handler.cancelled" });
    for (const pid of pids) expect(await isAlive(pid)).toBe(false);
    expect(child.pid()).toBe(before); // the plugin was not killed for it
  },
  TIMEOUT_MS,
);

test(
  "what a command leaves behind has a second to end, then it is killed and told of",
  async () => {
    await using child = await openAllowing(["sh"]);
    const quick = await run(child, `sh -c '(sleep 0.2; echo late) & exit 0'`);
    expect(quick).toMatchObject({ success: true });
    expect(child.logs().map(({ message }) => message)).toEqual(["late"]);
    const left = await run(
      child,
      `sh -c 'setsid sh -c "echo \\"apart \\$\\$\\"; sleep 1000; :" & exit 0'`,
    );
    expect(left).toMatchObject({ success: true });
    const apart = await printedNumber(child, "apart");
    expect(await isAlive(apart)).toBe(false);
    await child.seen((event) =>
      event.type === "plugin.log" && /outlived it were killed/.test(event.message)
        ? true
        : undefined,
    );
  },
  TIMEOUT_MS,
);

test(
  "a killed plugin's process takes its commands along",
  async () => {
    await using child = await openAllowing(["sh"]);
    const running = run(child, STUBBORN).catch((cause) => cause);
    const pids = await family(child);
    process.kill(child.pid(), "SIGKILL");
    expect(await running).toMatchObject({ code: "handler.crashed" });
    for (const pid of pids) await gone(pid);
  },
  TIMEOUT_MS,
);

test(
  "a killed minder takes its command along, and the plugin goes on",
  async () => {
    await using child = await openAllowing(["sh"]);
    const running = run(child, 'sh -c \'echo "leader $$"; echo "minder $PPID"; sleep 1000; :\'');
    const leader = await printedNumber(child, "leader");
    process.kill(await printedNumber(child, "minder"), "SIGKILL");
    expect(await running).toMatchObject({ success: false });
    await gone(leader);
    expect(await child.runner.run(act("pid"), never)).toMatchObject({ success: true });
  },
  TIMEOUT_MS,
);

test(
  "a killed agent takes them along, whatever the commands started",
  async () => {
    await using folder = await project({ "plugin.ts": PLUGIN });
    const agent = Bun.spawn(
      [process.execPath, join(root, "test/runner/builtin/doomed-agent.ts"), folder.path, STUBBORN],
      { stdout: "pipe", stderr: "inherit" },
    );
    const pids: number[] = [];
    let text = "";
    for await (const chunk of agent.stdout) {
      text += new TextDecoder().decode(chunk);
      pids.splice(0, pids.length, ...[...text.matchAll(/ (\d+)\n/g)].map(([, pid]) => Number(pid)));
      if (pids.length === 3) break;
    }
    agent.kill("SIGKILL");
    await agent.exited;
    for (const pid of pids) await gone(pid);
  },
  TIMEOUT_MS,
);

test(
  "wait_for_shutdown false: it is done when the process runs, which goes on",
  async () => {
    await using child = await openAllowing(["sh"]);
    const lasting = { wait_for_shutdown: false, holder: "one" };
    const command = `sh -c 'trap "echo told; exit 0" TERM; echo "leader $$"; sleep 1000 & wait'`;
    expect(await run(child, command, lasting)).toMatchObject({ success: true });
    const leader = await printedNumber(child, "leader");
    // As the reference: the same action again keeps the process that it has.
    expect(await run(child, command, lasting)).toMatchObject({ success: true });
    expect(child.logs().filter(({ message }) => message.startsWith("leader"))).toHaveLength(1);
    expect(await isAlive(leader)).toBe(true);
    const letGo = () => child.runner.run(act("run_process", { release: "one" }), never);
    expect(await letGo()).toMatchObject({ success: true });
    expect(await isAlive(leader)).toBe(false);
    expect(child.logs().map(({ message }) => message)).toContain("told");
    expect(await letGo()).toMatchObject({ success: true, message: "nothing runs" });
  },
  TIMEOUT_MS,
);

test(
  "the agent's end stops what was left running, with its own signal first",
  async () => {
    await using child = await openAllowing(["sh"]);
    const command = `sh -c 'trap "echo told; exit 0" INT; echo "leader $$"; sleep 1000 & wait'`;
    const lasting = { wait_for_shutdown: false, shutdown_signal: "sigint" };
    expect(await run(child, command, lasting)).toMatchObject({ success: true });
    const leader = await printedNumber(child, "leader");
    await child.close();
    expect(await isAlive(leader)).toBe(false);
    expect(child.logs().map(({ message }) => message)).toContain("told");
  },
  TIMEOUT_MS,
);

test(
  "a lasting process that cannot start is a failure",
  async () => {
    await using child = await openAllowing([], {
      rest: { run: { tool: "/nonexistent/tool" } },
    });
    const failed = await run(child, "tool", { wait_for_shutdown: false });
    expect(failed.success).toBe(false);
    expect(failed.message).toStartWith('Cannot run "tool": ');
  },
  TIMEOUT_MS,
);
