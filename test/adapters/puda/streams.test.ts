// What a machine finds on a server: nothing, Python's leavings, or an operator's own settings.
import { expect, test } from "bun:test";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { natsServer, RunningNats } from "../../support/nats.ts";
import { ARM, Lab, type LabOptions, until } from "../../support/puda-lab.ts";
import { PATIENCE_MS } from "../../support/running.ts";
import { Folder, RunningServant } from "../../support/servant.ts";

async function withLab(options: LabOptions, check: (lab: Lab) => Promise<void>): Promise<void> {
  await using lab = await Lab.open(options);
  if (lab !== undefined) await check(lab);
}

const ask = async (connection: NatsConnection, verb: string, body: object) => {
  const options = { timeout: PATIENCE_MS };
  const answer = await connection.request(`$JS.API.${verb}`, JSON.stringify(body), options);
  expect(answer.json<{ error?: object }>().error).toBeUndefined();
};

test("W18: a durable of Python's that is pushed to, or filtered otherwise, is replaced", async () => {
  const before = async (connection: NatsConnection) => {
    for (const way of ["queue", "immediate"]) {
      const name = `COMMAND_${way.toUpperCase()}`;
      const config = { name, subjects: [`puda.*.cmd.${way}`], retention: "workqueue" };
      await ask(connection, `STREAM.CREATE.${name}`, config);
      const durable = way === "queue" ? "cmd_queue_arm" : "cmd_immed_arm";
      await ask(connection, `CONSUMER.DURABLE.CREATE.${name}.${durable}`, {
        stream_name: name,
        config: {
          durable_name: durable,
          ack_policy: "explicit",
          deliver_policy: "all",
          deliver_subject: "_INBOX.gone",
          filter_subject: `puda.arm.cmd.${way}`,
        },
      });
    }
  };
  await withLab({ before }, async (lab) => {
    expect((await lab.now("start")).response.status).toBe("success");
    expect((await lab.queue("echo")).response.status).toBe("success");
  });
}, 60_000);

test("W28: an operator's limits stay, a subject that is missing is added beside theirs", async () => {
  const own = { max_age: 3_600_000_000_000, max_msgs: 5_000, description: "ours" };
  const before = async (connection: NatsConnection) => {
    const workqueue = { retention: "workqueue", ...own };
    await ask(connection, "STREAM.CREATE.COMMAND_QUEUE", {
      name: "COMMAND_QUEUE",
      subjects: ["puda.*.cmd.queue"],
      ...workqueue,
    });
    await ask(connection, "STREAM.CREATE.COMMAND_IMMEDIATE", {
      name: "COMMAND_IMMEDIATE",
      subjects: ["lab.other"],
      ...workqueue,
    });
  };
  await withLab({ before }, async (lab) => {
    expect((await lab.now("start")).response.status).toBe("success");
    expect((await lab.queue("echo")).response.status).toBe("success");
    const { config } = await lab.ask("STREAM.INFO.COMMAND_IMMEDIATE");
    expect(config).toMatchObject({ ...own, subjects: ["lab.other", "puda.*.cmd.immediate"] });
    expect((await lab.ask("STREAM.INFO.COMMAND_QUEUE")).config).toMatchObject(own);
  });
}, 60_000);

/** Starts a machine that cannot serve; what it says at its end. */
async function refused(
  server: RunningNats,
  args: readonly string[] = ["--machine-id", "arm"],
): Promise<{ code: number; text: string }> {
  using folder = new Folder();
  const servant = await RunningServant.start(server.url, folder, {
    reference: ARM,
    args,
  });
  const code = await servant.ended();
  return {
    code,
    text: [...servant.stray, ...servant.lines.map(({ message }) => message)].join("\n"),
  };
}

test("W28: a stream of another kind is refused, with the command that makes the right one", async () => {
  const program = await natsServer();
  if (program === undefined) return;
  await using server = await RunningNats.start(program);
  const connection = await connect({ servers: server.url });
  const config = { name: "COMMAND_QUEUE", subjects: ["puda.*.cmd.queue"], retention: "limits" };
  await ask(connection, "STREAM.CREATE.COMMAND_QUEUE", config);
  await connection.close();
  const { code, text } = await refused(server);
  expect(code).toBe(2);
  expect(text).toContain('its retention is "limits" and must be "workqueue"');
  expect(text).toContain(
    "nats stream add COMMAND_QUEUE --subjects 'puda.*.cmd.queue' --retention work",
  );
}, 60_000);

test("W27: an id with a dot is refused at the start, and none at all as well", async () => {
  const program = await natsServer();
  if (program === undefined) return;
  await using server = await RunningNats.start(program);
  const dotted = await refused(server, ["--machine-id", "a.b"]);
  expect(dotted).toMatchObject({ code: 2, text: expect.stringContaining('"a.b"') });
  const none = await refused(server, []);
  expect(none).toMatchObject({ code: 2, text: expect.stringContaining("--machine-id") });
}, 60_000);

test("a server without JetStream is told as one, with the way out", async () => {
  const program = await natsServer();
  if (program === undefined) return;
  await using server = await RunningNats.start(program, { more: "jetstream: disabled" });
  using folder = new Folder();
  const servant = await RunningServant.start(server.url, folder, {
    reference: ARM,
    args: ["--machine-id", "arm"],
  });
  await until("it is told", () =>
    servant.lines.some(({ message }) => message.includes("without JetStream")),
  );
  await servant.stop("SIGKILL");
}, 60_000);

test("a stream that is deleted is made again, and the machine serves on", async () => {
  await withLab({}, async (lab) => {
    await lab.now("start");
    await lab.ask("STREAM.DELETE.COMMAND_QUEUE");
    await until("it is there again", async () => {
      const { config } = await lab.ask("CONSUMER.INFO.COMMAND_QUEUE.cmd_queue_arm");
      return config !== undefined;
    });
    expect((await lab.queue("echo")).response.status).toBe("success");
  });
}, 60_000);

test("the answers' stream and the buckets are made again, and hold again what they held", async () => {
  await withLab({}, async (lab) => {
    await lab.now("start");
    for (const name of ["RESPONSE_QUEUE", "KV_MACHINE_STATE", "KV_MACHINE_COMMANDS"]) {
      await lab.ask(`STREAM.DELETE.${name}`);
    }
    await lab.request("puda.arm.cmd.queue", lab.text("echo", 50));
    await until("it is there again", async () => {
      const { config } = await lab.ask("STREAM.INFO.RESPONSE_QUEUE");
      return config !== undefined;
    });
    await lab.untilState("idle");
    await until(
      "its commands are told",
      async () => (await lab.value("MACHINE_COMMANDS")) !== undefined,
    );
    await lab.untilSettled();
  });
}, 60_000);
