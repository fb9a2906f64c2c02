// Goal: our commander drives the machines that laboratories have. Method: CommandService of
// `servant-agent/puda`, and the compiled `agent puda`, against
// real machines of puda 0.0.21 (N) and of puda-comms 0.0.2 (S) and 0.0.14 (C) over a real server.
// W-numbers are the faults' in docs/puda-faults.md.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommandService, type Notice, type Seen } from "../../src/puda/index.ts";
import { agent } from "../support/binary.ts";
import { natsServer, RunningNats } from "../support/nats.ts";
import {
  PUDA_VERSIONS,
  type PudaVersion,
  pudaPython,
  startPythonMachine,
} from "../support/puda-peers.ts";
import { untilHeartbeat } from "../support/puda-scene.ts";
import type { Running } from "../support/running.ts";
import { Folder } from "../support/servant.ts";

const program = await natsServer();
const pythons = Object.fromEntries(
  await Promise.all(PUDA_VERSIONS.map(async (each) => [each, await pudaPython(each)])),
) as Record<PudaVersion, string | undefined>;
const isMissing = program === undefined || Object.values(pythons).includes(undefined);

describe.skipIf(isMissing)("our commander, with Python machines", () => {
  let server: RunningNats;
  let service: CommandService;
  const notices: Notice[] = [];
  const machines: Record<string, Running> = {};

  beforeAll(async () => {
    server = await RunningNats.start(program as string);
    for (const version of PUDA_VERSIONS) {
      const peer = { version, python: pythons[version] as string, url: server.url };
      const id = version.toLowerCase();
      machines[id] = await untilHeartbeat(server.url, id, () => startPythonMachine(peer, id));
    }
    const onNotice = (notice: Notice) => notices.push(notice);
    service = await CommandService.connect({ servers: [server.url], onNotice });
  }, 60_000);
  afterAll(async () => {
    await service?.close();
    for (const machine of Object.values(machines)) {
      machine.kill("SIGKILL");
      await machine.exited;
    }
    await server?.[Symbol.asyncDispose]();
  });

  describe.each(["n", "c", "s"])("machine %s", (machine) => {
    test("a batch runs to its end and is completed", async () => {
      const batch = [
        { machine, name: "echo", params: { a: 1, b: [1, { c: null }] } },
        { machine, name: "add", params: { a: 1, b: 2 } },
        { machine, name: "noop" },
      ];
      for (let times = 0; times < 2; times += 1) {
        const { isSuccess, notCompleted, steps } = await service.sendQueueCommands(batch);
        expect(steps.map(({ answer }) => answer?.data)).toEqual([
          batch[0]?.params,
          { result: 3 },
          null,
        ]);
        expect({ isSuccess, notCompleted }).toEqual({ isSuccess: true, notCompleted: {} });
      }
    });

    test("a batch stops at its first failure, and the next one can start", async () => {
      const steps = ["noop", "fail", "noop"].map((name) => ({ machine, name }));
      const failed = await service.sendQueueCommands(steps);
      expect(failed).toMatchObject({ isSuccess: false, total: 3, notCompleted: {} });
      expect(failed.steps).toHaveLength(2);
      expect(failed.steps[1]?.answer).toMatchObject({
        code: "EXECUTION_ERROR",
        message: "on purpose",
      });
      const next = await service.sendQueueCommands([{ machine, name: "noop" }]);
      expect(next.isSuccess).toBe(true);
    });

    test("W19: a pause of the running command's step loses nobody's answer", async () => {
      const runId = await service.startRun([machine]);
      const running = service.sendQueueCommand({
        ...{ machine, name: "wait", params: { seconds: 1 }, runId, step: 1 },
      });
      await machines[machine]?.until(/waits 1$/m);
      const again = { machine, name: "noop", runId, step: 1 };
      await expect(service.sendQueueCommand(again)).rejects.toThrow(/step 1/);
      const pause = await service.sendImmediateCommand({ machine, name: "pause", runId, step: 1 });
      expect(pause.isSuccess).toBe(true);
      expect(await running).toMatchObject({ isSuccess: true, data: { waited: 1 } });
      const refused = await service.sendQueueCommand({ machine, name: "noop", runId, step: 2 });
      expect(refused).toMatchObject({ isSuccess: false, code: "MACHINE_PAUSED" });
      const resume = await service.sendImmediateCommand({
        machine,
        name: "resume",
        runId,
        step: 1,
      });
      expect(resume.isSuccess).toBe(true);
      expect(await service.completeRun(runId)).toEqual({});
    });

    test("W21: after a time-out its run is completed", async () => {
      const slow = [{ machine, name: "wait", params: { seconds: 1 } }];
      const { isSuccess, notCompleted, steps } = await service.sendQueueCommands(slow, {
        timeoutMs: 400,
      });
      expect({ isSuccess, notCompleted }).toEqual({ isSuccess: false, notCompleted: {} });
      expect(steps[0]?.failure?.code).toBe("command.unanswered");
      const next = await service.sendQueueCommands([{ machine, name: "noop" }]);
      expect(next.isSuccess).toBe(true);
    });
  });

  test("W20: a round trip waits for the machine alone", async () => {
    const runId = await service.startRun(["n"]);
    const startedAtMs = performance.now();
    for (let step = 1; step <= 20; step += 1) {
      await service.sendQueueCommand({ machine: "n", name: "noop", runId, step });
    }
    // Theirs sleeps 100 ms after each answer: 2 s.
    expect(performance.now() - startedAtMs).toBeLessThan(1_500);
    await service.completeRun(runId);
  });

  test("machines of three generations share one batch", async () => {
    const batch = ["s", "n", "c", "n"].map((machine) => ({
      machine,
      name: "add",
      params: { a: 1 },
    }));
    const { isSuccess, notCompleted, steps } = await service.sendQueueCommands(batch);
    expect(steps.map(({ answer }) => answer?.data)).toEqual(batch.map(() => ({ result: 2 })));
    expect({ isSuccess, notCompleted }).toEqual({ isSuccess: true, notCompleted: {} });
  });

  test("watch shows states, telemetry and events of each; a ping finds the one that answers", async () => {
    const wanted = new Set([
      "state n",
      "state s",
      "telemetry n weight",
      "telemetry c heartbeat",
      "event n log",
    ]);
    const over = new AbortController();
    const watching = (async () => {
      for await (const seen of service.watch({ signal: over.signal })) {
        wanted.delete(described(seen));
        wanted.delete(`${seen.kind} ${seen.machine}`);
        if (wanted.size === 0) over.abort();
      }
    })();
    await service.sendQueueCommands([{ machine: "n", name: "noop" }]);
    await watching;
    expect(wanted.size).toBe(0);
    const fleet = await service.pingFleet({ timeoutMs: 1_500 });
    expect(fleet.map(({ pong }) => pong.machine_id)).toEqual(["n"]);
    expect((await service.ping("n")).pong).toMatchObject({
      sdk_version: "0.0.21",
      run_status: "idle",
    });
  });

  test("agent puda sends, runs a batch and pings", async () => {
    using folder = new Folder();
    const file = join(folder.path, "batch.json");
    const commands = ["n", "c", "s"].map((machine_id, at) => ({
      ...{ machine_id, name: "add", params: { a: 2 }, step_number: at + 1 },
    }));
    writeFileSync(file, JSON.stringify({ commands }));
    const puda = (...args: string[]) =>
      agent(["puda", ...args], { env: { NATS_SERVERS: server.url } });
    for (const machine of ["n", "c", "s"]) {
      const sent = await puda("send", machine, "add", "a=1", "b=41");
      expect(sent).toMatchObject({ code: 0, stdout: expect.stringContaining("42") });
    }
    expect(await puda("run", file)).toMatchObject({ code: 0 });
    expect((await puda("send", "n", "fail")).code).not.toBe(0);
    expect(await puda("ping")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("0.0.21"),
    });
  });
});

const described = ({ kind, machine, ...rest }: Seen) =>
  `${kind} ${machine} ${"name" in rest ? rest.name : ""}`;
