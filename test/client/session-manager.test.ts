// Goal: a gateway as an object: the public one's bodies are read, its refusals named for what they are.
import { expect, test } from "bun:test";
import { RemoteOrchestrator } from "../../src/client/orchestrator.ts";
import { SessionManager } from "../../src/client/session-manager.ts";
import { RemoteAuthExpired } from "../../src/wire/remote-errors.ts";
import { fakeDynos } from "../support/fake-dynos.ts";
import { type FakeGateway, fakeGateway, PASSWORD } from "../support/fake-gateway.ts";
import { project } from "../support/project.ts";

async function loggedIn(gateway: FakeGateway) {
  const { token } = await SessionManager.logIn(gateway.url, "alice", PASSWORD);
  return { token, sessions: new SessionManager(gateway.url, { token }) };
}
const refusing = (status: number, headers: Record<string, string> = {}) =>
  fakeGateway(() => Response.json({ detail: "the reason" }, { status, headers }));

test("a session is made, listed, found, extended, reset, read and stopped", async () => {
  await using gateway = fakeGateway();
  const { sessions } = await loggedIn(gateway);
  const made = await sessions.create({ label: "sea", sessionTimeoutS: 60, config: { robot: "r" } });
  expect(gateway.bodies.at(-1)).toEqual({ label: "sea", timeout_s: 60, config: { robot: "r" } });
  await sessions.create();
  expect(gateway.bodies.at(-1)).toEqual({});
  expect((await sessions.list()).map(({ label }) => label)).toEqual(["sea", "brave-otter-1"]);
  const { session_id: id } = await sessions.find("sea");
  expect(id).toBe(made.session_id);
  expect((await sessions.find(id.slice(0, 8))).session_id).toBe(id);
  expect(await sessions.extend(id, 90)).toMatchObject({ timeout_s: 90 });
  await sessions.reset(id);
  expect(await sessions.logs(id)).toStartWith("one\ntwo");
  await sessions.stop(id);
  await expect(sessions.get(id)).rejects.toMatchObject({ code: "session.unknown" });
  await expect(sessions.find("sea")).rejects.toMatchObject({ code: "session.unknown" });
  await sessions.list({ all: true });
  expect(gateway.heard.at(-1)).toBe("GET /sessions?all_=true");
});

test("a label that nobody has is answered with the one that is like it, else with all", async () => {
  await using gateway = fakeGateway();
  const { sessions } = await loggedIn(gateway);
  for (const label of ["survey", "harbour"]) await sessions.create({ label });
  await expect(sessions.find("surve")).rejects.toThrow('; nearest is "survey"');
  await expect(sessions.find("zzzz")).rejects.toThrow("; known: survey, harbour");
});

test("somebody else's session is found by its whole id alone, where the gateway lets", async () => {
  await using gateway = fakeGateway();
  const { sessions } = await loggedIn(gateway);
  const id = "aaaaaaaa-aaaa-4bbb-8ccc-dddddddddddd";
  await expect(sessions.find(id)).rejects.toMatchObject({ code: "session.unknown" });
  expect(gateway.heard.at(-1)).toBe(`GET /sessions/${id}`);
});

test("a wrong password, too many of them, and what is no gateway are told apart", async () => {
  await using gateway = fakeGateway();
  const wrong = SessionManager.logIn(gateway.url, "alice", "guess");
  await expect(wrong).rejects.toMatchObject({ code: "login.wrong", kind: "auth" });
  await expect(wrong).rejects.toThrow("Invalid credentials");
  await using busy = refusing(429, { "Retry-After": "42" });
  const late = SessionManager.logIn(busy.url, "alice", PASSWORD);
  await expect(late).rejects.toMatchObject({ code: "login.too-many", retryAfterMs: 42_000 });
  await expect(late).rejects.toThrow("try again in 42 s");
  await using plain = fakeDynos({});
  const none = SessionManager.logIn(plain.url, "alice", PASSWORD);
  await expect(none).rejects.toMatchObject({ code: "session.no-gateway" });
  const sessions = new SessionManager(plain.url, { token: "t".repeat(20) });
  await expect(sessions.list()).rejects.toMatchObject({ code: "session.no-gateway" });
  await using odd = fakeDynos({ "POST /auth/login": { token: "short", username: "alice" } });
  const short = SessionManager.logIn(odd.url, "alice", PASSWORD);
  await expect(short).rejects.toMatchObject({ code: "backend.malformed-answer" });
});

test("a token that is not taken says to log in again; logging out does not mind", async () => {
  await using gateway = fakeGateway();
  const { sessions, token } = await loggedIn(gateway);
  await sessions.logOut();
  expect(gateway.tokens.size).toBe(0);
  await expect(sessions.list()).rejects.toThrow(RemoteAuthExpired);
  await expect(sessions.list()).rejects.toThrow("log in again");
  await sessions.logOut();
  const made = RemoteOrchestrator.fromSessionManager(gateway.url, { token });
  await expect(made).rejects.toThrow(RemoteAuthExpired);
});

test.each([
  [400, "session.invalid"],
  [403, "session.too-many"],
  [503, "backend.unavailable"],
] as const)("a %d to a creation is %s, with the gateway's own words", async (status, code) => {
  await using gateway = refusing(status);
  const making = new SessionManager(gateway.url, { token: "t".repeat(20) }).create();
  await expect(making).rejects.toMatchObject({ code, statusCode: status, detail: "the reason" });
});

test("an admin's question by somebody who is none is not a matter of too many", async () => {
  await using gateway = refusing(403);
  const asking = new SessionManager(gateway.url, { token: "t".repeat(20) }).list({ all: true });
  await expect(asking).rejects.toMatchObject({ code: "session.not-allowed" });
});

test("fromConfig() is where somebody is logged in, else it says that nobody is", async () => {
  await using gateway = fakeGateway();
  const { token } = await loggedIn(gateway);
  const { writeFileSync } = await import("node:fs");
  await using folder = await project();
  const env = { DYNOS_CONFIG_PATH: `${folder.path}/config.json` };
  expect(() => SessionManager.fromConfig({}, env)).toThrow("nobody is logged in");
  writeFileSync(env.DYNOS_CONFIG_PATH, JSON.stringify({ backend_url: gateway.url, token }), {
    mode: 0o600,
  });
  expect(await SessionManager.fromConfig({}, env).list()).toEqual([]);
});

test("an admin names anybody's by the beginning of its id, as tables show it, never by its label", async () => {
  const listed = (id: string, label: string) => ({
    ...{ session_id: id, label, status: "running", timeout_s: 60, expires_in_s: 60 },
  });
  const theirs = listed("e466dc55-f8d9-4b9a-bb73-84e95f712807", "deadbeef");
  const asked: string[] = [];
  const seenBy = (mayList: boolean) => {
    const fetch = async (url: string) => {
      const path = url.slice("https://plan.example.com".length);
      asked.push(path);
      if (path === "/sessions") return Response.json({ sessions: [] });
      if (mayList) return Response.json({ sessions: [theirs] });
      return Response.json({ detail: "no admin" }, { status: 403 });
    };
    return new SessionManager("https://plan.example.com", { token: "t".repeat(20), fetch });
  };
  const unknown = { code: "session.unknown" };
  expect((await seenBy(true).find("e466dc55")).session_id).toBe(theirs.session_id);
  expect((await seenBy(true).find("E466DC55-f8d9")).session_id).toBe(theirs.session_id);
  await expect(seenBy(true).find("deadbeef")).rejects.toMatchObject(unknown);
  await expect(seenBy(false).find("e466dc55")).rejects.toMatchObject(unknown);
  asked.length = 0;
  for (const name of ["e466", "survey", "e466dc5", "e466dc55x"]) {
    await expect(seenBy(true).find(name)).rejects.toMatchObject(unknown);
  }
  expect(new Set(asked)).toEqual(new Set(["/sessions"]));
});

test("what our gateway says of itself is not said twice", async () => {
  await using wrong = fakeGateway(() =>
    Response.json({ detail: "Cannot log in: wrong name or password" }, { status: 401 }),
  );
  await expect(SessionManager.logIn(wrong.url, "alice", "x")).rejects.toThrow(
    new RegExp(`^Cannot log in to "${wrong.url}" as "alice": wrong name or password$`),
  );
  await using late = fakeGateway(() =>
    Response.json({ detail: "Cannot log you in now: too many" }, { status: 429 }),
  );
  await expect(SessionManager.logIn(late.url, "alice", "x")).rejects.toThrow(/"alice": too many/);
  await using gone = fakeGateway(() =>
    Response.json({ detail: 'Cannot find session "x"' }, { status: 404 }),
  );
  const sessions = new SessionManager(gone.url, { token: "0123456789abcdef" });
  await expect(sessions.get("x")).rejects.toThrow(/^Cannot find session "x" \(HTTP 404\)$/);
});

test.each([
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "name the file of its authority in NODE_EXTRA_CA_CERTS"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "name the file of its authority in NODE_EXTRA_CA_CERTS"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "its certificate is for other names than this one"],
  ["CERT_HAS_EXPIRED", "its certificate has expired"],
  ["CERT_NOT_YET_VALID", "its certificate is for later: see this machine's clock"],
  ["EPROTO", "it speaks no TLS: is it http://?"],
])("%s is told in words", async (code, words) => {
  const fetch = () => Promise.reject(Object.assign(new Error("no"), { code }));
  const sessions = new SessionManager("https://plan.example.com", { token: "t".repeat(20), fetch });
  await expect(sessions.list()).rejects.toThrow(`(GET /sessions): ${code}; ${words}`);
});

test.each([
  ["<h1>502 Bad Gateway</h1>", "HTTP 502, a proxy answers, and what is behind it does not"],
  ['{"detail": "Cannot reach it"}', "Cannot reach it (HTTP 502)"],
])("a 502 of %s is told as whose it is", async (body, told) => {
  await using gateway = fakeGateway(() => new Response(body, { status: 502 }));
  const sessions = new SessionManager(gateway.url, { token: "t".repeat(20) });
  await expect(sessions.list()).rejects.toThrow(told);
});
