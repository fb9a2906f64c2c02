// Goal: whoever has no business in a session does not get in, and whoever has is not kept out. Method: the
// compiled gateway behind a certificate that was made for the test, asked over the network.
import { expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { agent, ensureBinary, root } from "../support/binary.ts";
import { type Certificates, throwAwayCertificates } from "../support/certificates.ts";
import { PEOPLE, RunningGateway } from "../support/gateway.ts";
import { start } from "../support/running.ts";

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await Bun.sleep(20);
}

test("who logs in gets a session of their own, and is out after the logout", async () => {
  await using gateway = await RunningGateway.start();
  const token = await gateway.logIn("bob");
  const { session_id: id, owner_username: owner } = await gateway.createSession(token);
  expect(owner).toBe("bob");
  const health = await gateway.ask(`/s/${id}/health`, { token });
  expect(await health.json()).toMatchObject({ status: "ok" });
  const goal = ["box_at(room_two, box_a)"];
  await gateway.ask(`/s/${id}/goal`, { token, json: { goal } });
  expect(await (await gateway.ask(`/s/${id}/goal`, { token })).json()).toMatchObject({ goal });
  expect((await gateway.ask("/auth/logout", { token, method: "POST" })).status).toBe(200);
  expect((await gateway.ask(`/s/${id}/health`, { token })).status).toBe(401);
});

test("nothing is said to whoever does not trust the authority, or speaks in clear", async () => {
  await using gateway = await RunningGateway.start();
  const code = await fetch(`${gateway.url}/health`).catch((cause) => cause.code);
  expect(code).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  const clear = await fetch(`${gateway.url.replace("https", "http")}/health`).catch(
    () => "cut off",
  );
  expect(clear).toBe("cut off");
  expect((await gateway.ask("/health")).status).toBe(200);
});

test("a renewed certificate counts from then on, and cuts off nothing that is open", async () => {
  await using gateway = await RunningGateway.start();
  const token = await gateway.logIn("bob");
  const { session_id: id } = await gateway.createSession(token);
  const registered = await gateway.ask(`/s/${id}/servant/register`, {
    token,
    json: { transitions: ["move"] },
  });
  const { servant_id } = (await registered.json()) as { servant_id: string };
  const poll = gateway.ask(`/s/${id}/servant/${servant_id}/next_assignment`, {
    token,
    headers: { Prefer: "wait=20" },
  });
  const certificates = gateway.certificates as Certificates;
  // One after the other, as they are copied; then one that is broken.
  using renewed = throwAwayCertificates();
  const ca = readFileSync(renewed.ca, "utf8");
  cpSync(renewed.cert, certificates.cert);
  cpSync(renewed.key, certificates.key);
  const asked = () => fetch(`${gateway.url}/health`, { tls: { ca }, keepalive: false });
  await until(async () => (await asked().catch(() => undefined))?.status === 200);
  const told = gateway.process.output().split("\n");
  const line = told.find((each) => each.includes("renewed certificate")) ?? "{}";
  expect(JSON.parse(line)).toMatchObject({ level: "info", source: "gateway" });
  writeFileSync(certificates.key, "no key");
  await gateway.process.until(/the certificate before goes on/);
  expect((await asked()).status).toBe(200);
  const action = { action: "move", params: { start: "room_robot_home", end: "room_one" } };
  const headers = { Authorization: `Bearer ${token}` };
  const body = JSON.stringify(action);
  const triggered = fetch(`${gateway.url}/s/${id}/trigger`, {
    ...{ method: "POST", headers, body, tls: { ca } },
  });
  const assignment = await poll;
  expect([assignment.status, await assignment.json()]).toEqual([
    200,
    expect.objectContaining({ transition_name: "move" }),
  ]);
  await gateway.stop();
  await triggered.catch(() => undefined); // it was not answered: the servant had it in hand
});

test("a token outlives its gateway, and nothing on disk is one", async () => {
  await using gateway = await RunningGateway.start({ isPlain: true });
  const token = await gateway.logIn("carol");
  gateway.process.kill("SIGKILL");
  await gateway.process.exited;
  await gateway.start();
  expect((await gateway.ask("/sessions", { token })).status).toBe(200);
  await gateway.ask("/auth/logout", { token, method: "POST" });
  expect(await gateway.stop()).toBe(0);
  const { password } = PEOPLE.carol;
  for (const name of readdirSync(gateway.stateDir, { recursive: true }) as string[]) {
    const path = join(gateway.stateDir, name);
    if (!statSync(path).isFile()) continue;
    const text = readFileSync(path);
    expect([name, statSync(path).mode & 0o077]).toEqual([name, 0]);
    for (const secret of [token, password]) {
      expect([name, text.includes(secret)]).toEqual([name, false]);
    }
  }
  await gateway.start();
  expect((await gateway.ask("/sessions", { token })).status).toBe(401); // nor does it come back
});

test("the users file counts from its change on; an edit that breaks it changes nothing", async () => {
  await using gateway = await RunningGateway.start({ isPlain: true });
  const [bob, carol] = [await gateway.logIn("bob"), await gateway.logIn("carol")];
  const works = async (token: string) => (await gateway.ask("/sessions", { token })).status === 200;
  const before = readFileSync(gateway.usersPath, "utf8");
  writeFileSync(gateway.usersPath, `${before.slice(0, -3)}`);
  await gateway.process.until(/stays as it was/);
  expect([await works(bob), await works(carol)]).toEqual([true, true]);
  expect(await gateway.logIn("bob")).toBeString();
  await gateway.writeUsers({ bob: { password: "another one", role: "admin" } });
  expect(await gateway.logIn("bob", "another one")).toBeString();
  await until(async () => !(await works(carol)));
  expect(await works(bob)).toBe(false); // the old password's login went with it
  writeFileSync(`${gateway.usersPath}.new`, before, { mode: 0o600 }); // as editors do it
  renameSync(`${gateway.usersPath}.new`, gateway.usersPath);
  expect(await gateway.logIn("carol")).toBeString();
  chmodSync(gateway.usersPath, 0o666);
  await gateway.process.until(/others may write it \(mode 666\): chmod 600/);
});

test("passwords are the same ones to Python's, Apache's and our own hashes", async () => {
  await using gateway = await RunningGateway.start({ isPlain: true });
  const made = await agent(
    ["hash-password", "--json", "dave", "--rounds", "4", "--password-stdin"],
    {
      stdin: "open sésame\n",
    },
  );
  const { dave } = JSON.parse(`{${made.stdout}}`);
  const spelled = (letter: string) => dave.password_hash.replace("$2b$", `$2${letter}$`);
  const users = Object.fromEntries(
    ["a", "b", "y"].map((letter) => [`dave-${letter}`, { password_hash: spelled(letter) }]),
  );
  writeFileSync(gateway.usersPath, JSON.stringify({ users }), { mode: 0o600 });
  for (const username of Object.keys(users)) {
    for (const [password, status] of [
      ["open sésame", 200],
      ["open sesame", 401],
    ] as const) {
      const answer = await gateway.ask("/auth/login", { json: { username, password } });
      expect([username, password, answer.status]).toEqual([username, password, status]);
    }
  }
});

test("a guesser waits, its neighbours too, and nobody is slowed down by it", async () => {
  await using gateway = await RunningGateway.start({
    isPlain: true,
    args: ["--trust-proxy", "127.0.0.0/8"],
  });
  const guess = (username: string, password: string, client: string) =>
    gateway.ask("/auth/login", {
      json: { username, password },
      headers: { "X-Forwarded-For": client },
    });
  const all = await Promise.all(
    Array.from({ length: 30 }, (_, at) => guess("alice", "wrong", `2001:db8::${at.toString(16)}`)),
  );
  const statuses = Map.groupBy(all, ({ status }) => status);
  expect([...statuses.keys()].sort()).toEqual([401, 429]);
  // One more may have begun beside the tenth.
  expect(statuses.get(401)?.length).toBeWithin(10, 12);
  const limited = await guess("alice", PEOPLE.alice.password, "2001:db8::ffff");
  const retryAfter = Number(limited.headers.get("retry-after"));
  expect(limited.status).toBe(429);
  expect(retryAfter).toBeWithin(1, 61);
  expect((await guess("alice", PEOPLE.alice.password, "203.0.113.1")).status).toBe(200);
  const audit = readFileSync(join(gateway.stateDir, "audit.log"), "utf8").trimEnd().split("\n");
  const refused = audit.map((line) => JSON.parse(line)).filter(({ what }) => what === "refused");
  expect(refused.length).toBeWithin(10, 31); // and no more than that, however many come
  expect(refused[0].from).toStartWith("2001:db8::");
  expect(refused[0]).toMatchObject({ who: "alice", code: "login.wrong" });
});

test("a password of a megabyte is refused before it is read, and a login without end is cut off", async () => {
  await using gateway = await RunningGateway.start({ isPlain: true });
  const json = { username: "bob", password: "x".repeat(2 ** 20) };
  expect((await gateway.ask("/auth/login", { json })).status).toBe(413);
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536).fill(120));
    },
  });
  const answer = await gateway
    .ask("/auth/login", { method: "POST", body: endless })
    .catch(() => undefined);
  expect([undefined, 413]).toContain(answer?.status);
  expect(sent).toBeLessThan(256 * 2 ** 20);
  expect(await gateway.logIn("bob")).toBeString();
});

test("a copy of the state folder brings worlds and logins back", async () => {
  await using gateway = await RunningGateway.start({ isPlain: true });
  const token = await gateway.logIn("bob");
  const { session_id: id, label } = await gateway.createSession(token, { label: "survey" });
  const goal = ["box_at(room_two, box_a)"];
  await gateway.ask(`/s/${id}/goal`, { token, json: { goal } });
  expect(await gateway.stop()).toBe(0);
  const copy = join(gateway.folder, "copy");
  cpSync(gateway.stateDir, copy, { recursive: true });
  await gateway.start();
  await gateway.ask(`/sessions/${id}`, { token, method: "DELETE" });
  await gateway.ask("/auth/logout", { token, method: "POST" });
  await gateway.stop();
  rmSync(gateway.stateDir, { recursive: true });
  cpSync(copy, gateway.stateDir, { recursive: true });
  await gateway.start();
  const listed = await (await gateway.ask("/sessions", { token })).json();
  expect(listed).toMatchObject({ sessions: [{ session_id: id, label, owner_username: "bob" }] });
  await until(async () => (await gateway.ask(`/s/${id}/health`, { token })).status === 200);
  expect(await (await gateway.ask(`/s/${id}/goal`, { token })).json()).toMatchObject({ goal });
});

test("two gateways do not share a state folder", async () => {
  await using gateway = await RunningGateway.start({ isPlain: true });
  const where = ["--users", gateway.usersPath, "--state-dir", gateway.stateDir, "--port", "0"];
  const second = await agent(["host", "--sessions", ...where]);
  expect([second.code, second.stderr]).toEqual([1, expect.stringContaining("state")]);
  expect(second.stderr).toContain(String(gateway.process.pid));
  expect(await gateway.logIn("bob")).toBeString();
});

test("what cannot work is said before anything starts, with a way out", async () => {
  await using gateway = await RunningGateway.start();
  const { certificates, usersPath } = gateway;
  const folder = join(gateway.folder, "other");
  const run = async (...args: string[]) => {
    const { code, stderr } = await agent(["host", "--port", "0", "--state-dir", folder, ...args]);
    return `${code} ${stderr}`;
  };
  const users = ["--sessions", "--users", usersPath];
  const { cert = "", key = "" } = certificates ?? {};
  expect(await run("--sessions")).toMatch(/^2 .*no users file is given[\s\S]*hash-password --json/);
  expect(await run("--sessions", "--users", `${folder}/none`)).toMatch(
    /^2 .*no users file[\s\S]*hint/,
  );
  expect(await run(...users, "--bind", "0.0.0.0")).toMatch(/^2 .*in clear[\s\S]*--tls-cert/);
  expect(await run(...users, "--tls-cert", cert)).toMatch(/^2 .*TLS/);
  expect(await run(...users, "--tls-cert", cert, "--tls-key", usersPath)).toMatch(/^2 .*TLS/);
  expect(await run(...users, "--tls-cert", usersPath, "--tls-key", key)).toMatch(/^2 .*TLS/);
  expect(await run(...users, "--trust-proxy", "proxy.example")).toMatch(/^2 .*proxy\.example/);
  expect(await run(...users, "--robot", "sentry-mock")).toMatch(/^2 .*session create --robot/);
  expect(await run("--tls-cert", cert)).toMatch(/^2 .*--tls-cert without --sessions/);
  expect(await run("--users", usersPath)).toMatch(/^2 .*--users without --sessions/);
  const taken = new URL(gateway.url).port;
  expect(await run(...users, "--port", taken)).toMatch(/^1 .*taken/);
  writeFileSync(usersPath, '{"users": {"eve": {"password_hash": "plain"}}}');
  expect(await run(...users)).toMatch(/^2 .*eve\.password_hash[\s\S]*docs\/gateway\.md/);
}, 60_000);

test("the start says where it is, who may log in, and what to do next", async () => {
  await using gateway = await RunningGateway.start({ isPlain: true });
  const folder = join(gateway.folder, "second");
  const where = ["--port", "0", "--state-dir", folder, "--users", gateway.usersPath];
  const says = async (args: string[], ...words: RegExp[]) => {
    const other = start([await ensureBinary(), "host", "--sessions", ...where, ...args]);
    try {
      for (const each of words) await other.until(each);
    } finally {
      other.kill("SIGINT");
    }
    expect(await other.exited).toBe(0);
  };
  await says(
    [],
    /gateway ready on (http:\/\/127\.0\.0\.1:\d+)/,
    /may log in +3, by ".*login\.json"/,
    /agent login http:\/\/127\.0\.0\.1:\d+ && agent session create/,
    /audit log +.*audit\.log/,
  );
  await says(
    ["--bind", "0.0.0.0", "--insecure-http"],
    /gateway ready on http:\/\/0\.0\.0\.0:\d+/,
    /agent login http:\/\/(?!0\.0)/,
    /in clear/,
  );
});

test("the audit log tells what ended by itself, and when the gateway came and went", async () => {
  await using gateway = await RunningGateway.start({ isPlain: true });
  const read = () =>
    readFileSync(join(gateway.stateDir, "audit.log"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const token = await gateway.logIn("bob");
  const brief = await gateway.createSession(token, { timeout_s: 1 });
  const doomed = await gateway.createSession(token);
  const lock = join(gateway.stateDir, doomed.session_id, "world", "lock");
  process.kill(Number(readFileSync(lock, "utf8")), "SIGKILL");
  const told = (what: string) => read().find((entry) => entry.what === what);
  await until(() => told("session.expire") !== undefined && told("session.die") !== undefined);
  expect(told("session.expire")).toMatchObject({ session: brief.session_id, owner: "bob" });
  expect(told("session.die")).toMatchObject({ session: doomed.session_id, owner: "bob" });
  await gateway.stop();
  expect([read()[0]?.what, read().at(-1)?.what]).toEqual(["start", "stop"]);
});

test("a folder that is named relative to where the gateway starts is told in full", async () => {
  await using gateway = await RunningGateway.start({ isPlain: true });
  const folder = relative(root, join(gateway.folder, "second"));
  const where = ["--port", "0", "--state-dir", folder, "--users", gateway.usersPath];
  const ports = ["--session-ports", "20000-32000"];
  const second = start([await ensureBinary(), "host", "--sessions", "--json", ...where, ...ports]);
  const [, url = ""] = await second.until(/"url":"([^"]+)"/);
  expect(second.output()).toContain(`"state_dir":"${gateway.folder}/second"`);
  const { username, password } = { username: "bob", password: PEOPLE.bob.password };
  const asked = { method: "POST", body: JSON.stringify({ username, password }) };
  const { token } = (await (await fetch(`${url}/auth/login`, asked)).json()) as { token: string };
  const headers = { Authorization: `Bearer ${token}` };
  const made = await fetch(`${url}/sessions`, { method: "POST", headers, body: "{}" });
  const { log_path: path } = (await made.json()) as { log_path: string };
  expect(path).toStartWith(`${gateway.folder}/second/`);
  expect(existsSync(path)).toBe(true);
  second.kill();
  expect(await second.exited).toBe(0);
});

test("a link in the audit log's place is not followed, and logins go on", async () => {
  await using gateway = await RunningGateway.start({ isPlain: true });
  const path = join(gateway.stateDir, "audit.log");
  const target = join(gateway.folder, "target");
  writeFileSync(target, "");
  renameSync(path, `${path}.old`);
  symlinkSync(target, path);
  expect(await gateway.logIn("bob")).toBeString();
  await gateway.process.until(/cannot write .*audit\.log/);
  expect(readFileSync(target, "utf8")).toBe("");
});
