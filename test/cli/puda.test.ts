// Goal: each command of `agent puda` does what it says, tells why it did not, and leaves no run open.
// Method: the commands as people run them, on a real server with a machine of bytes.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { paramsFrom } from "../../src/cli/puda/params.ts";
import { sealOf } from "../../src/wire/puda-seal.ts";
import { eventSubject, heartbeatSubject, streamSubject } from "../../src/wire/puda-subjects.ts";
import { toLog, told } from "../../src/wire/puda-told.ts";
import { natsServer, RunningNats } from "../support/nats.ts";
import { project } from "../support/project.ts";
import { until } from "../support/proxied.ts";
import { start } from "../support/running.ts";
import { onTerminal } from "../support/terminal.ts";
import { WireMachine } from "../support/wire-machine.ts";
import { command, ENV, MAIN } from "./calling.ts";

interface Scene {
  readonly server: RunningNats;
  readonly machine: WireMachine;
  puda(...args: string[]): ReturnType<typeof command>;
}

async function onStage(check: (scene: Scene) => Promise<void>, keyFile?: string): Promise<void> {
  const program = await natsServer();
  if (program === undefined) return;
  await using server = await RunningNats.start(program, { isSynced: false });
  const seal = keyFile === undefined ? undefined : sealOf(keyFile);
  await using machine = await WireMachine.start(server.url, "rig1", seal);
  const env = { NATS_SERVERS: server.url };
  await check({ server, machine, puda: (...args) => command(["puda", ...args], { env }) });
}

const BATCH = [
  { machine_id: "rig1", name: "tare" },
  { machine_id: "rig1", name: "weigh", params: { settle_s: 2 } },
  { machine_id: "rig1", name: "print" },
];

test("send carries a command out in a run of its own and prints what was measured", async () => {
  await onStage(async ({ machine, puda }) => {
    machine.answer(({ name }) => (name === "weigh" ? { grams: 1.5 } : null));
    const { code, stdout, stderr } = await puda("send", "rig1", "weigh", "settle_s=2", "of=pan");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      /^✓ rig1 weigh\(settle_s=2, of=pan\) {2}0\.\d s\n {2}\{"grams":1\.5\}\n$/,
    );
    expect(machine.received).toEqual([
      ...["immediate start 0", "queue weigh 1", "immediate complete 0"],
    ]);
    expect(machine.commands[1]?.params).toEqual({ settle_s: 2, of: "pan" });
    const json = await puda("send", "rig1", "weigh", "--json", "--run-id", "r1", "--step", "7");
    expect(JSON.parse(json.stdout)).toMatchObject({
      run_id: "r1",
      machine_id: "rig1",
      step_number: 7,
      response: { status: "success", code: null, data: { grams: 1.5 } },
    });
    expect(machine.received.slice(3)).toEqual(["queue weigh 7"]);
    expect(await machine.responseConsumers("queue")).toBe(0); // it leaves nothing behind
  });
});

test("send knows what acts at once by its name, and asks for the run where one is meant", async () => {
  await onStage(async ({ machine, puda }) => {
    expect((await puda("send", "rig1", "pause")).code).toBe(0);
    expect((await puda("send", "rig1", "reset", "--queue", "--run-id", "r")).code).toBe(0);
    expect(machine.received).toEqual(["immediate pause 0", "queue reset 1"]);
    const cancel = await puda("send", "rig1", "cancel");
    expect([cancel.code, cancel.stderr]).toEqual([2, expect.stringContaining("--run-id")]);
    const typo = await puda("send", "rig1", "pasue", "--immediate");
    expect(typo.stderr).toContain("did you mean pause?");
    expect(machine.received.length).toBe(2);
  });
});

test("send tells a machine's error, an unanswered command and a server without machines apart", async () => {
  await onStage(async ({ machine, puda }) => {
    machine.answer(({ name }) => (name === "weigh" ? { code: "EXECUTION_ERROR" } : null));
    const failed = await puda("send", "rig1", "weigh");
    expect([failed.code, failed.stdout]).toEqual([
      1,
      expect.stringMatching(/^✗ rig1 weigh\(\): EXECUTION_ERROR: as the test wants it {2}/),
    ]);
    machine.answer(({ name }) => (name === "weigh" ? "silence" : null));
    const silent = await puda("send", "rig1", "weigh", "--timeout", "0.2");
    expect([silent.code, silent.stdout]).toEqual([75, expect.stringContaining("Cannot tell")]);
    machine.answer(({ name }) => (name === "start" ? "silence" : null));
    const mute = await puda("send", "rig1", "weigh", "--timeout", "0.2");
    expect([mute.code, mute.stderr]).toEqual([75, expect.stringContaining("within 0.2 s")]);
    machine.answer(({ name }) => (name === "start" ? { code: "RUN_ID_MISMATCH" } : null));
    const refused = await puda("send", "rig1", "weigh");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("reset")]);
  });
  const program = (await natsServer()) ?? "";
  if (program === "") return;
  await using server = await RunningNats.start(program, { isSynced: false });
  const absent = await command(["puda", "send", "rig1", "weigh", "--to", server.url]);
  expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining("agent puda ping")]);
  const nobody = await command(["puda", "ping", "--to", "nats://127.0.0.1:1"]);
  expect([nobody.code, nobody.stderr]).toEqual([75, expect.stringContaining("nats-server -js")]);
});

test("run goes through a batch from a file or from stdin, and stops at the first failure", async () => {
  await using folder = await project({ "batch.json": JSON.stringify({ commands: BATCH }) });
  const file = join(folder.path, "batch.json");
  await onStage(async ({ server, machine, puda }) => {
    machine.answer(({ name }) => (name === "weigh" ? { grams: 1 } : null));
    const whole = await puda("run", file);
    expect([whole.code, whole.stderr]).toEqual([0, ""]);
    expect(whole.stdout.replace(/ {2}0\.\d s/g, "")).toMatch(
      /^✓ rig1 tare\(\)\n✓ rig1 weigh\(settle_s=2\)\n {2}\{"grams":1\}\n✓ rig1 print\(\)\n3 of 3 steps in .*\nrun [\da-f-]{36}\n$/,
    );
    machine.answer(({ name }) => (name === "weigh" ? { code: "EXECUTION_ERROR" } : null));
    const piped = await command(["puda", "run", "-", "--json", "--run-id", "r1"], {
      env: { NATS_SERVERS: server.url },
      stdin: JSON.stringify(BATCH),
    });
    expect(piped.code).toBe(1);
    expect(JSON.parse(piped.stdout)).toMatchObject({
      run_id: "r1",
      success: false,
      total: 3,
      steps: [{ name: "tare" }, { name: "weigh", response: { code: "EXECUTION_ERROR" } }],
      not_completed: {},
    });
    expect(machine.received.at(-1)).toBe("immediate complete 0");
    const wrong = await command(["puda", "run", "-"], { stdin: "[{}]" });
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("commands.0.name")]);
  });
});

test("W21: Ctrl-C in the middle of a batch completes its run", async () => {
  await using folder = await project({ "batch.json": JSON.stringify(BATCH) });
  await onStage(async ({ server, machine }) => {
    machine.answer(({ name }) => (name === "weigh" ? "silence" : null));
    const file = join(folder.path, "batch.json");
    const running = start([process.execPath, MAIN, "puda", "run", file, "--to", server.url]);
    await until(() => machine.received.length === 3);
    running.kill("SIGINT");
    expect(await running.exited).toBe(130);
    expect(machine.received.at(-1)).toBe("immediate complete 0");
    expect(running.output()).toContain("1 of 3 steps");
    expect(running.output()).toContain("interrupted while it waited");
    const run = machine.commands.at(-1)?.runId;
    expect(running.output()).toContain(`\`agent puda send rig1 cancel --run-id ${run}\` stops it`);
  });
});

test("send says how to stop what is still at work when its wait is over", async () => {
  await onStage(async ({ server, machine, puda }) => {
    machine.answer(({ name }) => (name === "weigh" ? "silence" : null));
    const running = start([process.execPath, MAIN, "puda", "send", "rig1", "weigh"], {
      NATS_SERVERS: server.url,
    });
    await until(() => machine.received.length === 2);
    running.kill("SIGINT");
    expect(await running.exited).toBe(130);
    expect(running.output()).toMatch(/"rig1" may still be at work; .*cancel --run-id [\da-f-]{36}/);
    const late = await puda("send", "rig1", "weigh", "--timeout", "0.2");
    expect([late.code, late.stderr]).toEqual([75, expect.stringContaining("cancel --run-id")]);
  });
});

test("watch says so when it hears nothing, and leaves out the run that is not open", async () => {
  await onStage(async ({ server, machine }) => {
    const args = [process.execPath, MAIN, "puda", "watch"];
    const silent = start([...args, "rig2"], { NATS_SERVERS: server.url });
    await machine.setState("idle");
    const watching = start([...args, "rig1"], { NATS_SERVERS: server.url });
    await watching.until(/is .*idle/);
    expect(watching.output()).not.toContain("run_id");
    await silent.until(/no heartbeat of "rig2" so far/);
    await watching.until(/no heartbeat of "rig1" so far/); // its state outlives it
    for (const each of [silent, watching]) {
      each.kill("SIGINT");
      expect(await each.exited).toBe(0);
    }
  });
});

test("run draws its steps on a terminal as they happen", async () => {
  await using folder = await project({ "batch.json": JSON.stringify(BATCH) });
  await onStage(async ({ server, machine }) => {
    machine.answer(({ name }) => (name === "weigh" ? { grams: 1 } : null));
    const file = join(folder.path, "batch.json");
    const args = [process.execPath, MAIN, "puda", "run", file, "--to", server.url];
    const terminal = onTerminal(args, ENV);
    expect(await terminal.exited).toBe(0);
    const screen = terminal.shown();
    for (const part of ["· rig1 print()", "✓ rig1 print()", '{"grams":1}', "3 of 3 steps"]) {
      expect(screen).toContain(part);
    }
  });
});

test("watch prints states, telemetry and events as they come, as lines and as JSON", async () => {
  await onStage(async ({ server, machine }) => {
    await machine.setState("idle");
    const watching = (...args: string[]) =>
      start([process.execPath, MAIN, "puda", "watch", "--to", server.url, ...args], {
        NO_COLOR: "1",
      });
    const [people, program] = [watching("rig1"), watching("--json", "--all")];
    await Promise.all([people.until(/rig1 {2}is idle/), program.until(/"kind":"state"/)]);
    machine.tell(heartbeatSubject("rig1"), told(0));
    machine.tell(streamSubject("rig1", "weight"), told(0, { g: 1.5 }));
    machine.tell(eventSubject("rig1", "log"), toLog(0, "INFO", "done\u001b[2J"));
    await Promise.all([people.until(/msg=/), program.until(/"msg"/)]);
    for (const each of [people, program]) {
      each.kill("SIGINT");
      expect(await each.exited).toBe(0);
    }
    expect(people.output()).toContain("rig1  weight  g=1.5");
    expect(people.output()).toContain("log_level=INFO  msg=done\\x1b[2J");
    expect(people.output()).not.toContain("heartbeat");
    const lines = program
      .output()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "state idle",
      "telemetry heartbeat",
      "telemetry weight",
      "event log",
    ]);
  });
});

test("ping lists the machines, or shows one, with a lab key too", async () => {
  const key = `encrypt=${Buffer.alloc(32, 3).toString("base64")}\n`;
  await using folder = await project({ "lab.key": key });
  await onStage(async ({ puda }) => {
    const keyed = ["--payload-key", join(folder.path, "lab.key")];
    const all = await puda("ping", "--timeout", "1", ...keyed);
    expect([all.code, all.stdout]).toEqual([
      0,
      expect.stringMatching(/^MACHINE +IS +UP .*\nrig1 +idle +1s +test /),
    ]);
    const one = await puda("ping", "rig1", "--json", ...keyed);
    expect(JSON.parse(one.stdout)).toMatchObject({ machine_id: "rig1", status: "pong" });
    const other = await puda("ping", "rig2", ...keyed);
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('"rig2"')]);
    const none = await puda("ping", "--timeout", "0.2");
    expect([none.code, none.stdout]).toEqual([1, "no machine answered\n"]);
    const missing = await puda("ping", "--payload-key", join(folder.path, "no.key"));
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("no.key")]);
  }, key);
});

test("paramsFrom() reads JSON where it is JSON, else text", () => {
  const words = ["a=1", "b=true", "c=x=y", 'd={"e":[null]}', 'f="007"', "g=", "h=01"];
  expect(paramsFrom(words)).toEqual({
    ...{ a: 1, b: true, c: "x=y", d: { e: [null] }, f: "007", g: "", h: "01" },
  });
  expect(paramsFrom(['{"a": 1}'])).toEqual({ a: 1 });
  expect(paramsFrom([])).toEqual({});
  expect(() => paramsFrom(["a"])).toThrow(/key=value/);
  expect(() => paramsFrom(["=1"])).toThrow(/key=value/);
  expect(() => paramsFrom(["a=1", "a=2"])).toThrow(/twice/);
  expect(() => paramsFrom(["{a"])).toThrow(/Cannot read/);
});
