// What power, networks and people do to a machine, against the compiled agent and a real server.
import { expect, test } from "bun:test";
import { connect } from "@nats-io/transport-node";
import { LEASE_MS } from "../../../src/adapters/puda/lease.ts";
import { REQUEST_TIMEOUT_MS } from "../../../src/nats/connect.ts";
import { ARM, Lab, type LabOptions, until } from "../../support/puda-lab.ts";
import { Folder, RunningServant } from "../../support/servant.ts";

/** What makes a process see another time of day; undefined where it is not installed. */
const FAKETIME = [...new Bun.Glob("*/faketime/libfaketime.so.1").scanSync("/usr/lib")]
  .map((path) => `/usr/lib/${path}`)
  .at(0);
if (FAKETIME === undefined) {
  const problem = "clocks that are off cannot be tested: apt-get install faketime";
  if (process.env.CI === "true") throw new Error(problem);
  console.warn(`\n*** ${problem}\n*** Its tests are SKIPPED.\n`);
}

async function withLab(options: LabOptions, check: (lab: Lab) => Promise<void>): Promise<void> {
  await using lab = await Lab.open(options);
  if (lab !== undefined) await check(lab);
}

/** The machine's consumer gives a message to the next after so long, in milliseconds. */
async function setAckWait(lab: Lab, ms: number): Promise<void> {
  const name = "cmd_queue_arm";
  const { config } = await lab.ask(`CONSUMER.INFO.COMMAND_QUEUE.${name}`);
  const mended = { ...config, ack_wait: ms * 1e6 };
  await lab.ask(`CONSUMER.DURABLE.CREATE.COMMAND_QUEUE.${name}`, {
    stream_name: "COMMAND_QUEUE",
    config: mended,
  });
}

const sent = (lab: Lab, step: number) =>
  lab.commander.responses.filter(({ command }) => command.step_number === step);

test("W3, W4: the server is killed mid-command and restarted: the answer arrives once", async () => {
  await withLab({}, async (lab) => {
    await lab.now("start");
    lab.commander.publish("queue", lab.text("hold", 70));
    await until("it runs", () => lab.effects().some((each) => each.startsWith("hold")));
    await lab.server.kill();
    lab.machine.folder.release();
    await until("it has ended", () => lab.effects().includes("hold ended"));
    await lab.restartServer();
    await until("its answer", () => sent(lab, 70).length > 0);
    expect(sent(lab, 70)[0]?.response).toMatchObject({ status: "success", data: { held: true } });
    await lab.untilSettled();
    expect((await lab.queue("echo")).response.status).toBe("success"); // its run is the same
    expect(sent(lab, 70)).toHaveLength(1);
    const { servant } = lab.machine;
    const saw = (event: string) => until(event, () => servant.events(event).length > 0);
    await Promise.all([saw("link.lost"), saw("link.restored")]);
    // Answers of one machine come in their order: with the second ping's, all of the first's are here.
    const pongs = await lab.listen("_INBOX.pings.*");
    for (const nth of ["first", "second"]) {
      lab.connection.publish("puda.cmd.ping", "ping", { reply: `_INBOX.pings.${nth}` });
    }
    const answered = (nth: string) => pongs.filter(({ subject }) => subject.endsWith(nth)).length;
    await until("the second ping's answer", () => answered("second") > 0);
    expect(answered("first")).toBe(1);
  });
}, 60_000);

test("W12, W2: the machine is killed mid-command: the commander is told at once after the restart, nothing runs again", async () => {
  await withLab({}, async (lab) => {
    await lab.now("start");
    lab.commander.publish("queue", lab.text("hold", 71));
    lab.commander.publish("queue", lab.text("echo", 72));
    await until("it runs", () => lab.effects().some((each) => each.startsWith("hold")));
    await lab.machine.servant.stop("SIGKILL");
    const startedAtMs = performance.now();
    await lab.machine.start();
    await until("its answer", () => sent(lab, 71).length > 0);
    expect(performance.now() - startedAtMs).toBeLessThan(10_000); // not after ack_wait, 30 s
    const { response } = sent(lab, 71)[0] as (typeof lab.commander.responses)[number];
    expect(response).toMatchObject({ status: "error", code: "EXECUTION_ERROR" });
    expect(response.message).toContain("the agent stopped while it ran");
    await until("the follower's", () => sent(lab, 72).length > 0);
    expect(sent(lab, 72)[0]?.response.code).toBe("RUN_ID_MISMATCH"); // a restart forgets its run
    await lab.untilSettled();
    expect(lab.effects()).toHaveLength(1);
    expect(lab.commander.responses).toHaveLength(3);
  });
}, 60_000);

test("W2: a command that takes many times ack_wait has word sent to the server, and no follower runs twice", async () => {
  await withLab({}, async (lab) => {
    await setAckWait(lab, 600);
    await lab.machine.servant.stop();
    await lab.machine.start(); // it reads ack_wait when it comes
    const words = await lab.listen("$JS.ACK.COMMAND_QUEUE.cmd_queue_arm.>");
    await lab.now("start");
    lab.commander.publish("queue", lab.text("hold", 80, { params: { ms: 3_000 } }));
    for (const step of [81, 82, 83]) lab.commander.publish("queue", lab.text("echo", step));
    await until("the last answer", () => sent(lab, 83).length > 0);
    await lab.untilSettled();
    expect(words.filter(({ text }) => text === "+WPI").length).toBeGreaterThanOrEqual(10);
    for (const step of [80, 81, 82, 83]) expect(sent(lab, step)).toHaveLength(1);
    expect(lab.effects().filter((each) => !each.startsWith("hold"))).toHaveLength(3);
  });
}, 60_000);

test("W2: a message that comes again while it is worked on, or after its answer, does not run again", async () => {
  await withLab({}, async (lab) => {
    await lab.now("start");
    // Given back by somebody else, as an expired ack_wait would: the server delivers it anew.
    const acks = await lab.listen("$JS.ACK.COMMAND_QUEUE.cmd_queue_arm.>");
    lab.commander.publish("queue", lab.text("hold", 90, { params: { ms: 800 } }));
    await until("it runs", () => lab.effects().some((each) => each.startsWith("hold")));
    lab.connection.publish("$JS.ACK.COMMAND_QUEUE.cmd_queue_arm.1.1.1.0.0", "-NAK");
    await until("its answer", () => sent(lab, 90).length > 0);
    await lab.untilSettled();
    expect((await lab.queue("echo")).response.status).toBe("success");
    expect(sent(lab, 90)).toHaveLength(1);
    expect(lab.effects().filter((each) => each.startsWith("hold "))).toHaveLength(2); // begin, end
    expect(acks.length).toBeGreaterThan(0);
  });
}, 60_000);

test("W16: a second agent with the same id is refused while the first is there; the first takes it back after SIGKILL", async () => {
  await withLab({}, async (lab) => {
    using folder = new Folder();
    const rival = await RunningServant.start(lab.server.url, folder, {
      reference: ARM,
      args: ["--machine-id", "arm"],
    });
    expect(await rival.ended()).toBe(1);
    expect(rival.stray.join("\n")).toMatch(/taken by the agent of .* on .* since 20/);
    await lab.machine.servant.stop("SIGKILL");
    // Nobody answers a ping now: the lease alone keeps the id.
    const second = await RunningServant.start(lab.server.url, folder, {
      reference: ARM,
      args: ["--machine-id", "arm"],
    });
    expect(await second.ended()).toBe(1);
    expect(second.stray.join("\n")).toMatch(/taken by the agent of .* on .* since 20/);
    const startedAtMs = performance.now();
    await lab.machine.start();
    expect(performance.now() - startedAtMs).toBeLessThan(LEASE_MS - 5_000); // it did not run out
    await lab.now("start");
    expect((await lab.queue("echo")).response.status).toBe("success");
  });
}, 60_000);

test("W16: a machine whose id was taken meanwhile ends, and says who has it", async () => {
  await withLab({}, async (lab) => {
    const owner = { host: "elsewhere", folder: "/state", token: "x".repeat(40) };
    const lease = JSON.stringify({ owner, since: "2026-11-22T00:00:00Z" });
    await lab.request("$KV.MACHINE_LEASE.arm", lease);
    expect(await lab.machine.servant.ended()).toBe(1);
    expect(lab.machine.servant.stray.join("\n")).toContain("/state on elsewhere");
    expect((await lab.value("MACHINE_LEASE"))?.owner).toEqual(owner);
  });
}, 60_000);

test("W16: a machine that stood still until its id was another's begins nothing that it had been given", async () => {
  await withLab({}, async (lab) => {
    await lab.now("start");
    const { process: machine } = lab.machine.servant;
    machine.kill("SIGSTOP");
    await lab.request("puda.arm.cmd.queue", lab.text("echo", 50));
    await Bun.sleep(LEASE_MS + 500);
    const owner = { host: "elsewhere", folder: "/state", token: "x".repeat(40) };
    const lease = JSON.stringify({ owner, since: "2026-11-22T00:00:00Z" });
    await lab.request("$KV.MACHINE_LEASE.arm", lease);
    machine.kill("SIGCONT");
    expect(await lab.machine.servant.ended()).toBe(1);
    expect(lab.effects()).toEqual([]);
  });
}, 60_000);

test("W17: commands that waited too long when the machine came are refused, a start among them does nothing", async () => {
  await withLab({ args: ["--command-max-age", "3s"] }, async (lab) => {
    await lab.now("start");
    await lab.machine.servant.stop();
    lab.commander.publish("queue", lab.text("echo", 61));
    lab.commander.publish("immediate", lab.text("start", 60, { run: "of yesterday" }));
    await Bun.sleep(3_500); // the age is the server's to tell
    lab.commander.publish("queue", lab.text("echo", 62)); // younger than a start takes
    await lab.machine.start();
    await until("both answers", () => sent(lab, 62).length > 0 && sent(lab, 61).length > 0);
    expect(sent(lab, 61)[0]?.response).toMatchObject({
      code: "EXECUTION_ERROR",
      message: expect.stringContaining("too long"),
    });
    expect(sent(lab, 62)[0]?.response.code).toBe("RUN_ID_MISMATCH");
    expect(lab.effects()).toEqual([]);
    await until("the start's", () => sent(lab, 60).length > 0);
    expect(sent(lab, 60)[0]?.response).toMatchObject({ code: "EXECUTION_ERROR" });
    expect((await lab.now("start")).response.status).toBe("success"); // no run is in its way
  });
}, 60_000);

test("W10: a stop waits for the handler so long and no longer, answers, and says offline", async () => {
  await withLab({ args: ["--drain-timeout", "0.5", "--cancel-grace", "0.5"] }, async (lab) => {
    await lab.now("start");
    lab.commander.publish("queue", lab.text("hold", 95, { params: { stubborn: true } }));
    await until("it runs", () => lab.effects().length > 0);
    const startedAtMs = performance.now();
    expect(await lab.machine.servant.stop("SIGINT")).toBe(0);
    expect(performance.now() - startedAtMs).toBeLessThan(8_000);
    await until("its answer", () => sent(lab, 95).length > 0);
    expect(sent(lab, 95)[0]?.response.status).toBe("error");
    expect(await lab.value()).toMatchObject({ state: "offline" });
    await lab.untilSettled();
  });
}, 60_000);

test("W10: a stop is over soon before a server that hears nothing", async () => {
  await withLab({}, async (lab) => {
    lab.server.freeze();
    const startedAtMs = performance.now();
    await lab.machine.servant.stop();
    expect(performance.now() - startedAtMs).toBeLessThan(8_000);
    lab.server.thaw();
  });
}, 60_000);

test("W23: an acknowledgement that is lost is sent again, the response is stored once", async () => {
  await withLab({}, async (lab) => {
    // Whoever logs the answers sees each that is stored.
    await lab.ask("CONSUMER.DURABLE.CREATE.RESPONSE_QUEUE.logger", {
      stream_name: "RESPONSE_QUEUE",
      config: { durable_name: "logger", ack_policy: "explicit", deliver_policy: "all" },
    });
    await lab.now("start");
    lab.commander.publish("queue", lab.text("hold", 97));
    await until("it runs", () => lab.effects().length > 0);
    lab.server.freeze(); // the response goes out and nothing comes back
    lab.machine.folder.release();
    await until("it has ended", () => lab.effects().includes("hold ended"));
    // Longer than one request waits: it is sent again into the same silence, and both arrive.
    await Bun.sleep(REQUEST_TIMEOUT_MS + 1_000);
    lab.server.thaw();
    await until("its answer", () => sent(lab, 97).length > 0);
    await lab.untilSettled();
    const { state } = await lab.ask("STREAM.INFO.RESPONSE_QUEUE");
    expect(state).toMatchObject({ messages: 1 });
  });
}, 60_000);

for (const shift of ["-1d", "+1d"]) {
  test.skipIf(FAKETIME === undefined)(
    `a machine whose clock is ${shift} off, and a commander whose clock is, work as ever, and their answers bear the server's time`,
    async () => {
      const env = {
        LD_PRELOAD: FAKETIME as string,
        FAKETIME: shift,
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      };
      await withLab({ env }, async (lab) => {
        expect((await lab.now("start")).response.status).toBe("success");
        const { header, response } = await lab.queue("echo", { a: 1 });
        expect(response).toMatchObject({ status: "success", data: { a: 1 } });
        const offMs = Math.abs(Date.parse(String(header.timestamp)) - Date.now());
        expect(offMs).toBeLessThan(60_000);
        const old = lab
          .text("echo", 40)
          .replace(/"timestamp":"[^"]*"/, '"timestamp":"2020-01-01T00:00:00Z"');
        lab.commander.publish("queue", old);
        await until("its answer", () => sent(lab, 40).length > 0);
        expect(sent(lab, 40)[0]?.response.status).toBe("success");
        await lab.machine.servant.stop("SIGKILL");
        await lab.machine.start(); // its lease is fresh by the server's clock, and its own
        expect((await lab.now("start")).response.status).toBe("success");
      });
    },
    60_000,
  );
}

test("a machine that is there before its server waits for it", async () => {
  await withLab({}, async (lab) => {
    await lab.machine.servant.stop();
    await lab.server.stop();
    const early = RunningServant.start(lab.server.url, lab.machine.folder, {
      reference: ARM,
      args: ["--machine-id", "arm", "--pass-env", "EFFECTS_FILE"],
    });
    const servant = await early;
    await until("it says so", () => servant.events("link.lost").length > 0);
    await lab.server.restart();
    const connection = await connect({ servers: lab.server.url });
    await until("it serves", () => servant.events("servant.registered").length > 0);
    await connection.close();
    await servant.stop("SIGKILL");
  });
}, 60_000);
