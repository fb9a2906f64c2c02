// Goal: a stock client of scenario-execution cannot tell `agent serve` from the reference server, only that
// it is never late. Method: pyzmq and msgpack of PyPI do what its remote modifier does, against the compiled
// program; what was captured between the two is sent again, and the answers are compared byte by byte.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import captured from "../fixtures/scenario/captures.json" with { type: "json" };
import { GREETING, hex, RawZmtp, READY_REQ } from "../support/raw-zmtp.ts";
import { type Remote, ScenarioClient } from "../support/scenario-client.ts";
import { ServedProbe } from "../support/scenario-server.ts";
import { zmqPython } from "../support/zmq-python.ts";

const found = await zmqPython();
const python = found ?? "";

const answers = new Map(captured.answers.map(({ name, hex: bytes }) => [name, bytes]));
const bytesOf = (name: string) => answers.get(name) ?? `no capture "${name}"`;
const OK = bytesOf("ok");
const RUNNING = bytesOf("update: running");
const SUCCESS = bytesOf("update: success");
const FAILURE = bytesOf("update: failure");
const RAISED = bytesOf('error "probe raised"');
const recorded = (name: string) => captured.requests.find((each) => each.name === name)?.hex ?? "";
/** Of every block of the captures but one. */
const CAPTURED_ID = "57312a6d-da83-4554-9559-4e7cfcebb3bf";

describe.skipIf(found === undefined)("a stock client", () => {
  let served: ServedProbe;
  let client: ScenarioClient;
  beforeAll(async () => {
    served = await ServedProbe.start();
    client = new ScenarioClient(python);
  });
  afterAll(async () => {
    client?.[Symbol.dispose]();
    await served?.[Symbol.asyncDispose]();
  });

  /** What the last update says in bytes. */
  async function lastOf(remote: Remote): Promise<string> {
    for (;;) {
      const { hex: bytes } = await remote.update();
      if (bytes !== RUNNING) return bytes;
      await Bun.sleep(5);
    }
  }

  describe.each(["tcp", "ipc"] as const)("over %s", (transport) => {
    test.each([
      ["probe.ok", SUCCESS, "SUCCESS"],
      ["probe.fail", FAILURE, "FAILURE"],
      ["probe.throw", RAISED, "FAILURE"],
    ])("%s, from init to reset, and a second round in between", async (key, end, status) => {
      const remote = await client.open(served[transport], key);
      expect((await remote.init()).hex).toBe(OK);
      expect((await remote.setup()).hex).toBe(OK);
      for (const mark of [`${transport} 1`, `${transport} 2`]) {
        expect((await remote.execute({ mark })).hex).toBe(OK);
        expect(await lastOf(remote)).toBe(end);
        expect((await remote.terminate(status)).hex).toBe(OK);
        expect(served.effects()).toContain(`${key.slice("probe.".length)} ${mark}`);
      }
      expect((await remote.heartbeat()).hex).toBe(OK);
      expect((await remote.reset()).hex).toBe(OK);
      expect((await remote.update()).says).toEqual({
        status: "error",
        message: expect.stringContaining(remote.id),
      });
      await remote.close();
    });

    test("an action that is abandoned is told to stop, and begins anew", async () => {
      const remote = await client.begun(served[transport], "probe.wait", {
        mark: `left ${transport}`,
      });
      await served.left(`wait left ${transport}`);
      expect((await remote.update()).hex).toBe(RUNNING);
      expect((await remote.terminate("INVALID")).hex).toBe(OK);
      await served.left(`stopped left ${transport}`);
      expect((await remote.update()).says).toMatchObject({ status: "error" });
      expect((await remote.execute({ mark: `again ${transport}`, seconds: 0.05 })).hex).toBe(OK);
      expect(await lastOf(remote)).toBe(SUCCESS);
      await remote.close();
    });

    test("a client that ends without a word leaves nothing running", async () => {
      const mark = `unsaid ${transport}`;
      const remote = await client.begun(served[transport], "probe.wait", { mark });
      await served.left(`wait ${mark}`);
      await remote.close();
      await served.left(`stopped ${mark}`);
    });

    test("every captured request is answered as it was, byte by byte", async () => {
      // The captures hold no init for the second block, and none for the third.
      const second = await client.open(
        served[transport],
        "rover.probe_drive",
        "d75b568c-2455-4f48-a1d3-41245335d87f",
      );
      await second.init();
      await second.setup();
      const first = await client.open(served[transport], "run_process", CAPTURED_ID);
      for (const { name, says, hex: bytes } of captured.requests) {
        const isSecond = says.actionId === second.id;
        const { hex: answer } = await (isSecond ? second : first).send(bytes);
        if (name !== "update") expect([name, answer]).toEqual([name, OK]);
        else {
          expect([RUNNING, SUCCESS]).toContain(answer);
          expect(await lastOf(first)).toBe(SUCCESS);
        }
      }
      await served.left(
        'run {"command":"hostname","wait_for_shutdown":true,"shutdown_signal":"sigterm","shutdown_timeout":10}',
      );
      expect(await lastOf(second)).toBe(SUCCESS);
      const at = { x: 1, y: 0.2, z: 0 };
      const point = { label: "p2", at: { x: 0, y: 0, z: 0 }, speed: 10.000000007999999 };
      const kinds = {
        ...{ text: "café", count: -5, ratio: 2.5, flag: true, distance: 3000, turn: 1.5707963268 },
        ...{ wait_time: 0.25, mode: "fast", names: ["a", "b"] },
        ...{ goal: { label: "home", at, speed: 0.5 }, path: [point] },
      };
      expect(served.effects()).toContain(`drive ${JSON.stringify(kinds)}`);
      await first.close();
      await second.close();
    });
  });

  test("its heartbeat comes every second, before an action and after it", async () => {
    const remote = await client.open(served.tcp, "probe.ok");
    await remote.init();
    await remote.setup();
    await Bun.sleep(2_300);
    expect((await remote.told()).beats).toEqual({ answered: 2, late: 0 });
    await remote.close();
  });

  test("the handshake and a heartbeat, byte by byte", async () => {
    using raw = await RawZmtp.connect(served.tcp);
    const signature = GREETING.subarray(0, 10); // what libzmq sends before it has heard anything
    raw.send(signature);
    expect((await raw.take(64)).toHex()).toBe(Buffer.from(GREETING).toHex());
    raw.send(GREETING.subarray(10), READY_REQ, hex(`01 00 00 18 ${recorded("heartbeat")}`));
    expect((await raw.take(27)).toHex()).toBe(
      "04190552454144590b536f636b65742d5479706500000003524550",
    );
    expect((await raw.take(15)).toHex()).toBe(`0100000b${OK}`);
    // The long header, and the envelope of a peer that correlates.
    const kinds = recorded("execute with every kind of value");
    const size = (kinds.length / 2).toString(16).padStart(16, "0");
    raw.send(hex(`01 04 deadbeef 01 00 02 ${size} ${kinds}`));
    expect((await raw.take(9)).toHex()).toMatch(/^0104deadbeef01000/);
  });

  test("a server that comes back has forgotten the action, and serves the next", async () => {
    const first = await ServedProbe.start();
    const tcp = first.tcp;
    const remote = await client.begun(tcp, "probe.wait", { mark: "before" });
    await first[Symbol.asyncDispose]();
    await using _second = await ServedProbe.start({ tcp });
    expect((await remote.update()).says).toMatchObject({ status: "error" });
    expect((await remote.terminate("FAILURE")).says).toMatchObject({ status: "error" });
    expect((await remote.init()).hex).toBe(OK);
    expect((await remote.execute({ seconds: 0 })).hex).toBe(OK);
    expect(await lastOf(remote)).toBe(SUCCESS);
    await remote.close();
  });

  test("init waits for a plugin that is slow to set up; heartbeats do not", async () => {
    await using slow = await ServedProbe.start({ env: { PROBE_SETUP_MS: "1500" } });
    using other = new ScenarioClient(python);
    const beating = await other.open(slow.tcp, "probe.ok");
    const remote = await client.open(slow.ipc, "probe.ok");
    const init = remote.init();
    while (!slow.effects().includes("set up")) {
      expect((await beating.heartbeat()).hex).toBe(OK);
      await Bun.sleep(50);
    }
    const { ms, hex: answer } = await init;
    expect(answer).toBe(OK);
    expect(ms).toBeGreaterThan(500);
    expect((await remote.setup()).hex).toBe(OK);
    await remote.close();
  });
});
