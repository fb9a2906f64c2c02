// Goal: no commander of the public packages can tell our machine from a Python one, only that its faults
// are gone. Method: the real CommandService of puda 0.0.21 (N), and of puda-comms 0.0.2 (S) and 0.0.14 (C),
// each in a process of its own, drive the compiled agent over a real server. Their W-numbers are the
// faults' in docs/puda-faults.md.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { natsServer, RunningNats } from "../support/nats.ts";
import {
  type Command,
  type PudaPeer,
  PythonCommander,
  pudaPython,
  startPythonMachine,
} from "../support/puda-peers.ts";
import { OurMachine, untilHeartbeat } from "../support/puda-scene.ts";
import { PATIENCE_MS, type Running } from "../support/running.ts";

const program = await natsServer();
const [pythonN, pythonS, pythonC] = await Promise.all([
  pudaPython("N"),
  pudaPython("S"),
  pudaPython("C"),
]);
const isMissing = [program, pythonN, pythonS, pythonC].includes(undefined);

/** Without the times of day, which are nobody's business here. */
const timeless = { timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) };
const success = (data: unknown = null) => ({ response: { status: "success", code: null, data } });
const failure = (code: string, message: RegExp = /./) => ({
  response: { status: "error", code, message: expect.stringMatching(message) },
});

describe.skipIf(isMissing)("our machine, driven by Python commanders", () => {
  let server: RunningNats;
  let machine: OurMachine;
  let ana: PythonCommander;
  let runs = 0;
  const newRun = () => {
    runs += 1;
    return `run-${runs}`;
  };
  const url = () => server.url;

  /** A command to the machine, in a run. */
  const to = (run: string, name: string, step: number, params = {}): Command => {
    return { machine: "rig", run, name, step, params, timeout: 15 };
  };
  const until = async (what: string, holds: () => boolean | Promise<boolean>) => {
    for (const late = AbortSignal.timeout(PATIENCE_MS); !(await holds()); await Bun.sleep(10)) {
      if (late.aborted) throw new Error(`${what}, in vain: ${machine.effects()}`);
    }
  };
  /** The state's bucket says so, sooner or later. */
  const shows = (wanted: string, run: string | null) =>
    until(`until ${wanted} of ${run}`, async () => {
      const { state, run_id } = await ana.kv("MACHINE_STATE", "rig");
      return state === wanted && run_id === run;
    });
  const began = (what: string, times = 1) => until(`until ${what}`, () => count(what) >= times);
  const count = (what: string) => machine.effects().filter((each) => each === what).length;

  beforeAll(async () => {
    server = await RunningNats.start(program as string);
    machine = await OurMachine.start(url(), "rig");
    ana = await PythonCommander.start({ version: "N", python: pythonN as string, url: url() });
  }, 60_000);
  /** Nothing that a test left behind is in the way of the next one. */
  afterEach(async () => {
    const { state, run_id } = await ana.kv("MACHINE_STATE", "rig");
    if (state === "idle" && run_id === null) return;
    await ana.immediate(to(String(run_id), "cancel", 0));
    await ana.immediate(to("any", "reset", 0));
    await shows("idle", null);
  });
  afterAll(async () => {
    ana?.[Symbol.dispose]();
    await machine?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  describe("puda 0.0.21", () => {
    test("a sequence starts its run, gets each answer and completes it", async () => {
      const run = newRun();
      const commands = [
        { name: "echo", step: 1, params: { a: 1, b: [1, { c: null }] } },
        { name: "add", step: 2, params: { a: 1 }, kwargs: { b: 2 } },
        { name: "noop", step: 3 },
        { name: "add", step: 4, params: { a: 1, b: 9 }, kwargs: { b: 3 } },
      ];
      const last = await ana.sequence({ machine: "rig", run, commands });
      expect(last).toMatchObject({
        header: { user_id: "u-1", username: "ana", machine_id: "rig", run_id: run, ...timeless },
        command: { name: "add", step_number: 4, kwargs: { b: 3 }, machine_id: "rig" },
        ...success({ result: 4 }),
      });
      await shows("idle", null);
      // Nothing is left to redeliver, and the run is over.
      expect(await ana.queue(to(run, "noop", 5))).toMatchObject(failure("RUN_ID_MISMATCH"));
    });

    test("a failing step ends the sequence, and the run with it", async () => {
      const run = newRun();
      const commands = [
        { name: "echo", step: 1, params: { mark: run } },
        { name: "fail", step: 2, params: { why: `because of ${run}` } },
        { name: "echo", step: 3, params: { mark: `after ${run}` } },
      ];
      const last = await ana.sequence({ machine: "rig", run, commands });
      expect(last).toMatchObject({
        command: { step_number: 2 },
        ...failure("EXECUTION_ERROR", new RegExp(`because of ${run}`)),
      });
      expect(machine.effects().slice(-2)).toEqual([
        `echo {"mark":"${run}"}`,
        `fail because of ${run}`,
      ]);
      expect(await ana.startRun("rig", newRun())).toMatchObject(success());
      expect(await ana.completeRun("rig", `run-${runs}`)).toMatchObject(success());
    });

    test("each immediate command is answered, as its run stands", async () => {
      const run = newRun();
      const now = (name: string, ofRun = run) => ana.immediate(to(ofRun, name, 0));
      expect(await now("start")).toMatchObject(success());
      await shows("idle", run);
      expect(await now("start")).toMatchObject(failure("RUN_ID_MISMATCH"));
      expect(await now("start", "other")).toMatchObject(failure("RUN_ID_MISMATCH"));
      expect(await now("complete", "other")).toMatchObject(failure("RUN_ID_MISMATCH"));
      expect(await now("pause")).toMatchObject(success());
      expect(await now("resume")).toMatchObject(success());
      expect(await now("dance")).toMatchObject(failure("UNKNOWN_COMMAND"));
      expect(await now("complete")).toMatchObject(success());
      await shows("idle", null);
      expect(await now("complete")).toMatchObject(failure("RUN_ID_MISMATCH"));
      expect(await now("cancel")).toMatchObject(failure("NO_EXECUTION"));
      expect(await now("start")).toMatchObject(success());
      expect(await now("reset", "other")).toMatchObject(success());
      await shows("idle", null);
    });

    test("what a queue cannot take is answered with its code", async () => {
      const run = newRun();
      expect(await ana.queue(to(run, "noop", 1))).toMatchObject(failure("RUN_ID_MISMATCH"));
      await ana.startRun("rig", run);
      expect(await ana.queue(to(run, "fly", 1))).toMatchObject(failure("UNKNOWN_COMMAND"));
      await ana.completeRun("rig", run); // a failed command has ended it already
      await ana.startRun("rig", run);
      expect(await ana.queue(to(run, "add", 2, { a: "one" }))).toMatchObject(
        failure("EXECUTION_ERROR"),
      );
    });

    test("W1: what was refused while paused never runs", async () => {
      const run = newRun();
      await ana.startRun("rig", run);
      expect(await ana.immediate(to(run, "pause", 0))).toMatchObject(success());
      await shows("paused", run);
      const refused = to(run, "echo", 1, { mark: `ghost of ${run}` });
      expect(await ana.queue(refused)).toMatchObject(failure("MACHINE_PAUSED"));
      expect(await ana.immediate(to(run, "resume", 0))).toMatchObject(success());
      await shows("idle", run);
      expect(await ana.queue(to(run, "noop", 2))).toMatchObject(success());
      await until("until all is settled", async () => {
        const { unsettled, waiting } = await pending("cmd_queue_rig");
        return unsettled === 0 && waiting === 0;
      });
      expect(machine.effects().join()).not.toContain("ghost");
      await ana.completeRun("rig", run);
    });

    test("W8: a cancel stops the command that runs, and it says so", async () => {
      const run = newRun();
      await ana.startRun("rig", run);
      const running = ana.queue(to(run, "wait", 1, { seconds: 60 }));
      await began("wait begins");
      await shows("busy", run);
      expect(await ana.immediate(to(run, "cancel", 0))).toMatchObject(success());
      expect(await running).toMatchObject(failure("COMMAND_CANCELLED"));
      expect(count("wait ends")).toBe(0);
      await shows("idle", null);
    });

    test("W8: while a cancelled command goes on, the machine is busy and takes no other", async () => {
      const run = newRun();
      await ana.startRun("rig", run);
      const running = ana.queue(to(run, "stubborn", 1, { seconds: 60 }));
      await began("stubborn begins");
      expect(await ana.immediate(to(run, "cancel", 0))).toMatchObject(success());
      await shows("busy", null);
      const next = newRun();
      expect(await ana.startRun("rig", next)).toMatchObject(success());
      expect(await ana.queue(to(next, "noop", 1))).toMatchObject(failure("EXECUTION_LOCKED"));
      machine.folder.release();
      expect(await running).toMatchObject(failure("COMMAND_CANCELLED"));
      await shows("idle", next);
      expect(count("stubborn ends")).toBe(1);
      await ana.immediate(to(next, "reset", 0));
    });

    test("W9: an async method is awaited, W13: a command that ends in a pause leaves it paused", async () => {
      const run = newRun();
      await ana.startRun("rig", run);
      const running = ana.queue(to(run, "wait", 1, { seconds: 0.5 }));
      await began("wait begins", 2);
      expect(await ana.immediate(to(run, "pause", 0))).toMatchObject(success());
      expect(await running).toMatchObject(success({ waited: 0.5 }));
      await shows("paused", run);
      // W15
      expect(await ana.immediate(to(run, "reset", 0))).toMatchObject(success());
      await shows("idle", null);
    });

    test.each(["cycle", "bigint", "huge"])("W6: a result that is %s is answered", async (kind) => {
      const run = newRun();
      await ana.startRun("rig", run);
      expect(await ana.queue(to(run, "odd", 1, { kind }))).toMatchObject(
        failure("EXECUTION_ERROR"),
      );
    });

    test("W24: a pause is answered while a command runs and a hook takes its time", async () => {
      const run = newRun();
      await ana.startRun("rig", run);
      const running = ana.queue(to(run, "wait", 1, { seconds: 1 }));
      await began("wait begins", 3);
      expect(await ana.immediate(to(run, "pause", 7))).toMatchObject(success());
      await shows("paused", run);
      expect(await ana.immediate(to(run, "resume", 7))).toMatchObject(success());
      expect(await running).toMatchObject(success({ waited: 1 }));
      await ana.completeRun("rig", run);
    });

    test("pings are answered, its own and the fleet's", async () => {
      const pong = {
        status: "pong",
        machine_id: "rig",
        ...timeless,
        sdk_version: expect.any(String),
        uptime_seconds: expect.any(Number),
        run_status: "idle",
        tlm_streams: expect.any(Array),
      };
      expect(await ana.ping({ machine: "rig" })).toEqual([expect.objectContaining(pong)]);
      expect(await ana.ping({ payload: " PING\n" })).toEqual([expect.objectContaining(pong)]);
      expect(await ana.ping({ machine: "rig", payload: "hello" })).toEqual([
        { status: "error", machine_id: "rig", message: "expected ping", ...timeless },
      ]);
    });

    test("the catalogue names each command, as a Python reader finds it", async () => {
      const { catalog, commands } = (await ana.kv("MACHINE_COMMANDS", "rig")) as {
        catalog: { name: string; signature: string; doc: string | null; safety: unknown }[];
        commands: string;
      };
      const names = catalog.map(({ name }) => name).sort();
      expect(names).toEqual(["add", "echo", "fail", "noop", "odd", "stubborn", "tell", "wait"]);
      for (const { name, signature } of catalog) expect(commands).toContain(name + signature);
    });

    test("telemetry and events come as they are told", async () => {
      await ana.watch("puda.rig.>");
      const run = newRun();
      const last = await ana.sequence({
        machine: "rig",
        run,
        commands: [{ name: "tell", step: 1 }],
      });
      expect(last).toMatchObject(success());
      const sees = (subject: string) => ana.sees((seen) => seen.subject === `puda.rig.${subject}`);
      expect((await sees("evt.alert")).payload).toEqual({
        ...{ ...timeless, type: "pan.open", severity: "low", pan: 1 },
      });
      expect((await sees("evt.media")).payload).toEqual({
        ...{ ...timeless, media_url: "http://127.0.0.1/pan.png", media_type: "image", pan: 1 },
      });
      const log = await ana.sees(({ payload }) => payload.msg === "the pan is open");
      expect(log).toMatchObject({ subject: "puda.rig.evt.log", payload: { log_level: "INFO" } });
      await ana.sees(({ payload }) => String(payload.msg).includes("tell completed"));
      expect((await sees("tlm.heartbeat")).payload).toEqual(timeless);
      const { temp, ...health } = (await sees("tlm.health")).payload;
      expect(health).toEqual({ ...timeless, cpu: expect.any(Number), mem: expect.any(Number) });
      expect(temp === null || typeof temp === "number").toBe(true);
    });
  });

  describe("puda-comms 0.0.2", () => {
    test("its sequences run without a run of theirs, one after the other", async () => {
      using old = await PythonCommander.start({
        version: "S",
        python: pythonS as string,
        url: url(),
      });
      for (const run of [newRun(), newRun()]) {
        const commands = [
          { name: "echo", step: 1, params: { mark: run } },
          { name: "add", step: 2, params: { a: 41 } },
        ];
        const last = await old.sequence({ machine: "rig", run, commands, timeout: 15 });
        expect(last).toMatchObject({ header: { run_id: run }, ...success({ result: 42 }) });
        expect(machine.effects().at(-1)).toBe(`echo {"mark":"${run}"}`);
      }
      const run = newRun();
      const steps = ["fail", "noop"].map((name, at) => ({ name, step: at + 1 }));
      const last = await old.sequence({ machine: "rig", run, commands: steps, timeout: 15 });
      expect(last).toMatchObject({ command: { step_number: 1 }, ...failure("EXECUTION_ERROR") });
      const next = newRun();
      expect(await old.immediate(to(next, "pause", 0))).toMatchObject(success());
      expect(await old.queue(to(next, "noop", 1))).toMatchObject(failure("MACHINE_PAUSED"));
      expect(await old.immediate(to(next, "resume", 0))).toMatchObject(success());
      const begun = count("wait begins");
      const running = old.queue(to(next, "wait", 2, { seconds: 60 }));
      await began("wait begins", begun + 1);
      expect(await old.immediate(to(next, "cancel", 0))).toMatchObject(success());
      expect(await running).toMatchObject(failure("COMMAND_CANCELLED"));
      await shows("idle", null);
      // A run that somebody starts replaces what was begun without a word.
      expect(await ana.startRun("rig", "theirs")).toMatchObject(success());
      expect(await old.queue(to(newRun(), "noop", 1))).toMatchObject(failure("RUN_ID_MISMATCH"));
      await ana.completeRun("rig", "theirs");
    });
  });

  describe("puda-comms 0.0.14", () => {
    test("a sequence starts its run, gets each answer and completes it", async () => {
      using old = await PythonCommander.start({
        version: "C",
        python: pythonC as string,
        url: url(),
      });
      const commands = [
        { name: "echo", step: 1, params: { mark: "C" } },
        { name: "add", step: 2, params: { a: 1 }, kwargs: { b: 41 } },
      ];
      const last = await old.sequence({ machine: "rig", run: newRun(), commands });
      expect(last).toMatchObject(success({ result: 42 }));
      await shows("idle", null);
    });
  });

  describe("beside Python machines", () => {
    test("W16: an id that a Python machine serves is refused", async () => {
      const peer = { version: "N" as const, python: pythonN as string, url: url() };
      const twin = await startedPython(peer, "twin");
      try {
        const refused = OurMachine.start(url(), "twin");
        expect(refused).rejects.toThrow(/ended: [1-9]/);
        await refused.catch(() => {});
        expect(await ana.startRun("twin", "r")).toMatchObject(success());
      } finally {
        twin.kill("SIGKILL");
        await twin.exited;
      }
    });

    test("W18: what an old machine left behind does not starve the queue", async () => {
      const peer = { version: "S" as const, python: pythonS as string, url: url() };
      const old = await startedPython(peer, "heir");
      old.kill("SIGKILL");
      await old.exited;
      await using _ = await OurMachine.start(url(), "heir");
      const commands = [{ name: "add", step: 1, params: { a: 1 } }];
      const last = await ana.sequence({ machine: "heir", run: "r", commands, timeout: 10 });
      expect(last).toMatchObject(success({ result: 2 }));
    });

    test("W11: killed, it is back at once; terminated, it says that it is offline", async () => {
      await using own = await OurMachine.start(url(), "mortal");
      await own.servant.stop("SIGKILL");
      await own.start();
      expect(await ana.kv("MACHINE_STATE", "mortal")).toMatchObject({ state: "idle" });
      expect(await own.servant.stop()).toBe(0);
      expect(await ana.kv("MACHINE_STATE", "mortal")).toMatchObject({ state: "offline" });
    });

    test("a fleet's ping finds theirs and ours", async () => {
      const peer = { version: "N" as const, python: pythonN as string, url: url() };
      const theirs = await startedPython(peer, "theirs");
      try {
        const ids = (await ana.ping({ count: 2 })).map(({ machine_id }) => machine_id);
        expect(ids.sort()).toEqual(["rig", "theirs"]);
      } finally {
        theirs.kill("SIGKILL");
        await theirs.exited;
      }
    });
  });

  function startedPython(peer: PudaPeer, id: string): Promise<Running> {
    return untilHeartbeat(peer.url, id, () => startPythonMachine(peer, id));
  }

  /** What the queue's consumer has in hand and has yet to take. */
  async function pending(durable: string) {
    const connection = await connect({ servers: url() });
    const manager = await jetstreamManager(connection);
    const info = await manager.consumers.info("COMMAND_QUEUE", durable);
    await connection.close();
    return { unsettled: info.num_ack_pending, waiting: info.num_pending };
  }
});
