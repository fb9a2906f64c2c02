// Goal: a page that a person happens to look at reads not one byte of the door and moves nothing,
// whatever tricks it knows; programs with the token and our own page come in. Method: the headers
// that browsers send in each case, on a real socket.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { connect } from "node:net";
import { api, type Spec } from "../../src/local/api.ts";
import { openDoor, PAGE, SECRET, type TestDoor, TOKEN } from "./harness.ts";

let http: TestDoor;
beforeEach(() => {
  http = openDoor();
});
afterEach(() => http[Symbol.asyncDispose]());

const bearer = { Authorization: `Bearer ${TOKEN}` };
const ROUTES = Object.values(api).map(({ method, path }: Spec) => ({
  method,
  path: path.replace("{auditId}", "a1"),
}));

/** What came back holds nothing of the agent's, and nothing was done. */
async function refused(answer: Response, status: number, what: string): Promise<void> {
  const text = await answer.text();
  expect(answer.status, what).toBe(status);
  expect(text, what).not.toContain(SECRET);
  // A stranger who is at the right address is told by the empty page how to get in.
  const isPage = status === 401 && text === PAGE;
  if (!isPage) expect(Object.keys(JSON.parse(text)).sort()).toEqual(["code", "hint", "message"]);
  expect([...answer.headers.keys()].filter((name) => /^access-control/.test(name))).toEqual([]);
  expect(http.door.asked, what).toEqual([]);
}

test("a foreign Origin is refused on every route, with the token and without", async () => {
  for (const { method, path } of ROUTES) {
    const near = [`${http.url}/`, http.url.replace("//", "//a@"), `${http.url}, ${http.url}`];
    for (const origin of ["https://evil.example", "http://127.0.0.1:1", "null", "x", ...near]) {
      const what = `${method} ${path} from ${origin}`;
      const headers = { ...bearer, Origin: origin };
      await refused(await http.stranger(path, { method, headers }), 403, what);
    }
  }
});

test("our own port under the other scheme is another origin", async () => {
  const Origin = http.url.replace("http:", "https:");
  await refused(await http.ask("/v1/status", { headers: { Origin } }), 403, Origin);
});

test("a name that was made to point here is refused, with the token too", async () => {
  for (const Host of [
    "rebound.example",
    `rebound.example:${http.port}`,
    "127.0.0.1.evil.example",
  ]) {
    for (const { method, path } of ROUTES) {
      await refused(await http.ask(path, { method, headers: { Host } }), 403, `${Host} ${path}`);
    }
  }
  for (const Host of [`localhost:${http.port}`, `[::1]:${http.port}`, "localhost:9000"]) {
    expect((await http.ask("/v1/status", { headers: { Host } })).status, Host).toBe(200);
  }
});

test("two Host headers, or one that smuggles a second name, are refused", async () => {
  for (const hosts of ["Host: localhost\r\nHost: evil.example", "Host: evil.example@localhost"]) {
    const answer = await raw(
      `GET /v1/status HTTP/1.1\r\n${hosts}\r\nAuthorization: Bearer ${TOKEN}`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 (400|403) /);
    expect(answer).not.toContain(SECRET);
  }
});

test("a session lets in our own page, nothing else that a browser sends", async () => {
  const session = await http.session();
  const get = (headers: Record<string, string>) =>
    http.stranger("/v1/status", { headers: { ...session, ...headers } });
  expect((await get({ Origin: http.url })).status).toBe(200);
  expect((await get({ "Sec-Fetch-Site": "same-origin" })).status).toBe(200);
  const typed = { "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate" };
  expect((await get(typed)).status).toBe(200);
  await refused(await get({}), 401, "neither Origin nor Sec-Fetch-Site");
  await refused(await get({ "Sec-Fetch-Site": "none" }), 401, "not a navigation");
  for (const site of ["cross-site", "same-site", "whatever"]) {
    await refused(await get({ "Sec-Fetch-Site": site }), 403, site);
    const linked = { "Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate" };
    await refused(await get({ ...linked, "Sec-Fetch-Dest": "document" }), 403, `link, ${site}`);
  }
});

// What a server on another port of this host knows once it was visited, and may say as it likes.
test("a cookie without its page's key opens the page and the description, nothing else", async () => {
  const { Cookie } = await http.session();
  const another = (await http.session())["Agent-Page-Key"];
  const asPages: Record<string, string>[] = [
    { Origin: http.url },
    { "Sec-Fetch-Site": "same-origin" },
    { "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate" },
  ];
  for (const asPage of asPages) {
    for (const { method, path } of ROUTES) {
      if (["/health", "/ready", "/open"].includes(path)) continue;
      const answer = await http.stranger(path, { method, headers: { Cookie, ...asPage } });
      const isShown = ["/", "/v1/docs", "/v1/openapi.json"].includes(path);
      if (isShown) expect(answer.status, path).toBe(200);
      else await refused(answer, 401, `${method} ${path}`);
    }
    for (const key of [Cookie.split("=")[1] ?? "", TOKEN, another, "x".repeat(9_999)]) {
      const headers = { Cookie, ...asPage, "Agent-Page-Key": key };
      await refused(await http.stranger("/v1/status", { headers }), 401, key);
    }
  }
});

test("a browser's websocket says the key as a subprotocol, which is not the one that is spoken", async () => {
  const { Cookie, "Agent-Page-Key": key } = await http.session();
  const open = (protocols: string) =>
    raw(
      `GET /v1/stream HTTP/1.1\r\nHost: localhost:${http.port}\r\nOrigin: http://localhost:${http.port}\r\n` +
        `Cookie: ${Cookie}\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ${protocols}`,
      "Upgrade",
    );
  for (const protocols of [
    "agent.v1.json",
    "agent.v1.json, agent.page-key.",
    `agent.v1.json, ${key}`,
  ]) {
    expect(await open(protocols)).toStartWith("HTTP/1.1 401 ");
  }
  const opened = await open(`agent.v1.json, agent.page-key.${key}`);
  expect(opened).toStartWith("HTTP/1.1 101 ");
  expect(opened).toMatch(/^sec-websocket-protocol: agent\.v1\.json\r$/im);
  expect(opened).not.toContain(key);
  const alone = await open(`agent.page-key.${key}`);
  expect(alone).toStartWith("HTTP/1.1 400 ");
  expect(alone).not.toContain(key);
});

test("a look at the link does not use it up", async () => {
  const path = `/open?code=${http.auth.newCode().code}`;
  const looked = await http.stranger(path, { method: "HEAD" });
  expect([looked.status, looked.headers.get("set-cookie")]).toEqual([200, null]);
  const entered = await http.stranger(path);
  expect(entered.status).toBe(200);
  expect(entered.headers.get("content-security-policy")).toMatch(
    /^default-src 'none'; script-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; frame/,
  );
});

test("a request without a Host, or with one that is none, is refused in plain words", async () => {
  const heads = ["HTTP/1.0", "HTTP/1.1\r\nHost: ", "HTTP/1.1\r\nHost: localhost:99999"];
  for (const head of heads) {
    for (const path of ["/health", "/v1/status"]) {
      const answer = await raw(`GET ${path} ${head}\r\nAuthorization: Bearer ${TOKEN}`);
      expect(answer, head).toStartWith("HTTP/1.1 400 ");
      expect(answer, head).toContain("there is no Host, or none that can be");
    }
  }
});

test("with a session nothing is done without our own Origin", async () => {
  const session = await http.session();
  const post = (headers: Record<string, string>) =>
    http.stranger("/v1/pause", { method: "POST", headers: { ...session, ...headers } });
  await refused(await post({}), 401, "no Origin");
  await refused(await post({ "Sec-Fetch-Site": "same-origin" }), 401, "no Origin, same-origin");
  await refused(await post({ Origin: "https://evil.example" }), 403, "foreign");
  expect((await post({ Origin: http.url })).status).toBe(200);
  expect(http.door.asked).toEqual(["pause: asked to by a person"]);
});

test("a link elsewhere may lead to the page's address, in a window of its own, not in a frame", async () => {
  const link = { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" };
  const session = await http.session();
  const visit = (dest: string, path: string) =>
    http.stranger(path, { headers: { ...link, "Sec-Fetch-Dest": dest, ...session } });
  await refused(await visit("document", "/"), 401, "the page itself needs its own session");
  const { code } = http.auth.newCode();
  expect((await visit("document", `/open?code=${code}`)).status).toBe(200);
  for (const dest of ["iframe", "embed", "image", "script", ""]) {
    await refused(await visit(dest, "/"), 403, dest);
  }
});

test("no preflight is answered, and no answer names an origin that may read it", async () => {
  const headers = {
    Origin: "https://evil.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization",
  };
  await refused(await http.stranger("/v1/pause", { method: "OPTIONS", headers }), 403, "preflight");
  expect((await http.ask("/v1/pause", { method: "OPTIONS" })).status).toBe(405);
});

test("without the token every route but health and readiness is closed, unknown ones too", async () => {
  const closed = ROUTES.filter(({ path }) => !["/health", "/ready", "/open"].includes(path));
  for (const { method, path } of [...closed, { method: "GET", path: "/v1/nowhere" }]) {
    await refused(await http.stranger(path, { method }), 401, path);
  }
  expect(await (await http.stranger("/health")).json()).toEqual({ status: "ok" });
  expect((await http.stranger("/ready")).status).toBe(200);
  http.door.isReady = false;
  expect((await http.stranger("/ready")).status).toBe(503);
});

test("what is nearly the token is not the token", async () => {
  const wrong = [TOKEN.slice(0, -1), `${TOKEN}x`, TOKEN.toUpperCase(), "", "x".repeat(10_000)];
  const values = [...wrong.map((each) => `Bearer ${each}`), TOKEN, `Basic ${btoa(`:${TOKEN}`)}`];
  const session = await http.session();
  for (const Authorization of values) {
    // A wrong token is wrong, whatever else comes along with it.
    const headers = { Authorization, ...session, Origin: http.url };
    const answer = await http.stranger("/v1/status", { headers });
    expect(answer.headers.get("www-authenticate")).toContain("Bearer");
    await refused(answer, 401, Authorization.slice(0, 60));
  }
  const asCookie = { Cookie: `agent-session-${http.port}=${TOKEN}`, Origin: http.url };
  await refused(await http.stranger("/v1/status", { headers: asCookie }), 401, "as a cookie");
  await refused(await http.stranger(`/v1/status?token=${TOKEN}`), 401, "in the address");
});

/** Sends a request head as it is and reads what comes. */
function raw(head: string, connection = "close"): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(http.port, "127.0.0.1", () => {
      socket.write(`${head}\r\nConnection: ${connection}\r\n\r\n`);
    });
    let text = "";
    socket.on("data", (data) => {
      text += data;
      // What was upgraded, or refused to be, stays open.
      if (connection === "Upgrade" && text.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("close", () => resolve(text));
  });
}
