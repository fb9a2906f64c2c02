// Goal: a session is its owner's alone, outlives its gateway, and goes when it is to go.
// Method: the compiled gateway and its real processes, stopped, killed and suspended from outside.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { memory } from "../../bench/processes.ts";
import { GATEWAY_SECRET_HEADER } from "../../src/core/gateway.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { markOf } from "../../src/system/process-mark.ts";
import type { SessionRecord } from "../../src/wire/gateway.ts";
import { RunningGateway } from "../support/gateway.ts";
import { PATIENCE_MS } from "../support/running.ts";

/** Long enough for any of these tests, and no process is left for long when one fails. */
const ORPHAN_AFTER = ["--orphan-after", "60"];

const started = (...args: string[]) =>
  RunningGateway.start({ isPlain: true, args: [...ORPHAN_AFTER, ...args] });

/** The process of a session: it holds its world. */
function pidOf({ stateDir }: RunningGateway, id: string): number {
  return Number(readFileSync(join(stateDir, id, "world", "lock"), "utf8"));
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const late = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > late) throw new Error(`it never came to be: ${isSo}`);
    await Bun.sleep(20);
  }
}

async function json(answer: Promise<Response>): Promise<JsonObject> {
  return (await (await answer).json()) as JsonObject;
}

const atRoomOne = { start: ["robot_at(room_one)"] };

test("a session's process answers nobody but its gateway, whatever is asked", async () => {
  await using gateway = await started();
  const token = await gateway.logIn("bob");
  const { session_id: id, url } = await gateway.createSession(token);
  for (const path of ["/health", "/", "/state", "/openapi.json", "/nothing"]) {
    for (const headers of [{}, { [GATEWAY_SECRET_HEADER]: "guess" }, { Host: "example.com" }]) {
      const answer = await fetch(url + path, { headers });
      expect([answer.status, await answer.text()]).toEqual([403, ""]);
    }
  }
  const socket = new WebSocket(`${url.replace("http", "ws")}/runs/events`);
  await new Promise((resolve) => {
    socket.onerror = resolve;
  });
  expect(socket.readyState).not.toBe(WebSocket.OPEN);
  // Nor can it be read off the process: what the gateway kept is nowhere in it.
  const kept = readFileSync(join(gateway.stateDir, "gateway.sqlite-wal"), "latin1");
  const secrets = [...kept.matchAll(/"secret":"([\w-]{43})"/g)].map(([, secret = ""]) => secret);
  expect(secrets.length).toBeGreaterThan(0);
  const pid = pidOf(gateway, id);
  for (const file of ["cmdline", "environ"]) {
    const text = readFileSync(`/proc/${pid}/${file}`, "latin1");
    for (const secret of secrets) expect(text).not.toContain(secret);
  }
  for (const [path, mode] of [
    [gateway.stateDir, 0o700],
    [join(gateway.stateDir, id), 0o700],
    [join(gateway.stateDir, id, "session.log"), 0o600],
    [join(gateway.stateDir, "gateway.sqlite"), 0o600],
  ] as const) {
    expect([path, statSync(path).mode & 0o777]).toEqual([path, mode]);
  }
}, 30_000);

test("what cannot be created is refused in words; those that race do not exceed the cap", async () => {
  await using gateway = await started("--sessions-per-user", "2");
  const token = await gateway.logIn("bob");
  const refusal = async (asked: object) => {
    const answer = await gateway.ask("/sessions", { token, json: asked });
    return [answer.status, ((await answer.json()) as JsonObject).detail];
  };
  expect(await refusal({ config: { robot: "roomba" } })).toEqual([
    400,
    expect.stringMatching(/"roomba".*sentry-mock/),
  ]);
  for (const timeout_s of [0, 604_801, 1.5, "60"]) {
    expect((await refusal({ timeout_s }))[0]).toBe(400);
  }
  const racing = Array.from({ length: 6 }, () =>
    gateway.ask("/sessions", { token, json: { config: { note: "hi" } } }),
  );
  const statuses = (await Promise.all(racing)).map(({ status }) => status).sort();
  expect(statuses).toEqual([200, 200, 403, 403, 403, 403]);
  const { sessions } = await json(gateway.ask("/sessions", { token }));
  expect(sessions).toMatchObject([{ config: { note: "hi" } }, { config: { note: "hi" } }]);
}, 30_000);

test("a session that cannot start says why, with what its process said", async () => {
  await using gateway = await started("--domain", "/no/such/domain.ts");
  const token = await gateway.logIn("bob");
  const answer = await gateway.ask("/sessions", { token, json: {} });
  expect(answer.status).toBe(503);
  expect(((await answer.json()) as JsonObject).detail).toMatch(/\/no\/such\/domain\.ts/);
  expect(await json(gateway.ask("/sessions", { token }))).toEqual({ sessions: [] });
  expect(readdirSync(gateway.stateDir).filter((name) => name.length === 36)).toEqual([]);
}, 30_000);

test("a port that another program listens on is passed over; when all are, that is said", async () => {
  using other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("other") });
  await using gateway = await started("--session-ports", `${other.port}-${(other.port ?? 0) + 1}`);
  const token = await gateway.logIn("bob");
  const { url } = await gateway.createSession(token);
  expect(url).toBe(`http://127.0.0.1:${(other.port ?? 0) + 1}`);
  const answer = await gateway.ask("/sessions", { token, json: {} });
  expect(answer.status).toBe(503);
  expect(((await answer.json()) as JsonObject).detail).toContain("are in use");
}, 30_000);

test("config.robot brings a simulated vehicle", async () => {
  await using gateway = await started("--time-scale", "100");
  const token = await gateway.logIn("bob");
  const config = { robot: "sentry-mock" };
  const { session_id: id } = await gateway.createSession(token, { config });
  await until(async () => {
    const actions = (await json(gateway.ask(`/s/${id}/actions`, { token }))) as unknown;
    const goto = (actions as JsonObject[]).find(({ name }) => name === "goto");
    return typeof goto?.provider === "string";
  });
}, 30_000);

test("a session that crashes is dead at once, and a reset brings it back with a fresh world", async () => {
  await using gateway = await started();
  const token = await gateway.logIn("bob");
  const { session_id: id, url, label } = await gateway.createSession(token);
  await gateway.ask(`/s/${id}/start`, { token, json: atRoomOne });
  process.kill(pidOf(gateway, id), "SIGKILL");
  const info = () => json(gateway.ask(`/sessions/${id}`, { token }));
  const killedAt = performance.now();
  await until(async () => (await info()).status === "dead");
  expect(performance.now() - killedAt).toBeLessThan(1_000);
  const answer = await gateway.ask(`/s/${id}/state`, { token });
  expect(answer.status).toBe(502);
  expect(await answer.json()).toMatchObject({
    code: "session.dead",
    hint: expect.stringContaining("reset"),
  });
  await gateway.process.until(/of \\"bob\\"\) has ended by itself: see [^"]*session\.log/);
  const logged = async () => (await gateway.ask(`/sessions/${id}/logs`, { token })).text();
  await until(async () => /process of this session was ended by SIGKILL\n$/.test(await logged()));
  const reset = () => gateway.ask(`/sessions/${id}/reset`, { token, method: "POST" });
  const replies = await Promise.all([reset(), reset()]);
  for (const reply of replies) {
    expect(await reply.json()).toMatchObject({ session_id: id, url, label, status: "running" });
  }
  expect(await json(gateway.ask(`/s/${id}/state`, { token }))).toEqual({ state: ["hands_free"] });
  const log = await (await gateway.ask(`/sessions/${id}/logs`, { token })).text();
  expect(log.match(/backend ready on/g)).toHaveLength(3);
}, 30_000);

test("a process that heeds no SIGTERM is killed after ten seconds, and its folder goes", async () => {
  await using gateway = await started();
  const token = await gateway.logIn("bob");
  const { session_id: id } = await gateway.createSession(token);
  const mark = markOf(pidOf(gateway, id));
  process.kill(mark?.pid ?? 0, "SIGSTOP");
  await until(() => readFileSync(`/proc/${mark?.pid}/stat`, "utf8").includes(") T "));
  const askedAt = performance.now();
  const stopping = gateway.ask(`/sessions/${id}`, { token, method: "DELETE" });
  await until(async () => (await gateway.ask(`/sessions/${id}`, { token })).status === 404);
  expect((await stopping).status).toBe(204);
  expect(performance.now() - askedAt).toBeGreaterThan(9_500);
  expect(markOf(mark?.pid ?? 0)).toBeUndefined();
  expect(existsSync(join(gateway.stateDir, id))).toBe(false);
}, 40_000);

test("a session expires when nobody came for its timeout, not while somebody is in it", async () => {
  await using gateway = await started();
  const token = await gateway.logIn("bob");
  const create = () => gateway.createSession(token, { timeout_s: 1 });
  const [held, aborted, idle] = await Promise.all([create(), create(), create()]);
  const poll = async ({ session_id: id }: SessionRecord, signal?: AbortSignal) => {
    const offer = { transitions: ["move"] };
    const path = `/s/${id}/servant`;
    const { servant_id } = await json(gateway.ask(`${path}/register`, { token, json: offer }));
    return gateway.ask(`${path}/${servant_id}/next_assignment`, {
      ...{ token, headers: { Prefer: "wait=8" } },
      ...(signal === undefined ? {} : { signal }),
    });
  };
  const abort = new AbortController();
  const polls = Promise.allSettled([poll(held), poll(aborted, abort.signal)]);
  const exists = async ({ session_id: id }: SessionRecord) =>
    (await gateway.ask(`/sessions/${id}`, { token })).status === 200;
  await until(async () => !(await exists(idle)));
  expect([await exists(held), await exists(aborted)]).toEqual([true, true]);
  abort.abort();
  await until(async () => !(await exists(aborted)));
  expect(await exists(held)).toBe(true);
  await polls;
  await until(async () => !(await exists(held)));
  expect((await gateway.ask(`/s/${held.session_id}/health`, { token })).status).toBe(404);
}, 40_000);

test.each(["SIGTERM", "SIGKILL"] as const)(
  "sessions, their labels and worlds, and tokens survive %s and a new start",
  async (signal) => {
    await using gateway = await started();
    const token = await gateway.logIn("bob");
    const create = () => gateway.createSession(token);
    const [first, second] = [await create(), await create()];
    await gateway.ask(`/s/${first.session_id}/start`, { token, json: atRoomOne });
    process.kill(pidOf(gateway, second.session_id), "SIGKILL");
    const list = async () =>
      ((await json(gateway.ask("/sessions", { token }))).sessions ?? []) as JsonObject[];
    await until(async () => (await list())[1]?.status === "dead");
    const pid = pidOf(gateway, first.session_id);
    gateway.process.kill(signal);
    await gateway.process.exited;
    expect(markOf(pid) === undefined).toBe(signal === "SIGTERM");
    await gateway.start();
    expect(await list()).toMatchObject([
      { ...pick(first), status: "running" },
      { ...pick(second), status: "dead" },
    ]);
    const state = () => gateway.ask(`/s/${first.session_id}/state`, { token });
    await until(async () => (await state()).status === 200);
    expect((await json(state())).state).toContain("robot_at(room_one)");
    expect(pidOf(gateway, first.session_id) === pid).toBe(signal === "SIGKILL");
    // It is the new gateway's as it was the old one's.
    const deleted = gateway.ask(`/sessions/${first.session_id}`, { token, method: "DELETE" });
    expect((await deleted).status).toBe(204);
    expect(markOf(pid)).toBeUndefined();
  },
  30_000,
);

function pick({ session_id, label, url, created_at, timeout_s }: SessionRecord) {
  return { session_id, label, url, created_at, timeout_s };
}

test("a mission goes on while the gateway is killed and started again", async () => {
  await using gateway = await started();
  const token = await gateway.logIn("bob");
  const { session_id: id } = await gateway.createSession(token);
  const post = (path: string, body: object) =>
    json(gateway.ask(`/s/${id}${path}`, { token, json: body }));
  await post("/start", { start: ["robot_at(room_one)", "box_at(room_two, box_a)"] });
  await post("/goal", { goal: ["holding(box_a)"] });
  const { servant_id } = await post("/servant/register", { transitions: ["move", "pick"] });
  const { run_id } = await post("/execute?wait=false", {});
  const next = async () => {
    const headers = { Prefer: "wait=5" };
    const path = `/s/${id}/servant/${servant_id}/next_assignment`;
    return await json(gateway.ask(path, { token, headers }));
  };
  const answer = ({ audit_id = null }: JsonObject) =>
    post(`/servant/${servant_id}/result`, { audit_id, success: true, message: "" });
  const move = await next();
  expect(move).toMatchObject({ transition_name: "move" });
  gateway.process.kill("SIGKILL");
  await gateway.process.exited;
  await gateway.start();
  await until(async () => (await gateway.ask(`/s/${id}/health`, { token })).ok);
  await answer(move);
  const picked = await next();
  expect(picked).toMatchObject({ transition_name: "pick" });
  await answer(picked);
  const run = () => json(gateway.ask(`/s/${id}/runs/${run_id}`, { token }));
  await until(async () => (await run()).status !== "running");
  expect(await run()).toMatchObject({ status: "succeeded", results: [{}, {}] });
}, 30_000);

const ROUNDS = 6;
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

/** The processes of a gateway's sessions, whoever knows of them. */
function processesIn({ stateDir }: RunningGateway): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && markOf(Number(name)));
  return pids.flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return command.includes("--gateway-fd") ? (command.split(`${stateDir}/`)[1] ?? []) : [];
    } catch {
      return []; // it has ended
    }
  });
}

test(`a gateway that is killed at any moment leaves no session half done (SEED=${seed})`, async () => {
  await using gateway = await started();
  const token = await gateway.logIn("bob");
  const ask = (path: string, method: string) =>
    gateway.ask(path, { token, method, ...(method === "POST" ? { json: {} } : {}) });
  const list = async () =>
    (await json(gateway.ask("/sessions", { token }))).sessions as unknown as SessionRecord[];
  let random = seed;
  for (let round = 0; round < ROUNDS; round += 1) {
    const told = new Set((await list()).map(({ session_id }) => session_id));
    const [stopped, reset] = [...told];
    const note = (made: Response | undefined, at: (id: string) => void, id = "") => {
      if (made?.ok) at(id);
    };
    const busy = Promise.all([
      ...[1, 2, 3].map(async () => {
        const made = await ask("/sessions", "POST").catch(() => undefined);
        const { session_id } = ((await made?.json().catch(() => ({}))) ?? {}) as JsonObject;
        note(made, (id) => told.add(id), typeof session_id === "string" ? session_id : "");
      }),
      ask(`/sessions/${stopped}`, "DELETE").then(
        (answer) => note(answer, (id) => told.delete(id), stopped),
        () => {},
      ),
      ask(`/sessions/${reset}/reset`, "POST").catch(() => {}),
    ]);
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    await Bun.sleep(random % 200);
    gateway.process.kill("SIGKILL");
    await Promise.all([busy, gateway.process.exited]);
    await gateway.start();
    const isThere = async ({ session_id: id, status }: SessionRecord) =>
      status === "running" && (await ask(`/s/${id}/health`, "GET")).ok;
    await until(async () => (await Promise.all((await list()).map(isThere))).every((is) => is));
    const ids = (await list()).map(({ session_id }) => session_id).sort();
    // What was to be stopped may be gone though nobody was told of it; nothing else is.
    const missing = [...told].filter((id) => id !== stopped && !ids.includes(id) && id !== "");
    expect(missing).toEqual([]);
    // Nobody was told of what was being created: it goes, process and folder.
    const folders = () => readdirSync(gateway.stateDir).filter((name) => name.length === 36);
    await until(() => folders().sort().join() === ids.join());
    const processes = processesIn(gateway).map((path) => path.slice(0, 36));
    expect(processes.sort()).toEqual(ids);
    for (const id of ids.slice(4)) await ask(`/sessions/${id}`, "DELETE");
  }
}, 60_000);

test("a process whose gateway never comes back ends by itself, and its world is kept", async () => {
  await using gateway = await RunningGateway.start({
    isPlain: true,
    args: ["--orphan-after", "3"], // the gateway itself comes each four minutes
  });
  const token = await gateway.logIn("bob");
  const { session_id: id } = await gateway.createSession(token);
  await gateway.ask(`/s/${id}/start`, { token, json: atRoomOne });
  const pid = pidOf(gateway, id);
  gateway.process.kill("SIGKILL");
  await gateway.process.exited;
  await until(() => markOf(pid) === undefined);
  await gateway.start();
  const state = () => gateway.ask(`/s/${id}/state`, { token });
  await until(async () => (await state()).status === 200);
  expect((await json(state())).state).toContain("robot_at(room_one)");
}, 30_000);

test("what a single large request took is given back", async () => {
  await using gateway = await started();
  const token = await gateway.logIn("bob");
  const { session_id: id } = await gateway.createSession(token);
  const mebibytes = () => memory([pidOf(gateway, id)]).anonymous;
  const before = mebibytes();
  const things = Array.from({ length: 200_000 }, (_, n) => ({ name: `thing ${n}`, n }));
  // The first time it is given back in any case.
  for (const _ of ["after the start", "later"]) {
    await gateway.ask(`/s/${id}/goal`, { token, json: { goal: [], things } });
    expect(mebibytes()).toBeGreaterThan(before + 25);
    await until(() => mebibytes() < before + 15);
  }
}, 30_000);

test("a log that grows without end is cut, and its newest part is told", async () => {
  await using gateway = await started();
  const token = await gateway.logIn("bob");
  const { session_id: id } = await gateway.createSession(token);
  const path = join(gateway.stateDir, id, "session.log");
  const lines = Array.from({ length: 100_000 }, (_, line) => `line ${line} ${"x".repeat(60)}\n`);
  writeFileSync(path, lines.join(""), { flag: "a" });
  await until(() => statSync(path).size < 1_000_000);
  const log = await (await gateway.ask(`/sessions/${id}/logs`, { token })).text();
  expect(log).toMatch(/^line \d+ x+\n/);
  expect(log).toMatch(/line 99999 x+\n$/);
  expect(log.length).toBeLessThan(300_000);
  expect(statSync(`${path}.1`).size).toBeLessThan(5_000_000);
}, 30_000);
