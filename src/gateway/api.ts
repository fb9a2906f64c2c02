/**
 * Every route of the gateway, as data: `/openapi.json` and `/docs` are made from this one table, and a
 * test holds it against the routes that answer.
 */
import { type ErrorCode, ServantError } from "../core/errors.ts";
import { Failure, Ok } from "../wire/direct.ts";
import {
  AllQuery,
  CreateSession,
  ExtendSession,
  GatewayHealth,
  LoginReply,
  LoginRequest,
  SessionList,
  SessionRecord,
  SessionUses,
} from "../wire/gateway.ts";
import { type OpenApi, openApi, type RouteSpec } from "../wire/openapi.ts";
import { failureAnswer } from "./status.ts";

const open = { security: [] } as const;
const known = ["session.unknown"] as const;

export const api = {
  page: {
    method: "GET",
    path: "/",
    summary: "The page for people: log in, see and manage sessions.",
    answer: "text/html",
    ...open,
  },
  sessionPage: {
    method: "GET",
    path: "/page/{id}",
    summary: "The page of a session's backend, for a browser that is logged in.",
    answer: "text/html",
    ...open,
  },
  health: {
    method: "GET",
    path: "/health",
    summary: "The gateway answers.",
    answer: GatewayHealth,
    ...open,
  },
  openapi: {
    method: "GET",
    path: "/openapi.json",
    summary: "This description, OpenAPI 3.1.",
    answer: "application/json",
    ...open,
  },
  docs: {
    method: "GET",
    path: "/docs",
    summary: "This description, as a page without any script.",
    answer: "text/html",
    ...open,
  },
  metrics: {
    method: "GET",
    path: "/metrics",
    summary: "Logins, sessions, latencies for Prometheus: from this machine, or for an admin.",
    answer: "text/plain",
    failures: ["login.needed", "session.not-allowed"],
    ...open,
  },
  login: {
    method: "POST",
    path: "/auth/login",
    summary: "A name and a password for a token: good for an hour after each use.",
    body: LoginRequest,
    answer: LoginReply,
    failures: ["login.wrong", "login.too-many"],
    ...open,
  },
  logout: {
    method: "POST",
    path: "/auth/logout",
    summary: "Revokes the token, and ends what it still has open.",
    answer: Ok,
  },
  createSession: {
    method: "POST",
    path: "/sessions",
    summary: "A new backend of one's own; answers once it is up.",
    body: CreateSession,
    answer: SessionRecord,
    failures: ["session.too-many", "session.invalid", "session.unstartable"],
  },
  sessions: {
    method: "GET",
    path: "/sessions",
    summary: "One's own sessions, dead ones too; for an admin everybody's, with `all_=true`.",
    query: AllQuery,
    answer: SessionList,
    failures: ["session.not-allowed"],
  },
  uses: {
    method: "GET",
    path: "/admin/sessions",
    summary: "Everybody's sessions and what they use, for admins. Memory is up to 10 s old.",
    answer: SessionUses,
    failures: ["session.not-allowed"],
  },
  session: {
    method: "GET",
    path: "/sessions/{id}",
    summary: "A session's record.",
    answer: SessionRecord,
    failures: known,
  },
  stopSession: {
    method: "DELETE",
    path: "/sessions/{id}",
    summary: "Ends a session, and its world.",
    answer: "204",
    failures: known,
  },
  extendSession: {
    method: "POST",
    path: "/sessions/{id}/extend",
    summary: "Another time without a request after which it expires, from now.",
    body: ExtendSession,
    answer: SessionRecord,
    failures: [...known, "session.invalid"],
  },
  resetSession: {
    method: "POST",
    path: "/sessions/{id}/reset",
    summary: "The same session with a fresh world; revives a dead one.",
    answer: SessionRecord,
    failures: [...known, "session.unstartable"],
  },
  sessionLogs: {
    method: "GET",
    path: "/sessions/{id}/logs",
    summary: "The newest part of what its process logged.",
    answer: "text/plain",
    failures: known,
  },
} as const satisfies Record<string, RouteSpec>;

/** Beside its own, any route may fail so; one with a body, and one that takes a token. */
const ANY: readonly ErrorCode[] = ["request.foreign", "request.malformed"];
const BODY: readonly ErrorCode[] = ["request.too-large"];
const TOKEN: readonly ErrorCode[] = ["login.needed"];

export function gatewayOpenApi(version: string): OpenApi {
  const routes = Object.entries(api).map(([name, spec]: [string, RouteSpec]) => {
    const own = spec.failures ?? [];
    const token = spec.security === undefined ? TOKEN : [];
    const body = spec.body === undefined ? [] : BODY;
    return [name, { ...spec, failures: [...new Set([...own, ...token, ...body, ...ANY])] }];
  });
  return openApi({
    title: "servant-agent, the gateway",
    version,
    description:
      "DYNOS with sessions: logins, and a private backend behind each session. Every route of a " +
      "backend is there under /s/{session_id}.",
    routes: Object.fromEntries(routes),
    failure: Failure,
    statusOf: (code) => failureAnswer(new ServantError(code, "")).status,
    security: [{ token: [] }],
    securitySchemes: { token: { type: "http", scheme: "bearer" } },
  });
}
