/** The compiled gateway between clients and sessions: many polls, large bodies, websockets, deaths. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { memory } from "../../bench/processes.ts";
import { RunningGateway } from "../support/gateway.ts";
import { until } from "../support/proxied.ts";
import { RawHttp } from "../support/raw-http.ts";

const MIB = 2 ** 20;
let gateway: RunningGateway;
let place: { readonly port: number; readonly ca: string | undefined };
let token: string;

beforeAll(async () => {
  gateway = await RunningGateway.start({ args: ["--max-body", "128MiB"] });
  place = { port: Number(new URL(gateway.url).port), ca: gateway.ca };
  token = await gateway.logIn("bob");
});
afterAll(async () => await gateway[Symbol.asyncDispose]());

/** A request's head; what is between it and its end is the body's affair. */
function head(method: string, path: string, ...headers: string[]): string {
  const all = ["Host: 127.0.0.1", `Authorization: Bearer ${token}`, "X-Requested-With: dynos"];
  return `${method} ${path} HTTP/1.1\r\n${[...all, ...headers].join("\r\n")}\r\n\r\n`;
}

async function json<T>(path: string, body?: object): Promise<T> {
  const reply = await gateway.ask(path, { token, ...(body === undefined ? {} : { json: body }) });
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
  return (await reply.json()) as T;
}

/** The process of a session, by the port that its record tells. */
function processOf({ url }: { readonly url: string }): number {
  const port = new URL(url).port;
  const found = readdirSync("/proc").find((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`\0--port\0${port}\0`);
    } catch {
      return false; // gone meanwhile
    }
  });
  return Number(found);
}

const POLLS = 1_000;

// Goal: no number of servants that wait keeps a person or another servant waiting.
test("a thousand polls are held at once, others are served, and each hand-out arrives", async () => {
  const { session_id: id } = await gateway.createSession(token);
  const register = {
    transitions: ["move"],
    beliefs: [],
    domain_modules: [],
    anonymous_actions: [],
  };
  const servants: string[] = [];
  while (servants.length < POLLS) {
    const some = Array.from({ length: 50 }, async () =>
      json<{ servant_id: string }>(`/s/${id}/servant/register`, register),
    );
    for (const { servant_id } of await Promise.all(some)) servants.push(servant_id);
  }
  const polls = await Promise.all(
    servants.map(async (servant) =>
      (await RawHttp.open(place)).send(
        head("GET", `/s/${id}/servant/${servant}/next_assignment`, "Prefer: wait=50"),
      ),
    ),
  );
  await until(() => polls.every(({ socket }) => socket.bytesWritten > 0));
  // Longer than any limit on silence that a server has by itself.
  const beganAtMs = performance.now();
  while (performance.now() - beganAtMs < 12_000) {
    const askedAtMs = performance.now();
    await json(`/s/${id}/state`);
    expect(performance.now() - askedAtMs).toBeLessThan(5_000);
    await Bun.sleep(500);
  }
  expect(polls.filter(({ heard, isClosed }) => heard !== "" || isClosed)).toHaveLength(0);
  const ran = json(`/s/${id}/trigger`, {
    action: "move",
    params: { start: "room_one", end: "room_two" },
  });
  await until(() => polls.some(({ heard }) => heard.includes('"transition_name":"move"')));
  const at = polls.findIndex(({ heard }) => heard.includes("transition_name"));
  const [, audit_id = ""] = /"audit_id":"([^"]+)"/.exec(polls[at]?.heard ?? "") ?? [];
  await json(`/s/${id}/servant/${servants[at]}/result`, { success: true, message: "", audit_id });
  expect(await ran).toMatchObject({ success: true });
  expect(polls.filter(({ heard }) => heard !== "")).toHaveLength(1);
  for (const poll of polls) poll.close();
  await json(`/s/${id}/state`);
  await gateway.ask(`/sessions/${id}`, { token, method: "DELETE" });
}, 90_000);

test("a hundred megabytes go through, and are not kept", async () => {
  const { session_id: id } = await gateway.createSession(token);
  const bytes = 100 * MIB;
  await json(`/s/${id}/state`);
  const before = memory([gateway.process.pid]).pss;
  // Spaces inside the JSON: what is long for the gateway is short for the session.
  const start = '{"goal":["hands_free"]';
  const part = new Uint8Array(MIB).fill(0x20);
  for (const length of [`Content-Length: ${bytes}`, "Transfer-Encoding: chunked"]) {
    const isChunked = length.startsWith("T");
    const raw = await RawHttp.open(place);
    const send = (bytes: string | Uint8Array) => {
      if (isChunked) raw.send(`${bytes.length.toString(16)}\r\n`);
      raw.send(bytes);
      if (isChunked) raw.send("\r\n");
    };
    raw.send(head("POST", `/s/${id}/goal`, length));
    send(start);
    let peak = 0;
    for (let left = bytes - start.length - 1; left > 0 && !raw.isClosed; left -= part.length) {
      send(part.subarray(0, left));
      await until(() => raw.socket.writableLength < 4 * MIB || raw.isClosed);
      peak = Math.max(peak, memory([gateway.process.pid]).pss);
    }
    send("}");
    if (isChunked) raw.send("0\r\n\r\n");
    expect(await raw.hear("hands_free")).toContain("HTTP/1.1 200");
    expect(peak - before).toBeLessThan(64);
    raw.close();
  }
  const declared = await RawHttp.open(place);
  declared.send(head("POST", `/s/${id}/objects`, `Content-Length: ${129 * MIB}`));
  expect(await declared.hear("request.too-large")).toContain(String(128 * MIB));
  declared.close();
}, 60_000);

test("a run's events come as a websocket through the gateway", async () => {
  const { session_id: id } = await gateway.createSession(token);
  await json(`/s/${id}/goal`, { goal: ["robot_at(room_two)"] });
  const { run_id } = await json<{ run_id: string }>(`/s/${id}/execute?wait=false`, {});
  const url = `${gateway.url.replace("http", "ws")}/s/${id}/runs/${run_id}/events`;
  const headers = { Authorization: `Bearer ${token}` };
  const tls = gateway.ca === undefined ? {} : { tls: { ca: gateway.ca } };
  const socket = new WebSocket(url, { headers, ...tls });
  const events: unknown[] = [];
  socket.onmessage = ({ data }) => events.push(JSON.parse(String(data)));
  const code = await new Promise((resolve) => {
    socket.onclose = (event) => resolve(event.code);
  });
  const { events: kept } = await json<{ events: unknown[] }>(`/s/${id}/runs/${run_id}/events`);
  expect(code).toBe(1000);
  expect(events.length).toBeGreaterThan(0);
  expect(events.map((each) => (each as { seq: number }).seq)).toEqual(
    kept.map((each) => (each as { seq: number }).seq),
  );
  // A page of another site gets none, whatever it was told.
  const foreign = await RawHttp.open(place);
  foreign.send(
    head(
      "GET",
      `/s/${id}/runs/${run_id}/events`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      "Origin: https://evil.example",
    ),
  );
  expect(await foreign.hear("request.foreign")).toStartWith("HTTP/1.1 403 ");
  foreign.close();
});

test("a session that is killed ends its polls with what to do, and its neighbours go on", async () => {
  const [doomed, other] = [await gateway.createSession(token), await gateway.createSession(token)];
  const register = { transitions: ["move"] };
  const poll = async ({ session_id: id }: { session_id: string }) => {
    const { servant_id } = await json<{ servant_id: string }>(
      `/s/${id}/servant/register`,
      register,
    );
    const raw = await RawHttp.open(place);
    raw.send(head("GET", `/s/${id}/servant/${servant_id}/next_assignment`, "Prefer: wait=50"));
    return raw;
  };
  const [cut, held] = [await poll(doomed), await poll(other)];
  await Bun.sleep(200); // both are on their way
  process.kill(processOf(doomed), "SIGKILL");
  const heard = await cut.hear("session.dead");
  expect(heard).toStartWith("HTTP/1.1 502 ");
  expect(heard).toContain("agent session reset");
  const later = await gateway.ask(`/s/${doomed.session_id}/state`, { token });
  expect([later.status, ((await later.json()) as { code: string }).code]).toEqual([
    502,
    "session.dead",
  ]);
  await json(`/s/${other.session_id}/state`);
  expect([held.heard, held.isClosed]).toEqual(["", false]);
  for (const raw of [cut, held]) raw.close();
});
