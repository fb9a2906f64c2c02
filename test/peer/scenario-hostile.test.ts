// Goal: whatever a scenario's client sends, or its handlers do, is answered or closed as the protocol's
// page says; the server goes on, and no other client waits for it. Method: beside each case a client of
// its own process keeps updating an action that runs; pyzmq, and bytes where pyzmq would not send them.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { percentile } from "../../bench/processes.ts";
import { encodeMessage } from "../../src/adapters/zmtp/frames.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { encodeMap } from "../../src/wire/scenario-msgpack.ts";
import { hex, RawZmtp } from "../support/raw-zmtp.ts";
import { type Remote, ScenarioClient } from "../support/scenario-client.ts";
import { ServedProbe } from "../support/scenario-server.ts";
import { zmqPython } from "../support/zmq-python.ts";

const found = await zmqPython();
const python = found ?? "";

const LEASE_S = 2;
/** What the server promises; a machine that does other work, too, is late now and then by itself. */
const PROMPT_MS = 50;
const ON_TIME_SHARE = 0.95;
/** Less than anything here blocks for, and less than a stock client's patience. */
const WORST_MS = 1_000;

const MIB = 1024 * 1024;
const OK = "81a6737461747573a26f6b";
const anId = "57312a6d-da83-4554-9559-4e7cfcebb3bf";
const packed = (map: JsonObject) => Buffer.from(encodeMap(map)).toString("hex");
const asked = (cmd: string, payload: JsonObject) => packed({ cmd, payload });
const heartbeat = asked("heartbeat", {});

describe.skipIf(found === undefined)("what a client must not do", () => {
  let served: ServedProbe;
  let client: ScenarioClient;
  let bystanders: ScenarioClient;
  let bystander: Remote;
  let silent: RawZmtp;
  const tookMs: number[] = [];

  beforeAll(async () => {
    served = await ServedProbe.start({
      args: ["--lease", String(LEASE_S), "--max-assignment", String(MIB)],
    });
    client = new ScenarioClient(python);
    bystanders = new ScenarioClient(python);
    silent = await RawZmtp.connect(served.tcp);
    bystander = await bystanders.begun(served.ipc, "probe.wait", { mark: "bystander" });
    await bystander.watch(0.01);
  });
  afterAll(async () => {
    client?.[Symbol.dispose]();
    bystanders?.[Symbol.dispose]();
    silent?.[Symbol.dispose]();
    await served?.[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    await bystander.told();
  });
  afterEach(async () => {
    const { updates, beats } = await bystander.heard();
    expect([...new Set(updates.map(([status]) => status))]).toEqual(["running"]);
    expect(beats.late).toBe(0);
    const ms = updates.map(([, each]) => each);
    expect(Math.max(...ms)).toBeLessThan(WORST_MS);
    tookMs.push(...ms);
  });

  const open = (key: string, id?: string) => client.open(served.tcp, key, id);
  /** The text of an error, which is what it must be. */
  const refusal = async (remote: Remote, ...frames: string[]) => {
    const { says, ms } = await remote.send(...frames);
    expect(says.status).toBe("error");
    tookMs.push(ms);
    return says.message;
  };

  describe("bodies that are no request", () => {
    let remote: Remote;
    beforeAll(async () => {
      remote = await open("probe.ok");
    });
    afterEach(async () => {
      // The connection that sent it goes on, too.
      expect((await remote.send(heartbeat)).hex).toBe(OK);
    });

    test.each<[string, string[], RegExp]>([
      ["two parts", [heartbeat, heartbeat], /2 parts/],
      ["64 parts and more", Array(60).fill(heartbeat), /60 parts/],
      ["a part that is empty", [""], /./],
      ["no msgpack", ["c1"], /./],
      ["text", [Buffer.from("GET / HTTP/1.1").toString("hex")], /./],
      ["half a map", [heartbeat.slice(0, -2)], /./],
      ["two values in one body", [heartbeat + heartbeat], /follow/],
      ["a list", ["93010203"], /no map/],
      ["nil", ["c0"], /no map/],
      ["an integer as a key", ["8101a161"], /key/],
      ["text that is no UTF-8", ["81a3636d64a2fffe"], /UTF-8/],
      ["bytes as a key", ["81c403636d64a6757064617465"], /bytes/],
      ["an extension", ["81a3636d64d60100000000"], /extension/],
      ["a timestamp", ["81a3636d64d6ff00000000"], /extension/],
      ["an array of four thousand million", ["81a3636d64ddffffffff"], /./],
      ["an unknown command", [asked("reset_all", {})], /Unknown command: 'reset_all'/],
      ["a command of a prototype", [asked("constructor", {})], /Unknown command/],
      ["no command", ["80"], /Unknown command: ''/],
      ["a command that is no text", ["81a3636d6407"], /Unknown command/],
      ["nil as its payload", ["82a3636d64a6757064617465a77061796c6f6164c0"], /payload/],
      ["no id", [asked("update", {})], /action_id/],
      ["an id that is no text", [asked("update", { action_id: 7 })], /action_id/],
      ["an endless id", [asked("update", { action_id: "x".repeat(100_000) })], /action_id/],
      ["init without a plugin", [asked("init", { action_id: anId })], /plugin_key/],
      ["execute without an id", [asked("execute", { exec_args: {} })], /action_id/],
      ["a list of arguments", [asked("execute", { action_id: anId, exec_args: [] })], /exec_args/],
    ])("%s: an error, and the next request is answered", async (_, frames, message) => {
      expect(await refusal(remote, ...frames)).toMatch(message);
    });

    test("a thousand levels of nesting: an error", async () => {
      const nested = `82a3636d64a6757064617465a77061796c6f616481a161${"91".repeat(1_000)}c0`;
      expect(await refusal(remote, nested)).toMatch(/deep/);
    });
  });

  describe("streams that are not ZMTP", () => {
    test.each<[string, Uint8Array]>([
      ["HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
      ["noise", Buffer.alloc(4_096, 0x7b)],
    ])("%s: closed", async (_, bytes) => {
      using raw = await RawZmtp.connect(served.tcp);
      raw.send(bytes);
      await raw.closed();
    });

    test.each([
      ["a frame of 2^63 bytes", "0100 02ffffffffffffffff"],
      ["a frame of 16 MiB and one", "0100 020000000001000001"],
      ["a command of 16 MiB", "06 0000000001000000"],
      ["flags that nobody knows", "f8 00"],
      ["a request without an envelope", `00 18 ${heartbeat}`],
    ])("%s: closed", async (_, bytes) => {
      using raw = await RawZmtp.ready(served.tcp);
      raw.send(hex(bytes));
      await raw.closed();
    });

    test("megabytes that are a request: taken; more than an assignment may have: told", async () => {
      using raw = await RawZmtp.ready(served.tcp);
      const ask = async (cmd: string, payload: JsonObject) => {
        const body = encodeMap({ cmd, payload });
        raw.send(encodeMessage([new Uint8Array()], [body]));
        const [, , flags, size = 0] = await raw.take(4);
        expect(flags).toBe(0);
        return (await raw.take(size)).toString("latin1");
      };
      const action = { action_id: "big" };
      await ask("init", { ...action, plugin_key: "rover.probe_drive" });
      const execute = async (mib: number) => {
        const exec_args = { text: "x".repeat(mib * MIB) };
        expect(await ask("execute", { ...action, exec_args })).toContain("ok");
      };
      await execute(0.9);
      while ((await ask("update", action)).includes("running")) await Bun.sleep(5);
      expect(await ask("update", action)).toContain("success");
      await execute(7);
      expect(await ask("update", action)).toMatch(/error.*bytes/s);
    });
  });

  describe("requests at the wrong time", () => {
    test("an unknown plugin: init says so, and the id stays unknown", async () => {
      const remote = await open("nope");
      expect((await remote.init()).says.message).toContain("'nope'");
      expect((await remote.execute()).says.message).toContain(remote.id);
      await remote.close();
    });

    test("setup, execute, update and terminate of an id that nobody made: errors", async () => {
      const remote = await open("probe.ok");
      for (const ask of [remote.setup, remote.execute, remote.update, remote.terminate]) {
        const { says, ms } = await ask();
        expect(says).toEqual({ status: "error", message: expect.stringContaining(remote.id) });
        tookMs.push(ms);
      }
      expect((await remote.reset()).hex).toBe(OK);
      await remote.close();
    });

    test("update and terminate before execute: a failure, and nothing begins", async () => {
      const remote = await open("probe.ok");
      await remote.init();
      expect((await remote.update()).says).toEqual({ status: "ok", action_status: "failure" });
      expect((await remote.terminate()).hex).toBe(OK);
      expect((await remote.update()).says.action_status).toBe("failure");
      expect((await remote.execute({ mark: "after all" })).hex).toBe(OK);
      expect(await remote.ended()).toEqual({ status: "ok", action_status: "success" });
      await remote.close();
    });

    test("missing and wrong arguments: execute is fine, update says which", async () => {
      const remote = await open("run_process");
      await remote.init();
      for (const args of [{}, { command: 7, shutdown_signal: ["sigfoo", 15] }]) {
        expect((await remote.execute(args)).hex).toBe(OK);
        const says = await remote.ended();
        expect(says).toEqual({ status: "error", message: expect.stringContaining("command") });
        expect((await remote.terminate("FAILURE")).hex).toBe(OK);
      }
      await remote.close();
    });

    test("an id used again on one connection: the older one stops", async () => {
      const remote = await client.begun(served.tcp, "probe.wait", { mark: "older" });
      await served.left("wait older");
      expect((await remote.init()).hex).toBe(OK);
      await served.left("stopped older");
      expect((await remote.update()).says.action_status).toBe("failure");
      await remote.close();
    });

    test("an id of another connection: unknown, and the same id twice is two actions", async () => {
      const mine = await client.begun(served.tcp, "probe.wait", { mark: "mine" });
      const thief = await client.open(served.ipc, "probe.ok", mine.id);
      for (const ask of [thief.update, thief.terminate, thief.execute]) {
        expect((await ask()).says.status).toBe("error");
      }
      await thief.reset();
      await thief.init();
      expect((await thief.send(asked("reset", {}))).hex).toBe(OK);
      expect((await thief.update()).says.status).toBe("error");
      expect((await mine.update()).says.action_status).toBe("running");
      await thief.close();
      expect((await mine.update()).says.action_status).toBe("running");
      await mine.close();
    });

    test("execute while it runs: the first is called off, and the second's end counts", async () => {
      const remote = await client.begun(served.tcp, "probe.wait", { mark: "first" });
      await served.left("wait first");
      expect((await remote.execute({ mark: "second", seconds: 0.05 })).hex).toBe(OK);
      await served.left("stopped first");
      expect(await remote.ended()).toEqual({ status: "ok", action_status: "success" });
      expect(served.effects()).toContain("waited second");
      await remote.close();
    });
  });

  describe("handlers that misbehave", () => {
    test("one that goes on after it was called off: its next round waits for its end", async () => {
      const remote = await client.begun(served.tcp, "probe.stubborn", { mark: "s1", seconds: 0.5 });
      await served.left("stubborn s1");
      const { ms } = await remote.terminate();
      tookMs.push(ms);
      expect((await remote.execute({ mark: "s2", seconds: 0 })).hex).toBe(OK);
      expect((await remote.update()).says.action_status).toBe("running");
      expect(await remote.ended()).toEqual({ status: "ok", action_status: "success" });
      const of = (line: string) => served.effects().indexOf(line);
      expect(of("stubborn s2")).toBeGreaterThan(of("gave in s1"));
      await remote.close();
    });

    test("one that blocks its event loop: everybody is answered", async () => {
      const remote = await client.begun(served.tcp, "probe.block", { mark: "b", seconds: 1.5 });
      await served.left("block b");
      let blocked = 0;
      while (!served.effects().includes("unblocked b")) {
        const { says, ms } = await remote.update();
        if (says.action_status === "running") blocked += 1;
        tookMs.push(ms);
        await Bun.sleep(10);
      }
      expect(blocked).toBeGreaterThan(20);
      expect(await remote.ended()).toEqual({ status: "ok", action_status: "success" });
      await remote.close();
    });
  });

  describe("clients that fail", () => {
    test("one that is killed in the middle: its handler is told to stop at once", async () => {
      using victim = new ScenarioClient(python);
      await victim.begun(served.tcp, "probe.wait", { mark: "victim" });
      await served.left("wait victim");
      const killedAtMs = performance.now();
      await victim.kill();
      await served.left("stopped victim");
      expect(performance.now() - killedAtMs).toBeLessThan(WORST_MS);
    });

    test("one that stands still past its lease: called off, and told so when it goes on", async () => {
      using victim = new ScenarioClient(python);
      const remote = await victim.begun(served.ipc, "probe.wait", { mark: "still" });
      await served.left("wait still");
      victim.signal("SIGSTOP");
      await served.left("stopped still");
      victim.signal("SIGCONT");
      const { says } = await remote.update();
      expect(says).toEqual({ status: "error", message: expect.stringContaining("said nothing") });
      expect((await remote.execute({ seconds: 0 })).hex).toBe(OK);
      expect(await remote.ended()).toEqual({ status: "ok", action_status: "success" });
    });

    test("one that connects and says nothing: closed in time", async () => {
      await silent.closed();
    });
  });

  test(`in all of it answers came within ${PROMPT_MS} ms`, () => {
    expect(tookMs.length).toBeGreaterThan(100);
    expect(percentile(tookMs, ON_TIME_SHARE)).toBeLessThan(PROMPT_MS);
  });
});
