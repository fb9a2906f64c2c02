// Goal: every request gets a clear answer, whatever it holds, and the agent is asked for nothing by
// one that cannot be read. Method: real requests, well and badly made, on a real socket.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { connect } from "node:net";
import { api, type Spec } from "../../src/local/api.ts";
import { BODY_MAX_BYTES } from "../../src/local/limits.ts";
import { RATES } from "../../src/local/rate.ts";
import { Failure } from "../../src/wire/local.ts";
import { openDoor, STATUS, type TestDoor, TOKEN } from "./harness.ts";

let http: TestDoor;
beforeEach(() => {
  http = openDoor();
});
afterEach(() => http[Symbol.asyncDispose]());

async function failure(answer: Response): Promise<{ status: number; code: string }> {
  const { code, hint, message } = Failure.parse(await answer.json());
  expect(message).toMatch(/^Cannot /);
  expect(hint).not.toBe("");
  return { status: answer.status, code };
}

test("status, assignments and commands reach the agent as they were asked", async () => {
  expect(await (await http.ask("/v1/status")).json()).toEqual(STATUS);
  await http.ask("/v1/assignments?state=waiting&before=7&limit=3");
  await http.ask("/v1/assignments");
  const post = (path: string, body?: object) =>
    http.ask(path, { method: "POST", ...(body && { body: JSON.stringify(body) }) });
  for (const path of ["/v1/resume", "/v1/drain", "/v1/pause"]) {
    expect(await (await post(path)).json()).toEqual({ status: "ok" });
  }
  await post("/v1/assignments/a%2Fb%20c/cancel", { reason: " a person is in the way " });
  expect(http.door.asked).toEqual([
    'assignments {"state":"waiting","before":7,"limit":3}',
    'assignments {"limit":50}',
    "resume",
    "drain",
    "pause: asked to by a person",
    "cancel a/b c: a person is in the way",
  ]);
});

test("every answer keeps browsers strict and says nothing to other sites", async () => {
  const answers = [
    await http.ask("/v1/status"),
    await http.ask("/"),
    await http.stranger("/health"),
    await http.stranger("/v1/status"),
    await http.ask("/nowhere"),
    await http.ask("/v1/pause"),
  ];
  for (const { headers, url } of answers) {
    expect(headers.get("x-content-type-options"), url).toBe("nosniff");
    expect(headers.get("cross-origin-resource-policy"), url).toBe("same-origin");
    expect(headers.get("cache-control"), url).toBe("no-store");
    expect(headers.get("referrer-policy"), url).toBe("no-referrer");
    expect(headers.get("content-security-policy"), url).toContain("frame-ancestors 'none'");
    expect(headers.get("server"), url).toBeNull();
  }
});

test("an unknown route is 404, a wrong method 405 with what is allowed", async () => {
  const unknown = ["/nowhere", "/v1", "/v1/", "/v1/status/", "/V1/status", "/v1/stat"];
  for (const path of [...unknown, "/v1/assignments//cancel"]) {
    expect(await failure(await http.ask(path)), path).toMatchObject({ status: 404 });
  }
  for (const method of ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
    const answer = await http.ask("/v1/pause", { method });
    expect(answer.headers.get("allow"), method).toBe("POST");
    expect(await failure(answer), method).toEqual({ status: 405, code: "route.unknown" });
  }
  expect((await http.ask("/v1/status", { method: "HEAD" })).status).toBe(200);
});

test("a path that climbs out finds nothing", async () => {
  const climbing = [
    "/../../etc/passwd",
    "/v1/../../../etc/passwd",
    "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/....//....//etc/passwd",
    "/v1/assignments/..%2f..%2ftoken%00/x",
    "/..\\..\\etc\\passwd",
    "/token",
    "/sessions.json",
  ];
  for (const path of climbing) {
    const answer = await raw(`GET ${path} HTTP/1.1\r\nAuthorization: Bearer ${TOKEN}`);
    expect(answer, path).toMatch(/^HTTP\/1.1 (400|404) /);
    expect(answer, path).not.toContain("root:");
  }
  // An audit id may be any text: it is looked up as it is, and nowhere but in the journal.
  expect(await failure(await http.ask("/v1/assignments/..%2f..%2ftoken"))).toEqual({
    status: 404,
    code: "assignment.absent",
  });
  expect(http.door.asked).toEqual(["assignment ../../token"]);
});

test("what cannot be read is 400, and asks the agent for nothing", async () => {
  for (const query of ["state=x", "limit=0", "limit=201", "limit=x", "before=-1", "limit=1e9"]) {
    const answer = await http.ask(`/v1/assignments?${query}`);
    expect(await failure(answer), query).toEqual({ status: 400, code: "request.malformed" });
  }
  for (const body of [
    "{",
    "[]",
    '"x"',
    "null",
    '{"reason":1}',
    '{"reason":" "}',
    "\u0000",
    "{}x",
  ]) {
    const answer = await http.ask("/v1/pause", { method: "POST", body });
    expect(await failure(answer), body).toEqual({ status: 400, code: "request.malformed" });
  }
  const long = JSON.stringify({ reason: "x".repeat(501) });
  expect((await http.ask("/v1/pause", { method: "POST", body: long })).status).toBe(400);
  expect((await http.ask("/v1/assignments/%ff")).status).toBe(400);
  expect(http.door.asked).toEqual([]);
});

test("a body over its limit is 413, with its length and in chunks, and is not read on", async () => {
  const body = "x".repeat(10 * 1024 * 1024);
  const sized = await http.ask("/v1/pause", { method: "POST", body });
  expect(sized.status).toBe(413);
  const chunk = `${(BODY_MAX_BYTES / 2).toString(16)}\r\n${"x".repeat(BODY_MAX_BYTES / 2)}\r\n`;
  const head = `POST /v1/pause HTTP/1.1\r\nAuthorization: Bearer ${TOKEN}\r\nHost: localhost`;
  const chunked = await raw(`${head}\r\nTransfer-Encoding: chunked`, chunk.repeat(3));
  expect(chunked).toMatch(/^HTTP\/1.1 413 /);
  expect(http.door.asked).toEqual([]);
});

test("a failure of the agent is told with its code, one of ours as 500 without its insides", async () => {
  const cancel = await http.ask("/v1/assignments/gone/cancel", { method: "POST" });
  expect(await failure(cancel)).toEqual({ status: 409, code: "assignment.not-open" });
  http.door.resume = () => Promise.reject(new TypeError("a.b is undefined"));
  const broken = await http.ask("/v1/resume", { method: "POST" });
  expect(broken.status).toBe(500);
  const text = await broken.text();
  expect(text).not.toContain("at ");
  expect(text).toContain("agent.internal");
});

test("whoever guesses tokens is slowed down, and a program with the token is not", async () => {
  const { burst } = RATES.stranger;
  const statuses: number[] = [];
  const headers = { Authorization: "Bearer wrong" };
  while (statuses.length < burst * 2) {
    statuses.push((await http.stranger("/v1/status", { headers })).status);
  }
  expect(new Set(statuses)).toEqual(new Set([401, 429]));
  const late = await http.stranger("/v1/status", { headers });
  if (late.status === 429) expect(late.headers.get("retry-after")).toBe("1");
  expect((await http.ask("/v1/status")).status).toBe(200);
  expect((await http.stranger("/health")).status).toBe(200);
});

test("metrics are Prometheus' text: each family once, with help and type, numbers alone", async () => {
  await http.stranger("/v1/status");
  const answer = await http.ask("/metrics");
  expect(answer.headers.get("content-type")).toContain("version=0.0.4");
  const lines = (await answer.text()).trimEnd().split("\n");
  const types = lines
    .filter((line) => line.startsWith("# TYPE "))
    .map((line) => line.split(" ")[2]);
  expect(new Set(types).size).toBe(types.length);
  const samples = lines.filter((line) => !line.startsWith("#"));
  for (const line of samples) {
    expect(line).toMatch(/^agent_[a-z_]+(\{[a-z]+="[^"]*"\})? -?\d+(\.\d+)?(e[+-]?\d+)?$/);
    const family = line.replace(/(_bucket|_sum|_count)?(\{.*)? .*$/, "");
    expect(types, line).toContain(family);
  }
  expect(samples).toContain('agent_door_answers_total{status="401"} 1');
  expect(samples).toContain("agent_outbox_oldest_seconds 60");
  expect(samples).toContain("agent_child_restarts_total 3");
});

test("the description names every route, as OpenAPI 3.1", async () => {
  const { openapi, paths } = (await (await http.ask("/v1/openapi.json")).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
  };
  expect(openapi).toBe("3.1.0");
  for (const { method, path, ...spec } of Object.values(api) as Spec[]) {
    const operation = paths[path]?.[method.toLowerCase()];
    expect(operation, path).toBeDefined();
    expect("401" in (operation?.responses ?? {}), path).toBe(
      spec.isOpen !== true || path === "/open" || path === "/",
    );
  }
});

test("the viewer is one page without script, and loads nothing from anywhere", async () => {
  const answer = await http.ask("/v1/docs");
  expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const policy = answer.headers.get("content-security-policy") ?? "";
  expect(policy).toStartWith("default-src 'none'; style-src 'sha256-");
  const html = await answer.text();
  expect(html).not.toMatch(/<script|<link|<img|<iframe|src=|url\(|@import|https?:|undefined/i);
  for (const [name, { path, summary }] of Object.entries(api)) {
    expect(html, name).toContain(`id="${name}"`);
    expect(html, name).toContain(Bun.escapeHTML(path));
    expect(html, name).toContain(Bun.escapeHTML(summary));
  }
});

test("a link gives a browser a session of its own, not the token, and leads to the page", async () => {
  const opening = (await (await http.ask("/v1/open", { method: "POST" })).json()) as {
    url: string;
  };
  expect(opening.url).toStartWith(`${http.url}/open?code=`);
  const entered = await fetch(opening.url, { redirect: "manual" });
  const cookie = entered.headers.get("set-cookie") ?? "";
  expect(cookie).toMatch(
    /^agent-session-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
  );
  expect(cookie).toContain(`agent-session-${http.port}=`);
  expect(`${cookie}${await entered.text()}`).not.toContain(TOKEN);
  const headers = { Cookie: cookie.split(";")[0] ?? "", Origin: http.url };
  expect((await http.stranger("/", { headers })).status).toBe(200);
  expect(await failure(await fetch(opening.url))).toEqual({
    status: 401,
    code: "local.unauthorized",
  });
  // A page's session makes no further links: what leaves the browser ends with it.
  const again = await http.stranger("/v1/open", { method: "POST", headers });
  expect(again.status).toBe(401);
});

test("clients that dawdle over their headers or their body are let go, others are served meanwhile", async () => {
  const slow = [
    dribble("GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX: "),
    dribble(
      `POST /v1/pause HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n` +
        "Content-Length: 1000\r\n\r\n",
    ),
    dribble(""),
  ];
  let served = 0;
  const over = Promise.all(slow).then(() => true);
  while (!(await Promise.race([over, Bun.sleep(200).then(() => false)]))) {
    expect((await http.ask("/v1/status")).status).toBe(200);
    served += 1;
  }
  expect(served).toBeGreaterThan(10);
  expect(http.door.asked).toEqual([]);
}, 60_000);

/** Sends a beginning, then a byte each 300 ms, until the other end lets go. */
function dribble(beginning: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(http.port, "127.0.0.1", () => socket.write(beginning));
    const timer = setInterval(() => beginning !== "" && socket.write("a"), 300);
    socket.on("error", () => {});
    socket.on("close", () => {
      clearInterval(timer);
      resolve();
    });
  });
}

/** Sends a request as it is and reads what comes. */
function raw(head: string, body = ""): Promise<string> {
  return new Promise((resolve) => {
    const host = head.includes("Host:") ? "" : "\r\nHost: localhost";
    const socket = connect(http.port, "127.0.0.1", () => {
      socket.write(`${head}${host}\r\nConnection: close\r\n\r\n${body}`);
    });
    let text = "";
    socket.on("data", (data) => {
      text += data;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
  });
}
