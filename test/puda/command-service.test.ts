// Goal: a commander gets each answer that is its own, none that is not, and never waits for nothing.
// Method: a real server, and a machine of bytes that answers as the test says.
import { expect, test } from "bun:test";
import type { JsonObject } from "../../src/core/json.ts";
import { NatsLink } from "../../src/nats/connect.ts";
import { JetStream } from "../../src/nats/jetstream.ts";
import { natsTarget } from "../../src/nats/target.ts";
import { CommandService, ServantError } from "../../src/puda/index.ts";
import { publishUntilStored } from "../../src/puda/publish.ts";
import { toCommandMessage } from "../../src/wire/puda.ts";
import { commandSubject } from "../../src/wire/puda-subjects.ts";
import { Link } from "../support/faults/link.ts";
import { natsServer, RunningNats } from "../support/nats.ts";
import { until } from "../support/proxied.ts";
import { WireMachine } from "../support/wire-machine.ts";
import { inLaboratory } from "./laboratory.ts";

const weigh = { machine: "rig1", name: "weigh", runId: "r1", step: 1 };
/** What was asked is done, and the first two answers are lost on their way. */
class LossyLink extends NatsLink {
  requests = 0;

  override async request(...asked: Parameters<NatsLink["request"]>) {
    const answer = await super.request(...asked);
    this.requests += 1;
    if (this.requests > 2) return answer;
    throw new ServantError("backend.unreachable", "The confirmation is lost");
  }
}

const KEY = `encrypt=${Buffer.alloc(32, 3).toString("base64")}`;

test("an answer is the machine's own, an error of its included", async () => {
  await inLaboratory(
    async ({ machine, service }) => {
      machine.answer(({ name, params }) =>
        name === "weigh" ? { grams: params.grams ?? null } : { code: "UNKNOWN_COMMAND" },
      );
      const answer = await service.sendQueueCommand({ ...weigh, params: { grams: 1.5 } });
      expect(answer).toMatchObject({ isSuccess: true, code: null, data: { grams: 1.5 }, step: 1 });
      const error = await service.sendQueueCommand({ ...weigh, name: "fly", step: 2 });
      expect(error).toMatchObject({ isSuccess: false, code: "UNKNOWN_COMMAND", data: null });
      expect(machine.commands[0]?.message).toMatchObject({
        header: { user_id: "u-1", username: "ana", machine_id: "rig1" },
        command: { machine_id: "rig1", kwargs: {}, step_number: 1 },
      });
    },
    { userId: "u-1", username: "ana" },
  );
});

test("W19: an immediate command with the step of the running one takes nobody's answer; a second of one kind is refused", async () => {
  await inLaboratory(async ({ machine, service }) => {
    const ended = Promise.withResolvers<void>();
    machine.answer(async (_command, way) => {
      if (way === "queue") await ended.promise;
      return { way };
    });
    const running = service.sendQueueCommand(weigh);
    await until(() => machine.received.length === 1);
    await expect(service.sendQueueCommand({ ...weigh, name: "tare" })).rejects.toMatchObject({
      code: "command.duplicate",
    });
    const pause = await service.sendImmediateCommand({ ...weigh, name: "pause" });
    expect(pause.data).toEqual({ way: "immediate" });
    ended.resolve();
    expect((await running).data).toEqual({ way: "queue" });
    expect(machine.received).toEqual(["queue weigh 1", "immediate pause 1"]);
  });
});

test("a late answer to another command of the same step is not taken for its own", async () => {
  await inLaboratory(async ({ machine, service, notices }) => {
    machine.answer(() => "silence");
    const enough = new AbortController();
    const late = service.sendQueueCommand(weigh, { signal: enough.signal });
    await until(() => machine.commands.length === 1);
    enough.abort(new Error("enough"));
    await expect(late).rejects.toThrow("enough");
    const waiting = service.sendQueueCommand({ ...weigh, name: "tare" });
    await until(() => machine.commands.length === 2);
    const [first, second] = machine.commands.map(({ message }) => message);
    const response = { status: "success", data: { of: "weigh" } };
    await machine.respond("queue", { ...first, response });
    await machine.respond("queue", { ...second, response: { ...response, data: { of: "tare" } } });
    expect((await waiting).data).toEqual({ of: "tare" });
    expect(notices).toEqual([
      { type: "response.unclaimed", machine: "rig1", runId: "r1", step: 1 },
    ]);
  });
});

test("W5: an answer without a run is acknowledged and told of, and does not come again", async () => {
  await inLaboratory(async ({ machine, service, notices }) => {
    await service.sendQueueCommand(weigh);
    const message = machine.commands[0]?.message ?? {};
    const header = { ...(message.header as JsonObject), run_id: null };
    await machine.respond("queue", { ...message, header, response: { status: "success" } });
    await machine.respond("queue", "{no json");
    await until(() => notices.length === 2);
    while ((await machine.responsesKept("queue")) > 0) await Bun.sleep(2);
    expect(await service.sendQueueCommand({ ...weigh, step: 2 })).toMatchObject({ step: 2 });
    expect(notices[0]).toEqual({ type: "response.without-run", machine: "rig1", step: 1 });
    expect(notices.map(({ type }) => type)).toEqual([
      "response.without-run",
      "response.unreadable",
    ]);
  });
});

test("W5: no command goes out without a run, whose answer could not come back", async () => {
  await inLaboratory(async ({ machine, service }) => {
    await service.sendImmediateCommand({ machine: "rig1", name: "reset" });
    await service.sendImmediateCommand({ machine: "rig1", name: "pause", runId: "" });
    for (const { runId } of machine.commands) expect(runId).toMatch(/^[\da-f-]{36}$/);
  });
});

test("W20: nothing sleeps between an answer and the next command", async () => {
  await inLaboratory(async ({ service }) => {
    const tookMs: number[] = [];
    for (let step = 1; step <= 51; step++) {
      const startMs = performance.now();
      await service.sendQueueCommand({ ...weigh, step });
      tookMs.push(performance.now() - startMs);
    }
    const p50 = tookMs.sort((a, b) => a - b)[25] ?? 0;
    expect(p50).toBeLessThan(50); // about 1 on a quiet machine, and theirs sleep 100
  });
});

test("W22: a command whose confirmation was lost is published again and carried out once", async () => {
  await inLaboratory(async ({ server, machine, service }) => {
    const link = new LossyLink(natsTarget({ servers: [server.url] }, {}), "test");
    await link.open();
    const spec = { ...weigh, params: {} };
    const payload = JSON.stringify(toCommandMessage(spec, { userId: "", username: "" }, 0));
    const subject = commandSubject("rig1", "queue");
    const message = { subject, payload, id: "m-1", wasTried: false };
    const ports = { link, js: new JetStream(link) };
    await publishUntilStored(ports, message, async () => {}, new AbortController().signal);
    await link.close();
    expect(link.requests).toBe(3);
    // What comes after it in the queue comes after its repeats.
    await service.sendQueueCommand({ ...weigh, step: 2 });
    expect(machine.received).toEqual(["queue weigh 1", "queue weigh 2"]);
  });
});

test("W26: an answer given while the server restarted arrives, and a command sent meanwhile goes out", async () => {
  await inLaboratory(async ({ server, machine, service, notices }) => {
    const back = Promise.withResolvers<void>();
    machine.answer(async ({ step }) => {
      if (step === 1) await back.promise;
      return { step };
    });
    const running = service.sendQueueCommand(weigh);
    await until(() => machine.received.length === 1);
    await server.kill();
    await until(() => !service.isConnected);
    const meanwhile = service.sendQueueCommand({ ...weigh, step: 2 });
    await server.restart();
    await until(() => service.isConnected);
    back.resolve();
    expect((await running).data).toEqual({ step: 1 });
    expect((await meanwhile).data).toEqual({ step: 2 });
    // A server that was killed may have lost the last acknowledgement: the same answer comes again.
    const linkNotices = () =>
      notices.map(({ type }) => type).filter((type) => type.endsWith("connected"));
    await until(() => linkNotices().length === 2);
    expect(linkNotices()).toEqual(["disconnected", "connected"]);
  });
}, 60_000);

test("W3: an answer given while this commander was cut off arrives when it is back", async () => {
  await inLaboratory(async ({ server, machine }) => {
    const link = await Link.to(server.port);
    await using service = await CommandService.connect({ servers: [`127.0.0.1:${link.port}`] });
    const cut = Promise.withResolvers<void>();
    machine.answer(() => cut.promise.then(() => ({ grams: 1 })));
    const sent = service.sendQueueCommand(weigh);
    await until(() => machine.received.length === 1);
    await link.down();
    await until(() => !service.isConnected);
    cut.resolve();
    while ((await machine.responsesKept("queue")) === 0) await Bun.sleep(2);
    await link.up();
    expect((await sent).data).toEqual({ grams: 1 });
    await link.down();
  });
}, 60_000);

test("W26: a server that is not there is told at once, and one that is gone before anything is sent too", async () => {
  const nobody = CommandService.connect({ servers: ["nats://127.0.0.1:1"] });
  await expect(nobody).rejects.toMatchObject({ code: "backend.unreachable" });
  await inLaboratory(async ({ server, service }) => {
    await server.kill();
    await until(() => !service.isConnected);
    const sent = service.sendQueueCommand(weigh, { timeoutMs: 100 });
    await expect(sent).rejects.toMatchObject({ code: "backend.unreachable" });
  });
});

test("W26: the process's signals are left alone", async () => {
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const listeners = () => names.map((name) => process.listenerCount(name));
  const before = listeners();
  await inLaboratory(async ({ service }) => {
    await service.sendQueueCommand(weigh);
    expect(listeners()).toEqual(before);
  });
  expect(listeners()).toEqual(before);
});

test("an abort ends the wait with its reason, before and while it waits", async () => {
  await inLaboratory(async ({ machine, service }) => {
    machine.answer(() => "silence");
    const abort = new AbortController();
    const sent = service.sendQueueCommand(weigh, { signal: abort.signal });
    await until(() => machine.received.length === 1);
    abort.abort(new Error("enough"));
    await expect(sent).rejects.toThrow("enough");
    await expect(service.sendQueueCommand(weigh, { signal: abort.signal })).rejects.toThrow(
      "enough",
    );
    machine.answer(() => null);
    expect((await service.sendQueueCommand(weigh)).isSuccess).toBe(true); // its place is free
  });
});

test("what cannot be sent says why: an id with a dot or that no machine ever had, too many bytes, a server where no machine ever was", async () => {
  await inLaboratory(
    async ({ service }) => {
      const codeOf = (command: typeof weigh & { params?: JsonObject }) =>
        service.sendQueueCommand(command).catch(({ code }) => code as string);
      expect(await codeOf({ ...weigh, machine: "a.b" })).toBe("machine.bad-id");
      expect(await codeOf({ ...weigh, machine: "rig2" })).toBe("machine.absent");
      expect(await codeOf({ ...weigh, runId: "" })).toBe("usage.invalid");
      const params = { text: "ä".repeat(3_000) };
      expect(await codeOf({ ...weigh, params })).toBe("request.too-large");
    },
    { nats: { isSynced: false, maxPayload: 4_096 } },
  );
  const program = await natsServer();
  if (program === undefined) return;
  await using server = await RunningNats.start(program, { isSynced: false });
  await using service = await CommandService.connect({ servers: [server.url] });
  await expect(service.sendQueueCommand(weigh)).rejects.toMatchObject({ code: "machine.absent" });
  await expect(service.ping("rig1")).rejects.toMatchObject({ code: "machine.absent" });
});

test("with a lab key all of it is encrypted, and a machine without the key is not believed", async () => {
  await inLaboratory(
    async ({ machine, server, service, notices }) => {
      machine.answer(() => ({ secret: 1 }));
      expect((await service.sendQueueCommand(weigh)).data).toEqual({ secret: 1 });
      expect((await service.ping("rig1")).pong.machine_id).toBe("rig1");
      await using plain = await WireMachine.start(server.url, "rig2");
      const message = machine.commands[0]?.message ?? {};
      machine.answer(() => "silence");
      const waiting = service.sendQueueCommand({ ...weigh, step: 2 }, { timeoutMs: 300 });
      waiting.catch(() => {});
      await until(() => machine.commands.length === 2);
      await plain.respondFor("rig1", "queue", { ...message, response: { status: "success" } });
      await until(() => notices.length === 1);
      expect(notices[0]).toMatchObject({ type: "response.unreadable" });
      await expect(waiting).rejects.toMatchObject({ code: "command.unanswered" });
    },
    { labKey: KEY },
  );
});

test("close() ends what waits, completes what was started and leaves no consumer behind", async () => {
  await inLaboratory(async ({ machine, server }) => {
    const service = await CommandService.connect({ servers: [server.url] });
    const runId = await service.startRun(["rig1"]);
    machine.answer((_command, way) => (way === "queue" ? "silence" : null));
    const waiting = service.sendQueueCommand({ ...weigh, runId });
    waiting.catch(() => {});
    await until(() => machine.received.length === 2);
    await service.close();
    await expect(waiting).rejects.toMatchObject({ code: "command.unanswered" });
    await expect(service.sendQueueCommand(weigh)).rejects.toMatchObject({
      code: "command.unanswered",
    });
    expect(machine.received.at(-1)).toBe("immediate complete 0");
    expect(await machine.responseConsumers("queue")).toBe(0);
  });
});

test("a machine with another lab key, or without one, is told at once", async () => {
  await inLaboratory(async ({ server, machine }) => {
    await machine.setState("idle");
    await using keyed = await CommandService.connect({ servers: [server.url], labKey: KEY });
    const refused = await keyed.startRun(["rig1"]).catch((cause: ServantError) => cause);
    expect(refused).toMatchObject({
      code: "payload.refused",
      message: expect.stringContaining('"rig1": it has another key'),
    });
    expect(machine.received).toEqual([]);
  });
});

test("a machine that was stopped is told of, once, and what is sent waits for it", async () => {
  await inLaboratory(async ({ machine, service, notices }) => {
    await machine.setState("offline");
    await service.startRun(["rig1"], { runId: "r1" });
    expect((await service.sendQueueCommand(weigh)).isSuccess).toBe(true);
    expect(notices).toMatchObject([{ type: "machine.offline", machine: "rig1" }]);
  });
});
