// What a machine says beside its answers, and what it says to whoever asks.
import { expect, test } from "bun:test";
import { framed, keyIdOf, sealOf } from "../../../src/wire/puda-seal.ts";
import { Lab, type LabOptions, until } from "../../support/puda-lab.ts";
import { Folder } from "../../support/servant.ts";

async function withLab(options: LabOptions, check: (lab: Lab) => Promise<void>): Promise<void> {
  await using lab = await Lab.open(options);
  if (lab !== undefined) await check(lab);
}

const flat = (text = "") => JSON.parse(text) as Record<string, unknown>;

test("heartbeat and health come every five seconds, telemetry at its own pace, events as they happen", async () => {
  await withLab({}, async (lab) => {
    const heard = await lab.listen("puda.arm.tlm.>", "puda.arm.evt.>");
    const on = (subject: string) => heard.filter((each) => each.subject === subject);
    await lab.now("start");
    await lab.queue("odd", { kind: "false" });
    await until("a heartbeat", () => on("puda.arm.tlm.heartbeat").length > 0);
    await until("its health", () => on("puda.arm.tlm.health").length > 0);
    await until("telemetry", () => on("puda.arm.tlm.stream.angle").length > 0);
    expect(flat(on("puda.arm.tlm.stream.angle")[0]?.text)).toEqual({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      deg: 12,
    });
    const health = flat(on("puda.arm.tlm.health")[0]?.text);
    expect(Object.keys(health)).toEqual(["timestamp", "cpu", "mem", "temp"]);
    expect(health.mem).toBeGreaterThan(0);
    await until(
      "both events",
      () => on("puda.arm.evt.log").length > 0 && on("puda.arm.evt.alert").length > 0,
    );
    expect(flat(on("puda.arm.evt.alert")[0]?.text)).toMatchObject({
      type: "odd",
      severity: "low",
      kind: "false",
    });
    expect(flat(on("puda.arm.evt.log").at(-1)?.text)).toMatchObject({
      log_level: "INFO",
      msg: "Command odd completed",
    });
    const commands = (await lab.value("MACHINE_COMMANDS")) as { catalog: { name: string }[] };
    expect(commands.catalog.map(({ name }) => name).sort()).toEqual([
      "echo",
      "fail",
      "hold",
      "odd",
    ]);
  });
}, 60_000);

test("a ping is answered, its own and the fleet's; anything else is told what was expected", async () => {
  await withLab({}, async (lab) => {
    const asked = (subject: string, text: string) =>
      lab.request<Record<string, unknown>>(subject, text);
    expect(await asked("puda.arm.cmd.ping", " PING\n")).toMatchObject({
      status: "pong",
      machine_id: "arm",
      run_status: "idle",
    });
    const fleet = await asked("puda.cmd.ping", "ping");
    expect(fleet).toMatchObject({
      status: "pong",
      sdk_version: expect.any(String),
      uptime_seconds: expect.any(Number),
    });
    expect(fleet.tlm_streams).toEqual([
      { name: "angle", subject: "puda.arm.tlm.stream.angle", interval: 0.2, description: null },
    ]);
    expect(await asked("puda.arm.cmd.ping", "hello")).toMatchObject({
      status: "error",
      message: "expected ping",
    });
  });
}, 60_000);

test("W25: an update is refused, whoever asks", async () => {
  await withLab({}, async (lab) => {
    const heard = await lab.listen("puda.arm.update.response");
    const params = { source_type: "git", ref: "https://example.com/evil.git" };
    lab.connection.publish("puda.arm.update", lab.text("update", 1, { params }));
    await until("its answer", () => heard.length === 1);
    expect(flat(heard[0]?.text)).toMatchObject({
      response: { status: "error", code: "UNKNOWN_COMMAND" },
    });
  });
}, 60_000);

test("W11: the state says offline after a stop", async () => {
  await withLab({}, async (lab) => {
    await lab.now("start");
    expect(await lab.machine.servant.stop()).toBe(0);
    expect(await lab.value()).toMatchObject({ state: "offline", run_id: null });
    expect(await lab.value("MACHINE_LEASE")).toBeUndefined();
  });
}, 60_000);

test("with a lab's key every payload is sealed, and what is not is refused", async () => {
  using folder = new Folder();
  const key = Uint8Array.from({ length: 32 }, (_, at) => at);
  const file = `${folder.path}/lab.key`;
  const text = `encrypt=${Buffer.from(key).toString("base64")}\n`;
  await Bun.write(file, text);
  const seal = sealOf(text);
  await withLab({ args: ["--payload-key", file], commands: "nobody" }, async (lab) => {
    const heard: { subject: string; data: Uint8Array }[] = [];
    for (const subject of ["puda.arm.>", "$KV.MACHINE_STATE.arm"]) {
      lab.connection.subscribe(subject, {
        callback: (_, { subject: on, data }) => {
          heard.push({ subject: on, data });
        },
      });
    }
    const send = (way: string, json: string) => {
      const subject = `puda.arm.cmd.${way}`;
      const nonce = crypto.getRandomValues(new Uint8Array(12));
      lab.connection.publish(subject, framed(key, keyIdOf(key), subject, json, nonce));
    };
    const answers = (way: string) =>
      heard.filter((each) => each.subject === `puda.arm.cmd.response.${way}`);
    send("immediate", lab.text("start", 0));
    await until("its run has begun", () => answers("immediate").length > 0);
    send("queue", lab.text("echo", 1, { params: { a: 1 } }));
    lab.connection.publish("puda.arm.cmd.queue", lab.text("echo", 2));
    const subject = "puda.arm.cmd.response.queue";
    await until("an answer", () => answers("queue").length > 0);
    const opened = new TextDecoder().decode(
      seal.open(subject, answers("queue")[0]?.data as Uint8Array),
    );
    expect(JSON.parse(opened)).toMatchObject({ response: { status: "success", data: { a: 1 } } });
    await until("the plain one is refused", () =>
      heard.some((each) => each.subject.endsWith("alert")),
    );
    for (const each of heard.filter((one) => !one.subject.includes(".cmd.queue"))) {
      expect([...each.data.subarray(0, 2)]).toEqual([0xe2, 0x01]);
    }
    const reply = await lab.connection.request(
      "puda.arm.cmd.ping",
      seal.close("puda.arm.cmd.ping", "ping"),
    );
    const pong = new TextDecoder().decode(seal.open(reply.subject, reply.data));
    expect(JSON.parse(pong)).toMatchObject({ e2e_encrypt_kid: "630dcd29" });
    expect(lab.effects()).toHaveLength(1);
  });
}, 60_000);
