/** The gateway's door: who may do what, what is answered to whom, and what is written down of it. */
import { expect, test } from "bun:test";
import { api } from "../../src/gateway/api.ts";
import type { OpenApi } from "../../src/wire/openapi.ts";
import { type Asked, GatewayScene, SOMEWHERE } from "./gateway-scene.ts";

const UNKNOWN = "00000000-0000-4000-8000-000000000000";

async function detailOf(answer: Response): Promise<unknown> {
  const { detail, code, hint } = (await answer.json()) as Record<string, unknown>;
  expect(detail).toBeString();
  expect(hint).toBeString();
  return code;
}

test("a login is answered as the public client reads it, and written down", async () => {
  await using scene = new GatewayScene();
  const answer = await scene.tryLogIn("bob", "b's secret");
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({
    token: expect.stringMatching(/^[\w-]{43}$/),
    username: "bob",
    role: "user",
  });
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(scene.audit()).toEqual([{ what: "login", who: "bob", from: SOMEWHERE }]);
});

test("a wrong name and a wrong password are answered alike", async () => {
  await using scene = new GatewayScene();
  const answers = [await scene.tryLogIn("bob", "wrong"), await scene.tryLogIn("eve", "wrong")];
  const told = await Promise.all(
    answers.map(async (each) => [each.status, [...each.headers], await each.text()]),
  );
  expect(told[0]).toEqual(told[1] as never);
  expect(answers[0]?.status).toBe(401);
  // Whose name nobody has may have typed a password in its place: it is not written down.
  expect(scene.audit()).toEqual([
    {
      what: "refused",
      from: SOMEWHERE,
      who: "bob",
      code: "login.wrong",
      request: "POST /auth/login",
    },
    { what: "refused", from: SOMEWHERE, code: "login.wrong", request: "POST /auth/login" },
  ]);
});

test("what is no login is refused before any password is tried, and repeated to nobody", async () => {
  await using scene = new GatewayScene();
  const refused = async (body: string) => {
    const answer = await scene.ask("/auth/login", { method: "POST", body });
    const text = await answer.text();
    expect(text).not.toContain("hunter2");
    return answer.status;
  };
  expect(await refused("hunter2")).toBe(400);
  expect(await refused(`{"username": "bob", "password": hunter2}`)).toBe(400);
  expect(await refused(`{"username": "bob", "password": ["hunter2"]}`)).toBe(400);
  expect(await refused(`{"username": "", "password": "hunter2"}`)).toBe(400);
  expect(await refused("")).toBe(400);
  const long = "hunter2".repeat(2 ** 17);
  expect(await refused(JSON.stringify({ username: "bob", password: long }))).toBe(413);
  expect(await refused(JSON.stringify({ username: "bob", password: "hunter2".repeat(11) }))).toBe(
    400,
  );
  expect(await refused(JSON.stringify({ username: "hunter2".repeat(40), password: "x" }))).toBe(
    400,
  );
  expect(JSON.stringify(scene.audit())).not.toContain("hunter2");
});

test("the eleventh guess of a minute waits as long as it is told, and then may try again", async () => {
  await using scene = new GatewayScene();
  for (let count = 0; count < 10; count += 1) {
    expect((await scene.tryLogIn("bob", "wrong")).status).toBe(401);
  }
  scene.audit();
  const limited = await scene.tryLogIn("bob", "b's secret");
  expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "60"]);
  expect(await detailOf(limited)).toBe("login.too-many");
  expect(scene.audit()[0]).toMatchObject({ code: "login.too-many", who: "bob", from: SOMEWHERE });
  expect(await scene.logIn("bob", "198.51.100.1")).toBeString();
  await scene.machine.clock.advance(60_000);
  expect(await scene.logIn("bob")).toBeString();
});

test("behind a trusted proxy guessers are told apart; elsewhere nobody speaks for others", async () => {
  await using scene = new GatewayScene({ trust: ["10.0.0.1"] });
  const guess = (client: string, from: string) =>
    scene.ask("/auth/login", {
      json: { username: "bob", password: "wrong" },
      headers: { "X-Forwarded-For": `${client}` },
      from,
    });
  for (let count = 0; count < 10; count += 1) await guess("203.0.113.5", "10.0.0.1");
  expect((await guess("1.1.1.1, 203.0.113.5", "10.0.0.1")).status).toBe(429);
  expect((await guess("203.0.113.6", "10.0.0.1")).status).toBe(401);
  expect(scene.audit().at(-1)).toMatchObject({ from: "203.0.113.6" });
  expect(scene.logged).toEqual([]);
  for (let count = 0; count < 10; count += 1) await guess(`203.0.113.${count}`, "198.51.100.1");
  expect((await guess("203.0.113.99", "198.51.100.1")).status).toBe(429);
  expect(scene.logged).toEqual([expect.stringContaining("--trust-proxy 198.51.100.1")]);
});

test("no token, a forged, an expired and a revoked one are refused everywhere", async () => {
  await using scene = new GatewayScene();
  const mine = await scene.logIn("bob");
  const { session_id: id } = await scene.create(mine);
  const revoked = await scene.logIn("bob");
  expect((await scene.ask("/auth/logout", { token: revoked, method: "POST" })).status).toBe(200);
  const expired = await scene.logIn("bob");
  await scene.machine.clock.advance(3_599_000);
  expect((await scene.ask(`/sessions/${id}`, { token: mine })).status).toBe(200);
  await scene.machine.clock.advance(1_000);
  const bad = ["", revoked, expired, "x".repeat(43), `${mine}x`, mine.slice(1), "a b", "\u00e4"];
  const shown: Record<string, string>[] = [
    {},
    ...bad.map((token) => ({ Authorization: `Bearer ${token}` })),
    { Authorization: `Basic ${btoa("bob:b's secret")}` },
    { Authorization: mine },
    { Cookie: `token=${mine}` },
  ];
  const asked = [
    ["GET", "/sessions"],
    ["POST", "/sessions"],
    ["GET", `/sessions/${id}`],
    ["DELETE", `/sessions/${id}`],
    ["POST", `/sessions/${id}/reset`],
    ["GET", `/sessions/${id}/logs`],
    ["GET", `/s/${id}/health`],
    ["POST", "/auth/logout"],
    ["GET", "/metrics"],
  ] as const;
  scene.passedOn.length = 0;
  for (const headers of shown) {
    for (const [method, path] of asked) {
      const answer = await scene.ask(path, { method, headers });
      expect([method, path, headers, answer.status]).toEqual([method, path, headers, 401]);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expect(await detailOf(answer)).toBe("login.needed");
    }
  }
  expect(scene.passedOn).toEqual([]);
  expect((await scene.ask(`/s/${id}/health`, { token: mine })).status).toBe(200);
});

test("two tokens in one request are refused, whichever is good", async () => {
  await using scene = new GatewayScene();
  const token = await scene.logIn("bob");
  for (const Authorization of [`Bearer ${token}, Bearer x`, `Bearer ${token}, Bearer ${token}`]) {
    const answer = await scene.ask("/sessions", { headers: { Authorization } });
    expect(answer.status).toBe(400);
  }
});

// Goal: whether there is a session of somebody else's cannot be told. Method: each request for another's
// session beside the same one for a session that there never was.
test("others' sessions are not there; an admin has everybody's", async () => {
  await using scene = new GatewayScene();
  const [alice, bob, carol] = [
    await scene.logIn("alice"),
    await scene.logIn("bob"),
    await scene.logIn("carol"),
  ];
  const { session_id: id } = await scene.create(bob);
  scene.audit();
  const asked = [
    ["GET", `/sessions/ID`],
    ["DELETE", `/sessions/ID`],
    ["POST", `/sessions/ID/extend`],
    ["POST", `/sessions/ID/reset`],
    ["GET", `/sessions/ID/logs`],
    ["GET", `/s/ID/health`],
    ["POST", `/s/ID/execute`],
  ] as const;
  for (const [method, path] of asked) {
    const told = await Promise.all(
      [id, UNKNOWN].map(async (each) => {
        const answer = await scene.ask(path.replace("ID", each), { method, token: carol });
        const text = (await answer.text()).replaceAll(each, "ID");
        return [answer.status, [...answer.headers], text];
      }),
    );
    expect(told[0]).toEqual(told[1] as never);
    expect(told[0]?.[0]).toBe(404);
  }
  expect(scene.passedOn).toEqual([]);
  const tried = scene.audit();
  expect(tried).toHaveLength(asked.length);
  expect(tried.at(-1)).toEqual({
    ...{ what: "refused", from: SOMEWHERE, who: "carol", code: "session.unknown" },
    ...{ request: `POST /s/${id}/execute`, session: id, owner: "bob" },
  });
  const sessionsOf = async (token: string, query = "") => {
    const answer = await scene.ask(`/sessions${query}`, { token });
    if (answer.status !== 200) return answer.status;
    const { sessions } = (await answer.json()) as { sessions: { session_id: string }[] };
    return sessions.map(({ session_id }) => session_id);
  };
  expect([await sessionsOf(bob), await sessionsOf(carol), await sessionsOf(alice)]).toEqual([
    [id],
    [],
    [],
  ]);
  expect([
    await sessionsOf(bob, "?all_=True"),
    await sessionsOf(alice, "?all_=True"),
    await sessionsOf(alice, "?all_=true"),
    await sessionsOf(bob, "?all_=false"),
  ]).toEqual([403, [id], [id], [id]]);
  scene.audit();
  expect((await scene.ask(`/s/${id}/health`, { token: alice })).status).toBe(200);
  expect((await scene.ask(`/sessions/${id}`, { method: "DELETE", token: alice })).status).toBe(204);
  expect(scene.audit()).toEqual([
    { what: "session.stop", who: "alice", from: SOMEWHERE, session: id, owner: "bob" },
  ]);
  expect((await scene.ask(`/sessions/${id}`, { token: bob })).status).toBe(404);
});

test("every deed is written down with who, from where and which session", async () => {
  await using scene = new GatewayScene({ perUser: 1 });
  const token = await scene.logIn("bob");
  const { session_id: session } = await scene.create(token, { label: "survey" });
  expect((await scene.ask("/sessions", { token, json: {} })).status).toBe(403);
  await scene.ask(`/sessions/${session}/extend`, { token, json: { timeout_s: 60 } });
  await scene.ask(`/sessions/${session}/reset`, { token, method: "POST" });
  await scene.ask(`/sessions/${session}`, { token, method: "DELETE" });
  await scene.ask("/auth/logout", { token, method: "POST" });
  const did = { who: "bob", from: SOMEWHERE };
  const of = { session, owner: "bob" };
  expect(scene.audit()).toEqual([
    { what: "login", ...did },
    { what: "session.create", ...did, ...of },
    {
      ...{ what: "refused", from: SOMEWHERE, who: "bob", code: "session.too-many" },
      request: "POST /sessions",
    },
    { what: "session.extend", ...did, ...of },
    { what: "session.reset", ...did, ...of },
    { what: "session.stop", ...did, ...of },
    { what: "logout", ...did },
  ]);
  expect(JSON.stringify(scene.audited)).not.toContain(token);
});

test("what was open with a token ends when its user logs out or is taken out of the file", async () => {
  await using scene = new GatewayScene();
  const token = await scene.logIn("bob");
  const { session_id: id } = await scene.create(token);
  const held = Promise.withResolvers<Response>();
  scene.answer = () => held.promise;
  const poll = scene.ask(`/s/${id}/servant/1/next_assignment`, { token });
  const other = await scene.logIn("bob");
  const second = scene.ask(`/s/${id}/servant/2/next_assignment`, { token: other });
  const [first, kept] = scene.passedOn;
  await scene.ask("/auth/logout", { token, method: "POST" });
  expect([first?.way.ended.aborted, kept?.way.ended.aborted]).toEqual([true, false]);
  scene.setUsers({ alice: "admin" });
  await scene.machine.clock.advance(1_000);
  expect(kept?.way.ended.aborted).toBe(true);
  expect(scene.audit().at(-1)).toEqual({ what: "users.change", detail: "1 users" });
  held.resolve(new Response("late"));
  await Promise.all([poll, second]);
});

test("a broken edit of the users file changes nothing, and is told once", async () => {
  await using scene = new GatewayScene();
  const token = await scene.logIn("bob");
  scene.setUsers("{");
  await scene.machine.clock.advance(10_000);
  expect(scene.logged).toEqual([expect.stringContaining("stays as it was")]);
  expect((await scene.ask("/sessions", { token })).status).toBe(200);
  scene.setUsers({ carol: "user" });
  // Without waiting for the next look: who was just entered may come in.
  expect((await scene.tryLogIn("bob", "b's secret")).status).toBe(401);
  expect((await scene.ask("/sessions", { token })).status).toBe(401);
});

test("a servant is not logged out while it acts for hours", async () => {
  await using scene = new GatewayScene();
  const token = await scene.logIn("bob");
  const { session_id: id } = await scene.create(token);
  const poll = `/s/${id}/servant/cart/next_assignment`;
  const post = () => scene.ask(`/s/${id}/servant/cart/result`, { token, json: {} });
  await scene.ask(poll, { token });
  await scene.machine.clock.advance(5 * 3_600_000);
  expect((await post()).status).toBe(200);
  await scene.machine.clock.advance(3_600_000);
  expect((await post()).status).toBe(401);
});

test("a missing X-Requested-With costs a word of advice and no more, on every route", async () => {
  await using scene = new GatewayScene();
  const token = await scene.logIn("alice");
  const { session_id: id } = await scene.create(token);
  const asked = Object.values(api)
    .filter(({ method }) => method === "GET")
    .map(({ path }) => path.replace("{id}", id));
  for (const path of [...asked, `/s/${id}/health`, "/nothing"]) {
    const headers = { Authorization: `Bearer ${token}` };
    const bare = new Request(`http://plan.example${path}`, { headers });
    const advised = await scene.gateway.fetch(bare, SOMEWHERE);
    const same = await scene.ask(path, { token });
    expect([path, advised.status]).toEqual([path, same.status]);
    expect(advised.headers.get("warning")).toContain("X-Requested-With");
    expect(same.headers.get("warning")).toBeNull();
  }
});

test("a dead session is told to whoever asks, and logged once", async () => {
  await using scene = new GatewayScene();
  const token = await scene.logIn("bob");
  const { session_id: id } = await scene.create(token);
  scene.audit();
  scene.machine.of(id).end(false);
  await scene.machine.clock.advance(1);
  for (let count = 0; count < 100; count += 1) {
    const answer = await scene.ask(`/s/${id}/state`, { token });
    expect([answer.status, await detailOf(answer)]).toEqual([502, "session.dead"]);
  }
  expect(scene.logged).toEqual([]);
  expect(scene.machine.logged).toHaveLength(1);
});

test("a fault of ours is logged, and told without what it says", async () => {
  await using scene = new GatewayScene();
  const token = await scene.logIn("bob");
  const { session_id: id } = await scene.create(token);
  scene.answer = () => {
    throw new Error("ENOENT: /var/lib/planner/secret");
  };
  const answer = await scene.ask(`/s/${id}/state`, { token });
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain("/var/lib");
  expect(scene.logged).toEqual([expect.stringContaining("/var/lib/planner/secret")]);
});

test("pages of other sites are refused", async () => {
  await using scene = new GatewayScene();
  const token = await scene.logIn("bob");
  const from = (Origin: string) => scene.ask("/sessions", { token, headers: { Origin } });
  expect((await from("http://plan.example")).status).toBe(200);
  expect((await from("https://evil.example")).status).toBe(403);
});

test("HEAD, OPTIONS, wrong methods and unknown routes are answered with what would do", async () => {
  await using scene = new GatewayScene();
  const token = await scene.logIn("bob");
  const head = await scene.ask("/health", { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  const allow = async (path: string, method: string) => {
    const answer = await scene.ask(path, { method, token });
    return [answer.status, answer.headers.get("allow")];
  };
  expect(await allow("/health", "POST")).toEqual([405, "GET, HEAD, OPTIONS"]);
  expect(await allow("/auth/login", "GET")).toEqual([405, "POST, OPTIONS"]);
  expect(await allow("/sessions", "PUT")).toEqual([405, "POST, GET, HEAD, OPTIONS"]);
  expect(await allow("/sessions/x/reset", "GET")).toEqual([405, "POST, OPTIONS"]);
  expect(await allow("/sessions", "OPTIONS")).toEqual([204, "POST, GET, HEAD, OPTIONS"]);
  const options = await scene.ask("/sessions", { method: "OPTIONS" }); // nobody in particular
  expect(options.status).toBe(204);
  const unknown = await scene.ask("/auth/logn", { method: "POST" });
  expect(unknown.status).toBe(404);
  expect(await unknown.text()).toContain("/auth/login");
  expect((await scene.ask("/s", { token })).status).toBe(404);
  expect((await scene.ask("/s/", { token })).status).toBe(404);
});

test("who asks the gateway as one asks a backend is told that it is none, and what to do", async () => {
  await using scene = new GatewayScene();
  const token = await scene.logIn("bob");
  scene.audit();
  const told = async (path: string, asked: Asked = {}) => {
    const answer = await scene.ask(path, asked);
    return [answer.status, ((await answer.json()) as { detail: string }).detail];
  };
  const where = 'and a backend is under "/s/SESSION_ID" of whoever has logged in';
  for (const path of ["/state", "/servant/x/next_assignment", "/authority"]) {
    const detail = `Cannot GET "${path}": this is a session gateway, ${where}`;
    expect(await told(path)).toEqual([401, detail]);
    expect(await told(path, { token: "forged" })).toEqual([401, detail]);
    expect(await told(path, { token })).toEqual([404, detail]);
  }
  expect(await told("/auth/logn")).toEqual([404, expect.stringContaining("no such route")]);
  expect(scene.audit()).toEqual([]);
});

test("nobody has more requests under way than each may have; others are not held up", async () => {
  await using scene = new GatewayScene({ requestsPerUser: 2 });
  const [alice, bob] = [await scene.logIn("alice"), await scene.logIn("bob")];
  const own = [await scene.create(bob), await scene.create(bob)];
  const [first, second] = own.map(({ session_id }) => `/s/${session_id}/state`);
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let asked = 0;
  scene.answer = async () => {
    await gates[asked++]?.promise;
    return Response.json({ ok: true });
  };
  const ask = (path = "", token = bob) => scene.ask(path, { token });
  const held = [ask(first), ask(second)]; // of whichever session
  const refused = await ask(first);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
  expect(await detailOf(refused)).toBe("request.too-many");
  const upgrade = { Connection: "upgrade", Upgrade: "websocket" };
  const socket = scene.request(first ?? "", { token: bob, headers: upgrade });
  expect(await scene.gateway.connect(socket, SOMEWHERE)).toMatchObject({ status: 429 });
  expect((await ask("/sessions")).status).toBe(200);
  expect((await ask(first, alice)).status).toBe(200); // a visit is the visitor's own
  expect((await ask("/s/none/state")).status).toBe(404);
  for (const gate of gates) {
    gate.resolve();
    await Promise.race(held);
    expect((await ask(second)).status).toBe(200);
  }
  await Promise.all(held);
  // What was refused was not under way: as many as before may be.
  expect((await Promise.all([ask(first), ask(second)])).map(({ status }) => status)).toEqual([
    200, 200,
  ]);
});

test("a probe that speaks HTTP/1.0 without a host is answered", async () => {
  await using scene = new GatewayScene();
  const probe = new Proxy(new Request("http://host/health"), {
    get: (request, name) => {
      const value = name === "url" ? "/health" : Reflect.get(request, name, request);
      return typeof value === "function" ? value.bind(request) : value;
    },
  });
  expect((await scene.gateway.fetch(probe, SOMEWHERE)).status).toBe(200);
});

test("metrics are for this machine and for admins, unless somebody asks for others", async () => {
  await using scene = new GatewayScene();
  const [alice, bob] = [await scene.logIn("alice"), await scene.logIn("bob")];
  const { session_id: id } = await scene.create(bob);
  await scene.tryLogIn("bob", "wrong");
  await scene.ask(`/s/${id}/health`, { token: bob });
  const status = async (from: string, token?: string, headers?: Record<string, string>) =>
    (await scene.ask("/metrics", { from, ...(token && { token }), ...(headers && { headers }) }))
      .status;
  expect(await status("127.0.0.1")).toBe(200);
  expect(await status("::1")).toBe(200);
  expect(await status("::ffff:127.0.0.1")).toBe(200); // as a socket for both kinds says it
  expect(await status("127.0.0.1", undefined, { "X-Forwarded-For": "203.0.113.5" })).toBe(401);
  expect(await status("127.0.0.1", undefined, { Forwarded: "for=203.0.113.5" })).toBe(401);
  expect(await status(SOMEWHERE)).toBe(401);
  expect(await status(SOMEWHERE, bob)).toBe(403);
  expect(await status(SOMEWHERE, alice)).toBe(200);
  const text = await (await scene.ask("/metrics", { from: "::1" })).text();
  for (const line of [
    'gateway_logins_total{outcome="ok"} 2',
    'gateway_logins_total{outcome="wrong"} 1',
    "gateway_tokens 2",
    'gateway_sessions{status="running"} 1',
    'gateway_proxy_answers_total{status="200"} 1',
    "gateway_proxy_in_flight 0",
    "gateway_proxy_duration_seconds_count 1",
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

test("the description names every route that answers, and no other", async () => {
  await using scene = new GatewayScene();
  const routes = scene.gateway.routes.map(({ method, path }) => `${method} ${path}`);
  const answered = [...new Set(routes)].sort(); // what comes before a route is one by itself
  const described = Object.values(api)
    .map(({ method, path }) => `${method} ${path.replace(/\{(\w+)\}/g, ":$1")}`)
    .sort();
  expect(answered).toEqual(described);
  const openapi = (await (await scene.ask("/openapi.json")).json()) as OpenApi;
  expect(openapi).toMatchObject({ openapi: "3.1.0", info: { version: "1.2.3" } });
  expect(openapi.paths["/auth/login"]?.post?.responses).toContainKeys(["200", "401", "429", "413"]);
  const docs = await (await scene.ask("/docs")).text();
  expect(docs).toContain("/sessions/{id}/extend");
  expect(await (await scene.ask("/")).text()).toBe("the page of the gateway");
});

test("a body that nests without end is refused, and none that another reader chokes on is kept", async () => {
  await using scene = new GatewayScene();
  const token = await scene.logIn("bob");
  for (const levels of [65, 500, 20_000]) {
    const body = `{"config":{"a":${"[".repeat(levels)}${"]".repeat(levels)}}}`;
    const answer = await scene.ask("/sessions", { token, method: "POST", body });
    expect([levels, answer.status]).toEqual([levels, 400]);
  }
  expect(scene.logged).toEqual([]);
});
