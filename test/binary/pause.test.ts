// Goal: `agent pause` keeps the machine's agent from starting anything, whether it runs or not, and
// only `agent resume` ends that. Method: the compiled program, as a person beside the machine uses it.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { ensureBinary } from "../support/binary.ts";
import { HostileBackend } from "../support/hostile-backend.ts";
import { Folder, RunningServant } from "../support/servant.ts";

let peer: HostileBackend;
let folder: Folder;
const running: RunningServant[] = [];

beforeEach(() => {
  peer = new HostileBackend();
  folder = new Folder();
});
afterEach(async () => {
  for (const servant of running) servant.process.kill("SIGKILL");
  await Promise.all(running.splice(0).map((servant) => servant.ended()));
  await peer.stop();
  folder[Symbol.dispose]();
});

async function connect(): Promise<RunningServant> {
  const registrations = () => peer.requests("/servant/register").length;
  const before = registrations();
  const servant = await RunningServant.start(peer.url, folder);
  running.push(servant);
  await peer.until("it is registered", () => registrations() > before);
  return servant;
}

async function agent(...args: string[]) {
  const command = [await ensureBinary(), ...args, "--state-dir", folder.state];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, out, err };
}

test("pauses a running agent, over its kill and restart, until it is resumed", async () => {
  const first = await connect();
  const paused = await agent("pause", "--json");
  expect(paused).toMatchObject({ code: 0, err: "" });
  expect(JSON.parse(paused.out)).toMatchObject({ paused: true, pid: first.process.pid });
  peer.assign("a1", { do: "work" }); // perhaps it is still asked for: then it waits
  await first.stop("SIGKILL");
  const second = await connect();
  await peer.until("it says so", () => second.events("agent.paused").length === 1);
  expect(folder.effects()).toEqual([]);
  expect(peer.taken).toEqual([]);
  expect((await agent("resume")).code).toBe(0);
  peer.assign("a2", { do: "work" });
  expect(await peer.result("a2")).toMatchObject({ success: true });
  expect(await second.stop()).toBe(0);
});

test("leaves word for the next agent when none runs, and can take it back", async () => {
  await (await connect()).stop();
  expect(await agent("pause")).toMatchObject({ code: 0, out: expect.stringContaining("no agent") });
  expect((await agent("pause")).code).toBe(0); // once more changes nothing
  const paused = await connect();
  await peer.until("it says so", () => paused.events("agent.paused").length === 1);
  await paused.stop();
  expect((await agent("resume")).code).toBe(0);
  const resumed = await connect();
  peer.assign("a1", { do: "work" });
  expect(await peer.result("a1")).toMatchObject({ success: true });
  expect(resumed.events("agent.paused")).toEqual([]);
});

test("says where it looked when no agent ever kept its state there, and makes nothing", async () => {
  const { code, err } = await agent("pause");
  expect(code).toBe(2);
  expect(err).toContain(folder.state);
  expect(await Bun.file(`${folder.state}/lock`).exists()).toBe(false);
});
