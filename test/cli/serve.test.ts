// Goal: `agent serve` listens where it was told and nowhere else, and says what is wrong before anything moves.
// Method: the compiled program as a person starts it; what listens is looked at from outside.
import { expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { parseEndpoint } from "../../src/adapters/zmtp/endpoint.ts";
import { ReqSocket } from "../../src/adapters/zmtp/req.ts";
import { systemClock } from "../../src/system/clock.ts";
import { decodeMap, encodeMap } from "../../src/wire/scenario-msgpack.ts";
import { ensureBinary } from "../support/binary.ts";
import { start } from "../support/running.ts";
import { PROBE, ServedProbe } from "../support/scenario-server.ts";
import { Folder } from "../support/servant.ts";

/** Runs it to its end, which comes before it listens. */
async function refused(...args: string[]): Promise<{ code: number | null; text: string }> {
  using folder = new Folder();
  const command = [await ensureBinary(), "serve", PROBE, "--state-dir", folder.state, ...args];
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command, "--no-local"], {
    timeout: 20_000,
  });
  return { code: exitCode, text: `${stdout}${stderr}` };
}

async function heartbeat(url: string): Promise<unknown> {
  const req = await ReqSocket.connect(parseEndpoint(url), { clock: systemClock });
  const [body = new Uint8Array()] = await req.ask([encodeMap({ cmd: "heartbeat", payload: {} })]);
  req.close();
  return decodeMap(body);
}

test("an address that others reach is refused, with the way out", async () => {
  for (const url of ["tcp://0.0.0.0:0", "tcp://*:0", "tcp://[::]:0", "tcp://localhost.example:1"]) {
    const { code, text } = await refused("--listen", url);
    expect([code, text]).toEqual([2, expect.stringContaining("is open to other machines")]);
    expect(text).toContain("--insecure-bind");
    expect(text).not.toContain("listening on");
  }
});

test("what was asked for in so many words is done, with a warning that says what it means", async () => {
  await using served = await ServedProbe.start({
    tcp: "tcp://0.0.0.0:0",
    args: ["--insecure-bind"],
  });
  const [line = ""] = await served.process.until(/.*listening on.*/);
  expect(line).toContain("warn");
  expect(line).toContain("whoever reaches it moves the machine");
  const { port } = parseEndpoint(served.tcp) as { port: number };
  const mine = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const other = mine.find(({ family, internal }) => family === "IPv4" && !internal);
  expect(await heartbeat(`tcp://${other?.address ?? "127.0.0.1"}:${port}`)).toEqual({
    status: "ok",
  });
});

test("by default nobody else's machine or user gets in", async () => {
  await using served = await ServedProbe.start();
  const [line = ""] = await served.process.until(/.*listening on.*/);
  expect(line).toContain("tcp://127.0.0.1:");
  expect(line).not.toContain("warn");
  const path = served.ipc.slice("ipc://".length);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  for (const url of [served.tcp, served.ipc])
    expect(await heartbeat(url)).toEqual({ status: "ok" });
});

test("a sidecar's socket file has the permissions that it was given, and goes with its server", async () => {
  await using served = await ServedProbe.start({ args: ["--socket-mode", "0660"] });
  const path = served.ipc.slice("ipc://".length);
  expect(statSync(path).mode & 0o777).toBe(0o660);
  served.process.kill("SIGTERM");
  expect(await served.process.exited).toBe(0);
  expect(existsSync(path)).toBe(false);
});

test("--port and --socket mean what the reference server's mean, on this machine alone", async () => {
  using folder = new Folder();
  const path = join(folder.path, "arm.sock");
  const ways = ["--port", "0", "--socket", path, "--state-dir", folder.state, "--no-local"];
  const process = start([await ensureBinary(), "serve", PROBE, ...ways, "--log-format", "json"]);
  const [, tcp = "", ipc = ""] = await process.until(/listening on (tcp:\S+) and (ipc:[^ "]+)/);
  expect(tcp).toStartWith("tcp://127.0.0.1:");
  expect(ipc).toBe(`ipc://${path}`);
  for (const url of [tcp, ipc]) expect(await heartbeat(url)).toEqual({ status: "ok" });
  process.kill("SIGTERM");
  expect(await process.exited).toBe(0);
});

test("an address that is taken, or none, ends it at once", async () => {
  await using served = await ServedProbe.start();
  for (const url of [served.tcp, served.ipc]) {
    const { code, text } = await refused("--listen", url);
    expect([code, text]).toEqual([1, expect.stringContaining("it is taken")]);
  }
  for (const url of ["arm.sock", "tcp://127.0.0.1", "udp://127.0.0.1:1", "ipc://@arm", "ipc://"]) {
    const { code, text } = await refused("--listen", url);
    expect([code, text]).toEqual([2, expect.stringContaining(`Cannot use "${url}"`)]);
  }
  for (const mode of ["9", "0o660", "rw", "7777"]) {
    expect((await refused("--socket-mode", mode, "--socket", "arm.sock")).code).toBe(2);
  }
  for (const port of [[], ["--port", "0"]]) {
    const { code, text } = await refused("--socket-mode", "0600", ...port);
    expect([code, text]).toEqual([2, expect.stringContaining("there is no socket file")]);
  }
  expect(await heartbeat(served.tcp)).toEqual({ status: "ok" });
});

test("a second agent does not touch the machine of the first: its plugin is not even loaded", async () => {
  await using served = await ServedProbe.start();
  using folder = new Folder();
  const fresh = ["--listen", "tcp://127.0.0.1:0", "--state-dir", served.folder.state];
  const other = ["--listen", served.tcp, "--state-dir", folder.state];
  for (const ways of [fresh, other]) {
    const command = [await ensureBinary(), "serve", PROBE, ...ways, "--no-local"];
    const env = { ...process.env, EFFECTS_FILE: folder.effectsFile };
    const second = Bun.spawnSync([...command, "--pass-env", "EFFECTS_FILE"], {
      env,
      timeout: 20_000,
    });
    expect(second.exitCode).not.toBe(0);
    expect(folder.effects()).toEqual([]);
  }
});

test("connect, which looks for a backend, sends whoever names a scenario's address to serve", async () => {
  const command = [await ensureBinary(), "connect", PROBE, "--to", "tcp://127.0.0.1:7613"];
  const { exitCode, stderr } = Bun.spawnSync(command);
  expect([exitCode, `${stderr}`]).toEqual([2, expect.stringContaining("agent serve")]);
});
