/**
 * Every route of the door, as data: the routes, `/v1/openapi.json` and `docs/local-api.md` are all
 * made from this one table.
 */
import * as z from "zod/mini";
import {
  AssignmentPage,
  AssignmentQuery,
  AssignmentStory,
  Done,
  LogQuery,
  Opening,
  Readiness,
  Reason,
  Status,
  World,
} from "../wire/local.ts";
import type { RouteSpec } from "../wire/openapi.ts";

export interface Spec extends Omit<RouteSpec, "security"> {
  readonly method: "GET" | "POST";
  /** Anybody may ask; else it takes the token, or a browser's session. */
  readonly isOpen?: true;
  /** Of a session its cookie is enough: it is the same for every agent of this version. */
  readonly isPublished?: true;
  /** As `query`, for a route that reads its address itself: a name may stand there several times. */
  readonly address?: z.ZodMiniObject;
}

const OpenQuery = z.object({ code: z.string().check(z.describe("from `POST /v1/open`")) });

export const api = {
  page: {
    method: "GET",
    path: "/",
    summary: "The page for people; a stranger is told how to get in. `agent open` leads to it.",
    isOpen: true,
    answer: "text/html",
    also: { 401: "A stranger: how to get in" },
  },
  health: {
    method: "GET",
    path: "/health",
    summary: "The agent's process answers. It says nothing of the machine or the backend.",
    isOpen: true,
    answer: z.object({ status: z.literal("ok") }),
  },
  ready: {
    method: "GET",
    path: "/ready",
    summary: "200 when an action that came now would start, else 503. `/v1/status` says why.",
    isOpen: true,
    answer: Readiness,
    also: { 503: "Not ready" },
  },
  enter: {
    method: "GET",
    path: "/open",
    summary:
      "Lets a browser in, once, within 60 s: gives it cookie and key, and leads to the page.",
    isOpen: true,
    query: OpenQuery,
    answer: "text/html",
    failures: ["local.unauthorized", "request.malformed"],
  },
  metrics: {
    method: "GET",
    path: "/metrics",
    summary: "Counters and gauges in the text format of Prometheus.",
    answer: "text/plain",
  },
  status: {
    method: "GET",
    path: "/v1/status",
    summary: "What the agent does now.",
    answer: Status,
  },
  assignments: {
    method: "GET",
    path: "/v1/assignments",
    summary: "Assignments of this backend and session, newest first, by page.",
    query: AssignmentQuery,
    answer: AssignmentPage,
    failures: ["request.malformed"],
  },
  assignment: {
    method: "GET",
    path: "/v1/assignments/{auditId}",
    summary: "The whole story of one assignment.",
    answer: AssignmentStory,
    failures: ["assignment.absent"],
  },
  logs: {
    method: "GET",
    path: "/v1/logs",
    summary:
      'The log up to now, one JSON document a line; a hole in it is `{"gap": {from, to}}`. ' +
      "As server-sent events, when `Accept` asks for them, it goes on: the `id` of each is its seq, a hole " +
      "is an event `gap`, and `Last-Event-ID` is `since`.",
    address: LogQuery,
    answer: "application/x-ndjson",
    orAs: "text/event-stream",
    failures: ["request.malformed"],
  },
  stream: {
    method: "GET",
    path: "/v1/stream",
    summary: "The log as a websocket: see the frames below.",
    address: LogQuery,
    answer: "101",
    failures: ["request.malformed"],
  },
  cancel: {
    method: "POST",
    path: "/v1/assignments/{auditId}/cancel",
    summary: "Calls it off: it never starts, or its handler is told to stop.",
    body: Reason,
    answer: Done,
    failures: [
      "assignment.absent",
      "assignment.not-open",
      "request.malformed",
      "request.too-large",
    ],
  },
  pause: {
    method: "POST",
    path: "/v1/pause",
    summary: "Nothing starts until `resume`, over restarts too.",
    body: Reason,
    answer: Done,
    failures: ["request.malformed", "request.too-large"],
  },
  resume: {
    method: "POST",
    path: "/v1/resume",
    summary: "Ends a pause: what waits starts.",
    answer: Done,
  },
  drain: {
    method: "POST",
    path: "/v1/drain",
    summary:
      "Stops the agent in peace: what runs is finished, results are delivered, then it ends.",
    answer: Done,
  },
  world: {
    method: "GET",
    path: "/v1/world",
    summary: "Goal, plan and state of the backend inside this agent; 204 when there is none.",
    answer: World,
    also: { 204: "No backend lives in this agent" },
  },
  open: {
    method: "POST",
    path: "/v1/open",
    summary: "A link that lets one browser in, once, within 60 s. With the token alone.",
    answer: Opening,
  },
  openapi: {
    method: "GET",
    path: "/v1/openapi.json",
    summary: "This description, as OpenAPI 3.1.",
    isPublished: true,
    answer: "application/json",
  },
  viewer: {
    method: "GET",
    path: "/v1/docs",
    summary: "The same, as a page.",
    isPublished: true,
    answer: "text/html",
  },
} as const satisfies Record<string, Spec>;

export type RouteName = keyof typeof api;
