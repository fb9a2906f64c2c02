/** A session gateway on a real socket, small: bodies and statuses as the public one has them. */
import type { Json } from "../../src/core/json.ts";

export const TOKEN = "fake-token-0123456789abcdef";
export const PASSWORD = "correct horse";

export interface FakeGateway extends AsyncDisposable {
  readonly url: string;
  /** `METHOD /path`, with the query, in order. */
  readonly heard: string[];
  readonly bodies: readonly unknown[];
  readonly tokens: Set<string>;
  readonly sessions: Map<string, JsonRecord>;
}
type JsonRecord = Record<string, Json>;

const refused = (status: number, detail: string, headers: Record<string, string> = {}) =>
  Response.json({ detail }, { status, headers });

/** alice and bob have the same password; `refuse` answers before anything else does. */
export function fakeGateway(refuse: (path: string) => Response | undefined = () => undefined) {
  const heard: string[] = [];
  const bodies: unknown[] = [];
  const tokens = new Set<string>();
  const sessions = new Map<string, JsonRecord>();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const text = await request.text();
      heard.push(`${request.method} ${pathname}${search}`);
      const body = text === "" ? {} : (JSON.parse(text) as JsonRecord);
      bodies.push(body);
      const early = refuse(pathname);
      if (early !== undefined) return early;
      if (pathname === "/auth/login") return login(body, tokens);
      const token = request.headers.get("authorization")?.slice("Bearer ".length) ?? "";
      if (!tokens.has(token)) return refused(401, "Invalid or expired token");
      if (pathname === "/auth/logout") {
        tokens.delete(token);
        return Response.json({ status: "ok" });
      }
      return sessionsRoute(request.method, pathname, body, sessions);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    heard,
    bodies,
    tokens,
    sessions,
    [Symbol.asyncDispose]: () => server.stop(true),
  } satisfies FakeGateway;
}

function login({ username, password }: JsonRecord, tokens: Set<string>): Response {
  if (password !== PASSWORD) return refused(401, "Invalid credentials");
  const token = `${TOKEN}-${String(username)}-${tokens.size}`;
  tokens.add(token);
  return Response.json({ token, username: username ?? "", role: "user" });
}

function sessionsRoute(
  method: string,
  pathname: string,
  body: JsonRecord,
  sessions: Map<string, JsonRecord>,
): Response {
  const [, , id = "", what = ""] = pathname.split("/");
  if (id === "" && method === "POST") {
    const made = record(body, sessions.size);
    sessions.set(String(made.session_id), made);
    return Response.json(made);
  }
  if (id === "") return Response.json({ sessions: [...sessions.values()] });
  const session = sessions.get(id);
  if (session === undefined) return refused(404, "Session not found");
  if (method === "DELETE") {
    sessions.delete(id);
    return new Response(null, { status: 204 });
  }
  if (what === "extend") session.timeout_s = session.expires_in_s = body.timeout_s ?? 0;
  if (what === "reset") session.status = "running";
  return what === "logs" ? new Response("one\ntwo\u001b[2J") : Response.json(session);
}

/** The public gateway's times have no zone, and its seconds fractions. */
export function record({ label, timeout_s, config }: JsonRecord = {}, count = 0): JsonRecord {
  const timeoutS = Number(timeout_s ?? 172_800);
  return {
    session_id: `0000000${count}-aaaa-4bbb-8ccc-dddddddddddd`,
    owner_username: "alice",
    label: label ?? `brave-otter-${count}`,
    url: "http://127.0.0.1:8500",
    timeout_s: timeoutS,
    config: config ?? {},
    created_at: "2026-11-21T23:00:00.123456",
    last_active_at: "2026-11-21T23:00:00.123456",
    status: "running",
    expires_in_s: timeoutS - 0.25,
  };
}
