// Goal: whatever the backend told a client is still so after `kill -9`, at any moment.
// Method: the compiled binary, killed while clients change things as fast as they can; what was
// answered is compared with what the next life says. Replay a run's moments with SEED=<seed>.
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { project } from "../support/project.ts";
import { startHost } from "../support/running.ts";

const ROUNDS = 8;
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

async function get(url: string): Promise<JsonObject & readonly JsonObject[]> {
  return (await (await fetch(url)).json()) as JsonObject & readonly JsonObject[];
}

async function send(method: string, url: string, body: Json): Promise<boolean> {
  try {
    const answer = await fetch(url, { method, body: JSON.stringify(body) });
    await answer.text();
    return answer.ok;
  } catch {
    return false; // it was killed: whether it was done is unknown
  }
}

test(`what was answered outlives kill -9 (SEED=${seed})`, async () => {
  await using files = await project();
  const stateDir = join(files.path, "state");
  const boxes = new Set<string>();
  const deleted = new Set<string>();
  const missions = new Set<string>();
  const servants = new Set<string>();
  let random = seed;
  for (let round = 0; round < ROUNDS; round += 1) {
    using running = await startHost("--state-dir", stateDir);
    const { host, url } = running;
    let isUp = true;
    const client = async (name: string) => {
      for (let turn = 0; isUp; turn += 1) {
        const box = `box_${round}_${name}_${turn}`;
        if (!(await send("POST", `${url}/objects`, { type: "box", name: box }))) continue;
        boxes.add(box);
        if (turn % 3 === 0) {
          deleted.add(box); // from now on it is either
          boxes.delete(box);
          if (!(await send("DELETE", `${url}/objects/${box}`, {}))) deleted.delete(box);
        }
        if (turn % 5 === 0 && (await send("PUT", `${url}/missions/${box}`, { blocks: [] }))) {
          missions.add(box);
        }
      }
    };
    const registered = fetch(`${url}/servant/register`, {
      method: "POST",
      body: JSON.stringify({ transitions: ["move"] }),
    });
    servants.add(String(((await (await registered).json()) as JsonObject).servant_id));
    const clients = ["a", "b", "c", "d"].map(client);
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    await Bun.sleep(20 + (random % 200));
    host.kill("SIGKILL");
    isUp = false;
    await Promise.all([host.exited, ...clients]);
  }
  expect(boxes.size).toBeGreaterThan(ROUNDS);
  using second = await startHost("--state-dir", stateDir);
  const { host, url } = second;
  const there = new Set((await get(`${url}/objects`)).map(({ name }) => String(name)));
  expect([...boxes].filter((box) => !there.has(box))).toEqual([]);
  expect([...deleted].filter((box) => there.has(box))).toEqual([]);
  const known = (await get(`${url}/missions`)).missions as unknown as { name: string }[];
  const names = new Set(known.map(({ name }) => name));
  expect([...missions].filter((name) => !names.has(name))).toEqual([]);
  for (const id of servants) {
    expect((await fetch(`${url}/servant/${id}/next_assignment`)).status).toBe(204);
  }
  host.kill();
  expect(await host.exited).toBe(0);
}, 60_000);

test("state, goal, log and traces outlive kill -9, in one rising order", async () => {
  await using files = await project();
  const stateDir = join(files.path, "state");
  using first = await startHost("--state-dir", stateDir);
  await send("POST", `${first.url}/start`, { start: ["robot_at(room_one)"] });
  await send("POST", `${first.url}/belief/set`, { fluent: "hands_free", value: false });
  await send("POST", `${first.url}/goal`, { goal: ["robot_at(room_two)"] });
  await send("PUT", `${first.url}/objects/box_a`, { weight: 7 });
  const modified = await get(`${first.url}/objects_modified_at`);
  const before = await get(`${first.url}/logs`);
  const traced = await get(`${first.url}/traces`);
  first.host.kill("SIGKILL");
  await first.host.exited;

  using second = await startHost("--state-dir", stateDir);
  const { host, url } = second;
  expect(await get(`${url}/state`)).toEqual({ state: ["robot_at(room_one)"] } as never);
  expect(await get(`${url}/goal`)).toEqual({ goal: ["robot_at(room_two)"] } as never);
  expect(await get(`${url}/objects_modified_at`)).toEqual(modified);
  expect(await get(`${url}/objects?type=box`)).toContainEqual({
    ...{ name: "box_a", type: "box" },
    value_fields: { weight: 7 },
  });
  await send("POST", `${url}/reset`, {});
  const logs = (await get(`${url}/logs`)).logs as unknown as { timestamp: number }[];
  const earlier = before.logs as unknown as { timestamp: number }[];
  expect(logs.slice(0, earlier.length)).toEqual(earlier);
  const { traces } = (await get(`${url}/traces`)) as unknown as {
    traces: { ts: number; kind: string }[];
  };
  const old = traced.traces as unknown as { ts: number; kind: string }[];
  expect(traces.slice(0, old.length)).toEqual(old);
  expect(traces.filter(({ kind }) => kind === "session_start")).toHaveLength(2);
  for (const times of [logs.map((line) => line.timestamp), traces.map(({ ts }) => ts)]) {
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
  }
  host.kill();
  await host.exited;
}, 30_000);

test("a run that was going is interrupted, and its servant is not turned away", async () => {
  await using files = await project();
  const stateDir = join(files.path, "state");
  using first = await startHost("--state-dir", stateDir);
  const post = async (url: string, body: Json) =>
    (await (await fetch(url, { method: "POST", body: JSON.stringify(body) })).json()) as JsonObject;
  await post(`${first.url}/start`, { start: ["robot_at(room_one)"] });
  await post(`${first.url}/goal`, { goal: ["robot_at(room_two)"] });
  const { servant_id } = await post(`${first.url}/servant/register`, { transitions: ["move"] });
  const { run_id } = await post(`${first.url}/execute?wait=false`, {});
  const held = { headers: { Prefer: "wait=10" } };
  const poll = (url: string) => fetch(`${url}/servant/${servant_id}/next_assignment`, held);
  const { audit_id = null } = (await (await poll(first.url)).json()) as JsonObject;
  first.host.kill("SIGKILL");
  await first.host.exited;

  using second = await startHost("--state-dir", stateDir);
  const { host, url } = second;
  expect(await get(`${url}/runs/${run_id}`)).toMatchObject({ run_id, status: "interrupted" });
  const answer = { audit_id, success: true, message: "" };
  const late = await post(`${url}/servant/${servant_id}/result`, answer);
  expect(late).toEqual({ status: "ok", accepted: true });
  expect(await get(`${url}/state`)).toMatchObject({ state: ["hands_free", "robot_at(room_two)"] });
  expect(await get(`${url}/runs/${run_id}`)).toMatchObject({
    status: "interrupted",
    results: [{ audit_id, success: true, late: true }],
  });
  const { traces } = await get(`${url}/traces`);
  expect((traces as unknown as { kind: string }[]).filter(isEnd)).toMatchObject([
    { data: { audit_id, success: false, interrupted: true } },
    { data: { audit_id, success: true, late: true } },
  ]);
  // Once: what it says again is only logged.
  await post(`${url}/belief/set`, { fluent: "robot_at(room_two)", value: false });
  await post(`${url}/belief/set`, { fluent: "robot_at(room_one)", value: true });
  expect(await post(`${url}/servant/${servant_id}/result`, answer)).toMatchObject({
    accepted: false,
  });
  expect(await get(`${url}/state`)).toMatchObject({ state: ["hands_free", "robot_at(room_one)"] });
  // It gets work again, under its old id.
  await post(`${url}/execute?wait=false`, {});
  expect(await (await poll(url)).json()).toMatchObject({ transition_name: "move" });
  host.kill("SIGKILL");
  await host.exited;
}, 30_000);

function isEnd({ kind }: { kind: string }): boolean {
  return kind === "behavior_end";
}

test("after kill -9 in mid-step the next run waits for the servant and repeats nothing", async () => {
  await using files = await project();
  const stateDir = join(files.path, "state");
  using first = await startHost("--state-dir", stateDir);
  const post = async (url: string, body: Json) =>
    (await (await fetch(url, { method: "POST", body: JSON.stringify(body) })).json()) as JsonObject;
  await post(`${first.url}/start`, { start: ["robot_at(room_one)", "box_at(room_two, box_a)"] });
  await post(`${first.url}/goal`, { goal: ["holding(box_a)"] });
  const offer = { transitions: ["move", "pick"] };
  const { servant_id } = await post(`${first.url}/servant/register`, offer);
  await post(`${first.url}/execute?wait=false`, {});
  const poll = async (url: string, holds: string) => {
    const headers = { Prefer: "wait=2", "Servant-Takes": "action, belief", "Servant-Holds": holds };
    return await fetch(`${url}/servant/${servant_id}/next_assignment`, { headers });
  };
  const given = (await (await poll(first.url, "")).json()) as JsonObject;
  expect(given).toMatchObject({ transition_name: "move" });
  first.host.kill("SIGKILL");
  await first.host.exited;

  using second = await startHost("--state-dir", stateDir);
  const { host, url } = second;
  const { run_id } = await post(`${url}/execute?wait=false`, {});
  const audit_id = String(given.audit_id);
  expect((await poll(url, audit_id)).status).toBe(204); // it says that it is at it
  expect(JSON.stringify(await get(`${url}/logs`))).toContain("may still be under way");
  await post(`${url}/servant/${servant_id}/result`, { audit_id, success: true, message: "" });
  const next = (await (await poll(url, "")).json()) as JsonObject;
  expect(next).toMatchObject({ transition_name: "pick" });
  await post(`${url}/servant/${servant_id}/result`, {
    ...{ audit_id: next.audit_id ?? null, success: true, message: "" },
  });
  while ((await get(`${url}/runs/${run_id}`)).status === "running") await Bun.sleep(10);
  expect(await get(`${url}/runs/${run_id}`)).toMatchObject({
    status: "succeeded",
    results: [{ action_name: "pick", success: true }],
  });
  host.kill();
  await host.exited;
}, 30_000);

test("the state that an earlier version kept is taken over once", async () => {
  const kept = {
    version: 1,
    objects: [{ name: "crate", type: "box", fields: { weight: 2 } }],
    set: [["holding(crate)", true]],
    goal: ["holding(box_a)"],
    servants: [{ id: "an-old-one", transitions: ["move"], fluents: [] }],
  };
  await using files = await project({ "backend.json": JSON.stringify(kept) });
  for (const weight of [2, 3]) {
    using running = await startHost("--state-dir", files.path);
    const { host, url } = running;
    expect(await get(`${url}/objects?type=box`)).toContainEqual({
      ...{ name: "crate", type: "box" },
      value_fields: { weight },
    });
    expect(await get(`${url}/goal`)).toEqual({ goal: ["holding(box_a)"] } as never);
    expect((await fetch(`${url}/servant/an-old-one/next_assignment`)).status).toBe(204);
    await send("PUT", `${url}/objects/crate`, { weight: 3 });
    host.kill("SIGKILL");
    await host.exited;
  }
  expect(existsSync(join(files.path, "backend.json"))).toBe(false);
  expect(existsSync(join(files.path, "backend.json.migrated"))).toBe(true);
}, 30_000);
