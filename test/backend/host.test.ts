/** `agent host` as a process: its port, its vocabularies, its signals, what outlives it. */
import { expect, test } from "bun:test";
import { chmodSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { project } from "../support/project.ts";

const main = join(import.meta.dir, "..", "..", "src", "main.ts");

interface Host extends AsyncDisposable {
  readonly url: string;
  readonly port: string;
  /** Asks it to stop; resolves to its exit code and what it wrote to stderr. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number; stderr: string }>;
}

function spawn(args: readonly string[]) {
  const command = [process.execPath, main, "host", "--port", "0", "--json", ...args];
  return Bun.spawn(command, { stdout: "pipe", stderr: "pipe", stdin: "ignore" });
}

async function startHost(...args: string[]): Promise<Host> {
  const child = spawn(args);
  const reader = child.stdout.getReader();
  let line = "";
  while (!line.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`host ended: ${await child.stderr.text()}`);
    line += new TextDecoder().decode(value);
  }
  const { type, url } = JSON.parse(line) as { type: string; url: string };
  expect(type).toBe("ready");
  const ended = Promise.all([child.exited, child.stderr.text()]);
  return {
    url,
    port: new URL(url).port,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      const [code, stderr] = await ended;
      return { code, stderr };
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** What a host that cannot start says. */
async function refusal(...args: string[]): Promise<{ code: number; text: string }> {
  const child = spawn(args);
  const [code, text] = await Promise.all([child.exited, child.stderr.text()]);
  return { code, text };
}

async function post(url: string, body: object): Promise<Response> {
  return await fetch(url, { method: "POST", body: JSON.stringify(body) });
}

test("host says that its port is taken, and exits 1", async () => {
  await using host = await startHost();
  const { code, text } = await refusal("--port", host.port);
  expect(code).toBe(1);
  expect(text).toContain(`127.0.0.1:${host.port}: the port is taken`);
});

test("host warns when it listens beyond this machine", async () => {
  await using host = await startHost("--bind", "0.0.0.0");
  const { stderr } = await host.stop();
  expect(stderr).toContain("it asks for no login");
});

test.each(["SIGTERM", "SIGINT"] as const)("%s answers what is held and exits 0", async (signal) => {
  await using host = await startHost();
  const registered = await post(`${host.url}/servant/register`, { transitions: ["move"] });
  const { servant_id: id } = (await registered.json()) as { servant_id: string };
  await post(`${host.url}/start`, { start: ["robot_at(room_one)"] });
  await post(`${host.url}/goal`, { goal: ["robot_at(room_two)"] });
  const path = `${host.url}/servant/${id}/next_assignment`;
  const prefer = { headers: { Prefer: "wait=30" } };
  const execution = post(`${host.url}/execute`, {});
  expect((await fetch(path, prefer)).status).toBe(200);
  const held = fetch(path, prefer);
  await fetch(`${host.url}/health`);
  const { code } = await host.stop(signal);
  expect(code).toBe(0);
  expect((await held).status).toBe(204);
  expect(await (await execution).json()).toMatchObject({
    results: [{ success: false, code: "execution.stopped" }],
  });
});

test("--silent-lease off, as without it, lets a servant act in silence", async () => {
  await using host = await startHost("--silent-lease", "off");
  const get = async (path: string) => (await (await fetch(host.url + path)).json()) as JsonObject;
  const actions = async () => {
    const all = (await get("/actions")) as unknown as { name: string; provider: Json }[];
    return Object.fromEntries(all.map(({ name, provider }) => [name, provider]));
  };
  const register = async (...transitions: string[]) => {
    const answer = await post(`${host.url}/servant/register`, { transitions });
    return `/servant/${((await answer.json()) as JsonObject).servant_id}/next_assignment`;
  };
  await post(`${host.url}/start`, { start: ["robot_at(room_one)"] });
  await post(`${host.url}/goal`, { goal: ["robot_at(room_two)"] });
  const poll = host.url + (await register("move"));
  await post(`${host.url}/execute?wait=false`, {});
  while ((await fetch(poll)).status !== 200) await Bun.sleep(5);
  await register("pick"); // it has nothing to do, and its silence ends it
  while ((await actions()).pick !== null) await Bun.sleep(20);
  expect(await get("/runs")).toMatchObject({ runs: [{ status: "running" }] });
  expect((await actions()).move).not.toBeNull();
});

test("host knows the vocabulary of a JSON file alone when it is named", async () => {
  const domain = {
    name: "lab",
    modules: ["lab.domain"],
    types: [{ name: "vial", fields: { millilitres: "number" } }],
    fluents: [
      { name: "sealed", args: [{ name: "vial", type: "vial" }], default: true },
      { name: "mixed", args: [{ name: "vial", type: "vial" }] },
    ],
    transitions: [
      {
        name: "open",
        params: [{ name: "vial", type: "vial" }],
        preconditions: ["sealed(?vial)"],
        removes: ["sealed(?vial)"],
      },
      {
        name: "mix",
        params: [{ name: "vial", type: "vial" }],
        preconditions: [{ atom: "sealed(?vial)", holds: false }],
        adds: ["mixed(?vial)"],
      },
    ],
    objects: [{ name: "v1", type: "vial" }],
  };
  await using files = await project({ "lab.json": JSON.stringify(domain) });
  await using host = await startHost("--domain", join(files.path, "lab.json"));
  const state = await (await fetch(`${host.url}/state`)).json();
  expect(state).toEqual({ state: ["sealed(v1)"] });
  await post(`${host.url}/goal`, { goal: ["mixed(v1)"] });
  expect(await (await post(`${host.url}/plan`, {})).json()).toMatchObject({
    plan: [{ action_name: "open" }, { action_name: "mix" }],
  });
  expect((await post(`${host.url}/goal`, { goal: ["robot_at(room_one)"] })).status).toBe(422);
});

test("host reads a vocabulary written in TypeScript", async () => {
  await using files = await project({
    "garden.ts": `
      import { domain, fluent, objectType, transition } from "servant-agent";
      const bed = objectType("bed");
      bed("roses");
      const watered = fluent("watered", { bed });
      const water = transition("water", { params: { bed }, adds: (p) => [watered(p.bed)] });
      export default domain("garden", { transitions: [water] });
    `,
  });
  await using host = await startHost("--domain", join(files.path, "garden.ts"));
  await post(`${host.url}/goal`, { goal: ["watered(roses)"] });
  expect(await (await post(`${host.url}/plan`, {})).json()).toMatchObject({
    plan: [{ action_name: "water", parameters: { bed: "roses" } }],
  });
});

test("host refuses vocabularies that it cannot use, and says why", async () => {
  await using files = await project({
    "broken.json": "{",
    "stray.json": JSON.stringify({
      name: "stray",
      transitions: [{ name: "go", adds: ["at(?place)"] }],
    }),
    "extra.json": JSON.stringify({ name: "extra", fluentes: [] }),
    "clash.json": JSON.stringify({
      name: "clash",
      fluents: [{ name: "hands_free", default: false }],
    }),
    "empty.ts": "export const nothing = 1;",
  });
  const file = (name: string) => ["--domain", join(files.path, name)];
  for (const [args, part] of [
    [["--domain", "warehuose"], 'nearest is "warehouse"'],
    [file("missing.json"), "missing.json"],
    [file("broken.json"), "broken.json"],
    [file("stray.json"), 'fluent "at" is not declared'],
    [file("extra.json"), "fluentes"],
    [[...file("clash.json"), "--domain", "warehouse"], '"hands_free" twice'],
    [file("empty.ts"), "no default export"],
  ] as const) {
    const { code, text } = await refusal(...args);
    expect([args, code !== 0, text]).toEqual([args, true, expect.stringContaining(part)]);
  }
}, 30_000);

test("what clients made and who registered outlive kill -9 with --state-dir", async () => {
  await using files = await project();
  const state = ["--state-dir", join(files.path, "state")];
  let id: string;
  {
    await using host = await startHost(...state);
    await post(`${host.url}/objects`, { type: "box", name: "crate", weight: 2 });
    await post(`${host.url}/start`, { start: ["box_at(room_one, crate)", "robot_at(room_one)"] });
    await post(`${host.url}/goal`, { goal: ["holding(crate)"] });
    const registered = await post(`${host.url}/servant/register`, { transitions: ["pick"] });
    id = ((await registered.json()) as { servant_id: string }).servant_id;
    const { text } = await refusal(...state);
    expect(text).toContain("holds it");
    await host.stop("SIGKILL");
  }
  const file = join(files.path, "state", "backend.sqlite");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await using host = await startHost(...state);
  const get = async (path: string) => await (await fetch(host.url + path)).json();
  expect(await get("/state")).toEqual({
    state: ["box_at(room_one, crate)", "hands_free", "robot_at(room_one)"],
  });
  expect(await get("/goal")).toEqual({ goal: ["holding(crate)"] });
  expect(await get("/objects?type=box")).toContainEqual({
    name: "crate",
    type: "box",
    value_fields: { weight: 2 },
  });
  expect((await fetch(`${host.url}/servant/${id}/next_assignment`)).status).toBe(204);
});

test("a saved state that cannot be read is set aside in words, not a failure to start", async () => {
  await using files = await project({ "backend.json": '{"version":1,"objects":[{"na' });
  chmodSync(join(files.path, "backend.json"), 0o600);
  await using host = await startHost("--state-dir", files.path);
  const { logs } = (await (await fetch(`${host.url}/logs`)).json()) as {
    logs: { level: string; message: string }[];
  };
  expect(logs[0]).toMatchObject({ level: "error" });
  const [, kept = ""] =
    /cannot read the saved state, kept as (\S+):/.exec(logs[0]?.message ?? "") ?? [];
  expect(await Bun.file(kept).text()).toBe('{"version":1,"objects":[{"na');
});
