// Goal: a laboratory whose key is configured sees nothing in clear, and both sides understand each other.
// Method: puda 0.0.21's own sealing at one end, ours at the other, over TLS as it wants it there; what is
// on the wire is listened to. Compared by run: the commander, the machine, its state, events and pings.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { CommandService } from "../../src/puda/index.ts";
import { type Certificates, throwAwayCertificates } from "../support/certificates.ts";
import { natsServer, RunningNats } from "../support/nats.ts";
import {
  type PudaPeer,
  PythonCommander,
  pudaPython,
  startPythonMachine,
} from "../support/puda-peers.ts";
import { OurMachine, untilHeartbeat } from "../support/puda-scene.ts";
import { Folder } from "../support/servant.ts";

const program = await natsServer();
const python = await pudaPython("N");
const KEY = Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString("base64");

describe.skipIf(program === undefined || python === undefined)("a laboratory with a key", () => {
  let server: RunningNats;
  let certificates: Certificates;
  let folder: Folder;
  let keyFile: string;
  let peer: PudaPeer;
  let ear: NatsConnection;
  /** Payloads that were no frame. */
  const inClear: string[] = [];
  let heard = 0;

  beforeAll(async () => {
    folder = new Folder();
    keyFile = join(folder.path, "lab.key");
    writeFileSync(keyFile, `encrypt=${KEY}\n`, { mode: 0o600 });
    certificates = throwAwayCertificates();
    server = await RunningNats.start(program as string, { tls: certificates });
    const caFile = certificates.ca;
    peer = { version: "N", python: python as string, url: server.url, keyFile, caFile };
    ear = await connect({ servers: server.url, tls: { caFile } });
    for (const subject of ["puda.>", "$KV.MACHINE_STATE.*", "$KV.MACHINE_COMMANDS.*"]) {
      ear.subscribe(subject, {
        callback: (_, { data, subject: on }) => {
          heard += 1;
          if (data[0] !== 0xe2 || data[1] !== 1) inClear.push(`${on}: ${Buffer.from(data)}`);
        },
      });
    }
    await ear.flush();
  }, 60_000);
  afterAll(async () => {
    await ear?.close();
    await server?.[Symbol.asyncDispose]();
    certificates?.[Symbol.dispose]();
    folder?.[Symbol.dispose]();
  });

  const tls = () => ({ caFile: certificates.ca });

  test("puda 0.0.21's commander drives our machine, reads its state and hears its events", async () => {
    const args = ["--payload-key", keyFile, "--nats-ca", certificates.ca];
    await using _machine = await OurMachine.start(server.url, "ours", { args, tls: tls() });
    using ana = await PythonCommander.start(peer);
    await ana.watch("puda.ours.>");
    const commands = [{ name: "add", step: 1, params: { a: 1, b: 41 } }];
    const last = await ana.sequence({ machine: "ours", run: "r", commands });
    expect(last).toMatchObject({ response: { status: "success", data: { result: 42 } } });
    expect(await ana.kv("MACHINE_STATE", "ours")).toMatchObject({ state: expect.any(String) });
    expect(await ana.kv("MACHINE_COMMANDS", "ours")).toHaveProperty("catalog");
    expect(await ana.ping({ machine: "ours" })).toMatchObject([{ status: "pong" }]);
    await ana.sees(({ payload }) => String(payload.msg).includes("add completed"));
    await ana.sees(({ subject }) => subject === "puda.ours.tlm.heartbeat");
  });

  test("our commander drives puda 0.0.21's machine", async () => {
    const theirs = await untilHeartbeat(
      server.url,
      "theirs",
      () => startPythonMachine(peer, "theirs"),
      tls(),
    );
    try {
      await using service = await CommandService.connect({
        ...{ servers: [server.url], caFile: certificates.ca },
        labKey: readFileSync(keyFile, "utf8"),
      });
      const batch = [{ machine: "theirs", name: "add", params: { a: 1, b: 41 } }];
      const { isSuccess, steps } = await service.sendQueueCommands(batch);
      expect({ isSuccess, data: steps[0]?.answer?.data }).toEqual({
        isSuccess: true,
        data: { result: 42 },
      });
      expect((await service.ping("theirs")).pong.sdk_version).toBe("0.0.21");
    } finally {
      theirs.kill("SIGKILL");
      await theirs.exited;
    }
  });

  test("nothing of it was in clear", () => {
    expect(heard).toBeGreaterThan(20);
    expect(inClear).toEqual([]);
  });
});
