// Goal: a scenario's `log` and `run_process` do on the agent what they do in scenario-execution, for
// what its operator allows alone. Method: a stock client over pyzmq against the compiled program.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { mergedArguments, paramsOf } from "../../src/wire/scenario-arguments.ts";
import { LogArguments, RunProcessArguments } from "../../src/wire/scenario-builtins.ts";
import { gone, isAlive } from "../runner/plugin-child.ts";
import { ensureBinary, root } from "../support/binary.ts";
import { start } from "../support/running.ts";
import { type Remote, ScenarioClient } from "../support/scenario-client.ts";
import { Executor, scenarioPython } from "../support/scenario-executor.ts";
import { ServedProbe } from "../support/scenario-server.ts";
import { zmqPython } from "../support/zmq-python.ts";

const reference = join(root, "test", "fixtures", "scenario", "arm.ts:Arm");
const python = await zmqPython();

/** What a scenario that says nothing more sends of it. */
const stock = {
  wait_for_shutdown: true,
  shutdown_signal: ["sigterm", 15],
  shutdown_timeout: 10,
};
const lasting = { ...stock, wait_for_shutdown: false };

/** Its last word, or its error's message. */
async function endOf(remote: Remote): Promise<string | undefined> {
  for (;;) {
    const { says } = await remote.update();
    if (says.action_status !== "running") return says.action_status ?? says.message;
    await Bun.sleep(5);
  }
}

/** The number that a command printed behind this word. */
async function printed(served: ServedProbe, word: string): Promise<number> {
  const [, number] = await served.process.until(new RegExp(`"${word} (\\d+)"`));
  return Number(number);
}

test("what cannot be found is refused at the start, and so is any other built-in", async () => {
  const serve = async (...args: string[]) => {
    const agent = start([await ensureBinary(), "serve", reference, "--no-local", ...args]);
    return { code: await agent.exited, said: agent.output() };
  };
  const absent = await serve("--allow-run", "no-such-program-here");
  expect(absent.code).toBe(2);
  expect(absent.said).toContain('Cannot allow to run "no-such-program-here"');
  const other = await serve("--allow-builtin", "run_process");
  expect(other.code).toBe(2);
  expect(other.said).toContain("--allow-run");
});

describe.skipIf(python === undefined)("a stock client", () => {
  let client: ScenarioClient;
  beforeAll(() => {
    client = new ScenarioClient(python ?? "");
  });
  afterAll(() => client?.[Symbol.dispose]());

  test.each([
    ["log", "--allow-builtin log"],
    ["run_process", "--allow-run COMMAND"],
  ])("that asks for %s is told how to allow it", async (key, option) => {
    await using served = await ServedProbe.start({ reference });
    const { says } = await (await client.open(served.tcp, key)).init();
    expect(says.status).toBe("error");
    expect(says.message).toContain(option);
  });

  test("has a line logged, and a command run, as its scenario writes them", async () => {
    await using served = await ServedProbe.start({
      reference,
      args: ["--allow-builtin", "log", "--allow-run", "hostname", "--allow-run", "sh"],
    });
    expect(await endOf(await client.begun(served.tcp, "log", { msg: "it begins" }))).toBe(
      "success",
    );
    await served.process.until(/it begins/);
    const nothing = await client.begun(served.tcp, "log", { msg: null });
    expect(await endOf(nothing)).toContain("msg");
    const run = async (command: string) =>
      await endOf(await client.begun(served.ipc, "run_process", { ...stock, command }));
    expect(await run("hostname")).toBe("success");
    expect(await run("sh -c 'exit 4'")).toBe("failure");
    for (const command of ["hostname; id", "./hostname", "/usr/bin/hostname", "$(id)", "id"]) {
      expect(await run(command), command).toContain("not allowed, see --allow-run");
    }
  });

  test.each(["child", "inline"])(
    "never hands a command the agent's secrets: --isolation %s",
    async (mode) => {
      await using served = await ServedProbe.start({
        reference,
        env: { DYNOS_TOKEN: "a secret", PASSED_KEY: "handed on", COLOUR: "blue" },
        args: ["--allow-run", "env", "--isolation", mode, "--pass-env", "PASSED_KEY"],
      });
      const command = { ...stock, command: "env" };
      expect(await endOf(await client.begun(served.tcp, "run_process", command))).toBe("success");
      await served.process.until(/COLOUR=blue/);
      await served.process.until(/PASSED_KEY=handed on/);
      expect(served.process.output()).not.toMatch(/DYNOS_TOKEN|a secret|NODE_CHANNEL/);
    },
  );

  test("runs commands beside whatever runs, at --concurrency 1 too", async () => {
    await using served = await ServedProbe.start({
      reference,
      args: ["--allow-run", "sleep", "--allow-builtin", "log", "--concurrency", "1"],
    });
    const long = await client.begun(served.tcp, "run_process", { ...stock, command: "sleep 1000" });
    const first = await client.begun(served.tcp, "arm.wait", { mark: "first" });
    await served.left("wait first");
    const second = await client.begun(served.tcp, "arm.wait", { mark: "second" });
    expect(await endOf(await client.begun(served.tcp, "log", { msg: "aside" }))).toBe("success");
    expect((await long.update()).says.action_status).toBe("running");
    await first.terminate();
    await served.left("wait second");
    for (const each of [long, second]) await each.terminate();
    expect((await long.update()).says.message).toContain("abandoned");
  });

  test("that abandons it, or hangs up, or is silent, ends the command", async () => {
    await using served = await ServedProbe.start({
      reference,
      args: ["--allow-run", "sh", "--lease", "1"],
    });
    const begin = async (word: string) => {
      const command = `sh -c 'echo "${word} $$"; sleep 1000; :'`;
      const remote = await client.begun(served.tcp, "run_process", { ...stock, command });
      return { remote, pid: await printed(served, word) };
    };
    const abandoned = await begin("abandoned");
    await abandoned.remote.terminate("INVALID");
    await gone(abandoned.pid);
    const left = await begin("left");
    await left.remote.close();
    await gone(left.pid);
    const silent = await begin("silent");
    await gone(silent.pid);
    expect((await silent.remote.update()).says.message).toContain("said nothing");
  });

  test("leaves a process running until it resets the action, abandons it or hangs up", async () => {
    await using served = await ServedProbe.start({ reference, args: ["--allow-run", "sh"] });
    const begin = async (word: string) => {
      const command = `sh -c 'trap "echo ${word} told; exit 0" TERM; echo "${word} $$"; sleep 1000 & wait'`;
      const remote = await client.begun(served.tcp, "run_process", { ...lasting, command });
      expect(await endOf(remote)).toBe("success");
      await remote.terminate("SUCCESS");
      const pid = await printed(served, word);
      expect(await isAlive(pid)).toBe(true);
      return { remote, pid, args: { ...lasting, command } };
    };
    const reset = await begin("reset");
    // Executed again it keeps the process that it has, as the reference does.
    await reset.remote.execute(reset.args);
    expect(await endOf(reset.remote)).toBe("success");
    expect(await isAlive(reset.pid)).toBe(true);
    await reset.remote.reset();
    const abandoned = await begin("abandoned");
    await abandoned.remote.terminate("INVALID");
    const left = await begin("left");
    await left.remote.close();
    for (const [word, { pid }] of Object.entries({ reset, abandoned, left })) {
      await served.process.until(new RegExp(`${word} told`));
      await gone(pid);
    }
    const again = await client.begun(served.tcp, "run_process", {
      ...stock,
      command: "sh -c 'exit 0'",
    });
    expect(await endOf(again)).toBe("success");
  });

  test.each([
    ["SIGTERM", "child"],
    ["SIGKILL", "child"],
    ["SIGKILL", "inline"],
  ] as const)(
    "whose agent ends by %s: so do its commands (--isolation %s)",
    async (signal, isolation) => {
      await using served = await ServedProbe.start({
        reference,
        args: ["--allow-run", "sh", "--drain-timeout", "0", "--isolation", isolation],
      });
      const pids = [];
      for (const [word, kind] of [
        ["waits", stock],
        ["lasts", lasting],
      ] as const) {
        const command = `sh -c 'setsid sh -c "echo \\"apart-${word} \\$\\$\\"; sleep 1000; :" & echo "${word} $$"; sleep 1000; :'`;
        await client.begun(served.tcp, "run_process", { ...kind, command });
        pids.push(await printed(served, word), await printed(served, `apart-${word}`));
      }
      served.process.kill(signal);
      await served.process.exited;
      for (const pid of pids) await gone(pid);
    },
  );
});

const scenarioExecution = await scenarioPython();

test.skipIf(scenarioExecution === undefined)(
  "scenario-execution sends the page's example as the agent reads it",
  async () => {
    const page = await Bun.file(join(root, "docs", "scenario-execution.md")).text();
    const [example = ""] = /import osc\.helpers\n[^`]*run_process[^`]*/.exec(page) ?? [];
    await using executor = await Executor.with(scenarioExecution ?? "", []);
    const { code, sent, said } = await executor.run(example.replaceAll("127.0.0.1:7613", "print"));
    expect(code, said).toBe(0);
    const [logged, ran] = sent.map(({ init_args, exec_args }) =>
      paramsOf(mergedArguments(init_args, exec_args)),
    );
    expect(LogArguments.safeParse(logged).data).toEqual({ msg: "calibrating" });
    expect(RunProcessArguments.safeParse(ran).data).toEqual({
      command: '/opt/rig/calibrate --axis "z up"',
      wait_for_shutdown: true,
      shutdown_signal: "SIGTERM",
      shutdown_timeout: 2,
    });
  },
);
