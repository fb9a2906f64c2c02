// Commands of the queue against our machine, as bytes on the wire.
import { expect, test } from "bun:test";
import { Lab, type LabOptions, until } from "../../support/puda-lab.ts";

async function withLab(options: LabOptions, check: (lab: Lab) => Promise<void>): Promise<void> {
  await using lab = await Lab.open(options);
  if (lab !== undefined) await check(lab);
}

test("a command runs within its run, its answer echoes it field for field", async () => {
  await withLab({}, async (lab) => {
    expect((await lab.queue("echo")).response).toMatchObject({ code: "RUN_ID_MISMATCH" });
    expect((await lab.now("start")).response.status).toBe("success");
    const params = { a: 1, b: [1, { c: null }] };
    const { command, header, response } = await lab.queue("echo", params);
    expect(response).toMatchObject({ status: "success", code: null, message: null, data: params });
    const who = { user_id: "u-1", username: "ana", machine_id: "arm", run_id: "r" };
    expect(header).toMatchObject({ ...who, message_type: "response" });
    expect(command).toMatchObject({ name: "echo", params, kwargs: {}, step_number: 3 });
    const text = JSON.parse(lab.text("echo", 99)) as { command: object };
    const more = { ...text, command: { ...text.command, kwargs: { a: 2 }, more: "kept" } };
    lab.commander.publish("queue", JSON.stringify(more));
    const echoed = await lab.commander.response((each) => each.command.step_number === 99);
    expect(echoed.command).toMatchObject({ more: "kept" });
    expect(echoed.response.data).toEqual({ a: 2 });
    const typo = { code: "UNKNOWN_COMMAND", message: 'Unknown command: ecoh; nearest is "echo"' };
    expect((await lab.queue("ecoh")).response).toMatchObject(typo);
    expect((await lab.queue("echo")).response).toMatchObject({ code: "RUN_ID_MISMATCH" }); // it failed
    await lab.untilSettled();
  });
}, 60_000);

test("S: a commander of the first generation needs no start, and its echo has no member that it did not send", async () => {
  await withLab({ writer: "S" }, async (lab) => {
    const first = await lab.queue("echo", { a: 1 });
    expect(first.response).toMatchObject({ status: "success", data: { a: 1 } });
    expect(Object.keys(first.header).sort()).toEqual([
      "machine_id",
      "message_type",
      "run_id",
      "timestamp",
      "version",
    ]);
    const other = await lab.send("queue", { name: "echo", run: "r2" }); // gives way
    expect(other.response.status).toBe("success");
    await lab.now("cancel", "r2");
    const late = await lab.send("queue", { name: "echo", run: "r2" });
    expect(late.response).toMatchObject({
      code: "COMMAND_CANCELLED",
      message: "Command cancelled",
    });
  });
}, 60_000);

test("W1: what was refused while paused is settled and never runs later", async () => {
  await withLab({}, async (lab) => {
    await lab.now("start");
    await lab.now("pause");
    await lab.untilState("paused");
    expect((await lab.queue("echo", { n: 1 })).response.code).toBe("MACHINE_PAUSED");
    await lab.untilSettled();
    await lab.now("resume");
    expect((await lab.queue("echo", { n: 1 })).response.status).toBe("success");
    expect(lab.effects().filter((each) => each.startsWith("echo"))).toHaveLength(1);
    await lab.untilSettled();
  });
}, 60_000);

test("W6: a result that cannot be written or is larger than the server takes is answered as an error", async () => {
  await withLab({ server: { maxPayload: 100_000 } }, async (lab) => {
    for (const [kind, bytes] of [
      ["bigint", 0],
      ["cycle", 0],
      ["large", 5_000_000],
      ["large", 120_000],
    ] as const) {
      await lab.now("start");
      const { response } = await lab.queue("odd", { kind, bytes });
      expect(response).toMatchObject({ status: "error", code: "EXECUTION_ERROR" });
      expect(response.message).toMatch(/BigInt|bigint|circular|cyclic|too large|characters/i);
    }
    await lab.now("start");
    expect((await lab.queue("odd", { kind: "false" })).response).toMatchObject({
      status: "success",
      data: { result: false },
    });
    expect((await lab.queue("odd", { kind: "nan" })).response.data).toEqual({ n: null });
  });
}, 60_000);

test("W7, W5: malformed commands of all kinds are settled once, answered where run and step can be read", async () => {
  await withLab({}, async (lab) => {
    const alerts = await lab.listen("puda.arm.evt.alert");
    await lab.now("start");
    const sound = lab.text("echo", 50);
    const readable = [
      sound.slice(0, -3),
      sound.replace('"params":{}', '"params":[]'),
      sound.replace('"name":"echo"', '"name":7'),
      sound.replace('"params":{}', '"params":{"n":1e999}'),
    ];
    for (const [nth, text] of readable.entries()) {
      lab.commander.publish("queue", text);
      await until(
        "its answer",
        () => lab.codes.filter((each) => each.includes("DECODE")).length > nth,
      );
    }
    const mute = [
      "",
      "no json",
      "[]",
      "null",
      "{}",
      '{"header":{}}',
      "\u0000",
      new Uint8Array([0xe2, 1, 2, 3]),
      new Uint8Array(50).fill(0xff),
      sound.replace('"run_id":"r"', '"run_id":null'),
      sound.replace('"step_number":50', '"step_number":"x"'),
      `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
    ];
    for (const bytes of mute) lab.commander.publish("queue", bytes);
    await until("each is told", () => alerts.length >= mute.length);
    expect((await lab.queue("echo")).response.status).toBe("success");
    expect(lab.commander.responses).toHaveLength(1 + readable.length + 1);
    for (const { header } of lab.commander.responses) expect(header.run_id).toBe("r");
    await lab.untilSettled();
    // `params: null` is what a commander sends that has none.
    lab.commander.publish("queue", lab.text("echo", 60, { params: null }));
    const plain = await lab.commander.response(({ command }) => command.step_number === 60);
    expect(plain.response.status).toBe("success");
  });
}, 60_000);

test("W22: a command that is published twice runs once and is answered twice", async () => {
  await withLab({}, async (lab) => {
    await lab.now("start");
    const text = lab.text("echo", 7, { params: { n: 1 } });
    lab.commander.publish("queue", text);
    lab.commander.publish("queue", text);
    await until("both answers", () => lab.codes.length === 3);
    expect(lab.effects().filter((each) => each.startsWith("echo"))).toHaveLength(1);
    expect((await lab.queue("echo", { n: 1 })).response.status).toBe("success"); // another step
    await lab.now("complete");
    await lab.now("start");
    lab.commander.publish("queue", text); // another time
    await until("it runs again", () => lab.effects().length === 3);
  });
}, 60_000);

test("W22: the same step may run again where that was asked for", async () => {
  await withLab({ args: ["--answer-repeats", "off"] }, async (lab) => {
    await lab.now("start");
    const text = lab.text("echo", 7);
    lab.commander.publish("queue", text);
    lab.commander.publish("queue", text);
    await until("it runs twice", () => lab.effects().length === 2);
  });
}, 60_000);

test("W29: what names another machine, or is no command, is refused and told", async () => {
  await withLab({}, async (lab) => {
    const alerts = await lab.listen("puda.arm.evt.alert");
    await lab.now("start");
    const wrong = [
      lab.text("echo", 31).replaceAll('"machine_id":"arm"', '"machine_id":"leg"'),
      lab.text("echo", 32).replace('"message_type":"command"', '"message_type":"response"'),
    ];
    for (const text of wrong) lab.commander.publish("queue", text);
    await until("both are refused", () => lab.codes.length === 3);
    expect(lab.codes.slice(1)).toEqual(["error EXECUTION_ERROR", "error EXECUTION_ERROR"]);
    expect(lab.effects().filter((each) => each.startsWith("echo"))).toEqual([]);
    await until("both are told", () => alerts.length >= 2);
    expect((await lab.queue("echo")).response.status).toBe("success"); // the run goes on
    await lab.untilSettled(); // whatever was told before that has come by the same way
    expect(alerts).toHaveLength(2);
  });
}, 60_000);

test("10,000 queued commands are done in order, one at a time", async () => {
  // Neither the server's disk nor the plugin's process is what it is about.
  const args = ["--log-level", "warn", "--isolation", "inline"];
  await withLab({ args, server: { isSynced: false } }, async (lab) => {
    await lab.now("start");
    const count = 10_000;
    for (let step = 1; step <= count; step += 1)
      lab.commander.publish("queue", lab.text("echo", step));
    await until("all answers", () => lab.commander.responses.length > count, 160_000);
    const steps = lab.commander.responses.slice(1).map(({ command }) => command.step_number);
    expect(steps).toEqual(Array.from({ length: count }, (_, at) => at + 1));
    expect(lab.effects()).toHaveLength(count);
    expect(new Set(lab.codes)).toEqual(new Set(["success null"]));
  });
}, 180_000);
