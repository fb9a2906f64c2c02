// Commands that are obeyed at once, as bytes on the wire.
import { expect, test } from "bun:test";
import { Lab, type LabOptions, until } from "../../support/puda-lab.ts";

async function withLab(options: LabOptions, check: (lab: Lab) => Promise<void>): Promise<void> {
  await using lab = await Lab.open(options);
  if (lab !== undefined) await check(lab);
}

test("a run is started and completed once, and each refusal has its code", async () => {
  await withLab({}, async (lab) => {
    const code = async (name: string, run: string) => (await lab.now(name, run)).response.code;
    expect(await code("complete", "r")).toBe("RUN_ID_MISMATCH");
    expect(await code("start", "")).toBe("MISSING_RUN_ID");
    expect(await code("cancel", "r")).toBe("NO_EXECUTION");
    expect(await code("START", "r")).toBeNull();
    expect(await code("start", "r")).toBe("RUN_ID_MISMATCH");
    expect(await code("start", "other")).toBe("RUN_ID_MISMATCH");
    expect(await code("cancel", "other")).toBe("RUN_ID_MISMATCH");
    await lab.untilState("idle", "r");
    expect(await code("complete", "r")).toBeNull();
    await lab.untilState("idle", null);
    expect(await code("dance", "r")).toBe("UNKNOWN_COMMAND");
    await lab.queue("fail"); // a mismatch: nothing ran
    await lab.now("start");
    expect((await lab.queue("fail")).response).toMatchObject({ code: "EXECUTION_ERROR" });
    await lab.untilState("error");
    expect(await code("complete", "r")).toBe("RUN_ID_MISMATCH"); // the failure ended it
    expect(await code("start", "r")).toBeNull();
    await lab.untilState("idle");
  });
}, 60_000);

test("W8, W13: a cancelled command answers COMMAND_CANCELLED, the machine is busy and locked until it has stopped", async () => {
  await withLab({ args: ["--cancel-grace", "30"] }, async (lab) => {
    await lab.now("start");
    const held = lab.queue("hold", { stubborn: true });
    await lab.untilState("busy");
    expect((await lab.now("cancel")).response.status).toBe("success");
    expect((await lab.now("start", "r2")).response.status).toBe("success");
    const locked = await lab.send("queue", { name: "echo", run: "r2" });
    expect(locked.response.code).toBe("EXECUTION_LOCKED");
    expect(await lab.value()).toMatchObject({ state: "busy" });
    lab.machine.folder.release();
    expect((await held).response).toMatchObject({
      code: "COMMAND_CANCELLED",
      message: expect.stringContaining("carried out all the same"),
      data: { held: true },
    });
    const after = await lab.send("queue", { name: "echo", run: "r2" });
    expect(after.response.status).toBe("success");
    await lab.untilState("idle");
    const again = lab.send("queue", { name: "hold", run: "r2" });
    await lab.untilState("busy");
    await lab.now("cancel", "r2");
    expect((await again).response.code).toBe("COMMAND_CANCELLED");
    expect(lab.effects()).toContain("hook cancel");
    expect(lab.effects()).toContain("hold was called off");
  });
}, 60_000);

test("W13, W15: paused stays paused when a command ends meanwhile; resume keeps the run; reset ends a pause too", async () => {
  await withLab({}, async (lab) => {
    await lab.now("start");
    const held = lab.queue("hold");
    await lab.untilState("busy");
    expect((await lab.now("pause")).response.status).toBe("success");
    await lab.untilState("paused");
    lab.machine.folder.release();
    expect((await held).response.status).toBe("success");
    expect((await lab.queue("echo")).response.code).toBe("MACHINE_PAUSED");
    expect(await lab.value()).toMatchObject({ state: "paused", run_id: "r" });
    expect((await lab.now("resume")).response.status).toBe("success");
    await lab.untilState("idle", "r");
    expect((await lab.queue("echo")).response.status).toBe("success");
    await lab.now("pause");
    expect((await lab.now("reset")).response.status).toBe("success");
    await lab.untilState("idle", null);
    const hooks = lab.effects().filter((each) => each.startsWith("hook"));
    expect(hooks).toEqual(["hook pause", "hook resume", "hook pause", "hook reset"]);
  });
}, 60_000);

test("W14: pause, resume and cancel succeed for a driver that has no such methods", async () => {
  const reference = `${import.meta.dir}/../../fixtures/servant/worker.ts:Worker`;
  await withLab({ reference }, async (lab) => {
    for (const name of ["start", "pause", "resume", "cancel", "reset"]) {
      expect((await lab.now(name)).response).toMatchObject({ status: "success", code: null });
    }
  });
}, 60_000);

test("a driver's own method that throws is told with its code, and the built-in part holds", async () => {
  await withLab({ env: { ARM_BROKEN: "yes" } }, async (lab) => {
    await lab.now("start");
    const failed = async (name: string) => (await lab.now(name)).response;
    expect(await failed("pause")).toMatchObject({
      code: "PAUSE_ERROR",
      message: "pause is broken",
    });
    await lab.untilState("paused");
    expect(await failed("resume")).toMatchObject({ code: "RESUME_ERROR" });
    await lab.untilState("idle");
    expect(await failed("cancel")).toMatchObject({ code: "CANCEL_ERROR" });
    expect((await lab.queue("echo")).response.code).toBe("RUN_ID_MISMATCH");
    expect(await failed("reset")).toMatchObject({ code: "EXECUTION_ERROR" });
  });
}, 60_000);

test("W24: a slow reset of the driver's delays no pause", async () => {
  await withLab({ env: { ARM_SLOW_RESET_MS: "3000" } }, async (lab) => {
    const slow = lab.now("reset");
    await lab.now("pause");
    await lab.untilState("paused");
    expect(lab.effects()).toEqual(["hook pause"]);
    expect((await slow).response.status).toBe("success");
  });
}, 60_000);

test("W5, W7: an immediate command without a run id takes effect and is not answered, a broken one does nothing", async () => {
  await withLab({}, async (lab) => {
    const alerts = await lab.listen("puda.arm.evt.alert");
    lab.commander.publish("immediate", lab.text("pause", 1, { run: null }));
    await lab.untilState("paused");
    await until("it is told", () => alerts.some(({ text }) => text.includes("no run_id")));
    lab.commander.publish("immediate", "nonsense");
    await until("it is told", () => alerts.some(({ text }) => text.includes("malformed")));
    lab.commander.publish("immediate", lab.text("resume", 2).replace('"params":{}', '"params":7'));
    await until("its answer", () => lab.codes.length === 1);
    expect(lab.codes).toEqual(["error JSON_DECODE_ERROR"]);
    expect(await lab.value()).toMatchObject({ state: "paused" });
    await lab.untilSettled("COMMAND_IMMEDIATE");
  });
}, 60_000);

test("a pause of a person's and one of a commander's are the same, and outlive a restart", async () => {
  await withLab({}, async (lab) => {
    lab.machine.servant.process.kill("SIGUSR1");
    await lab.untilState("paused");
    await lab.machine.servant.stop();
    await lab.untilState("offline");
    await lab.machine.start();
    await lab.untilState("paused");
    expect((await lab.now("resume")).response.status).toBe("success");
    await lab.untilState("idle");
  });
}, 60_000);

test("a pause that was lost on its way to a line that was cut comes at once on the next", async () => {
  await withLab({}, async (lab) => {
    await lab.machine.servant.stop("SIGKILL");
    await lab.request("puda.arm.cmd.immediate", lab.text("pause", 50));
    // Given to the machine's last request, or to this one: nobody acknowledges it.
    await lab.listen("_INBOX.lost");
    const next = "$JS.API.CONSUMER.MSG.NEXT.COMMAND_IMMEDIATE.cmd_immed_arm";
    lab.connection.publish(next, JSON.stringify({ batch: 1 }), { reply: "_INBOX.lost" });
    await until("it is given away", async () => {
      const info = await lab.ask("CONSUMER.INFO.COMMAND_IMMEDIATE.cmd_immed_arm");
      return Number(info.num_ack_pending) === 1;
    });
    await lab.machine.start();
    await lab.untilState("paused");
  });
}, 60_000);
