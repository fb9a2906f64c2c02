/**
 * What the local door says and hears, as data: both ends share these schemas, and
 * `docs/local-api.md` and `/v1/openapi.json` are made from them. Times are ISO 8601 in UTC.
 */
import * as z from "zod/mini";
import { levels, sources } from "../core/events.ts";
import { RunRecord } from "./direct.ts";

const Time = z.string().check(z.describe("ISO 8601, UTC"));
const AnyJson = z.unknown();
const said = (what: string) => z.string().check(z.describe(what));
const count = (what: string) => z.int().check(z.gte(0), z.describe(what));

// ─── Status ─────────────────────────────────────────────────────────────────────────────────────

export const Progress = z.object({
  fraction: z.number().check(z.describe("0 to 1, as the handler reports it")),
  message: z.string(),
  at: Time,
});
export type Progress = z.infer<typeof Progress>;

/** An assignment that is accepted and not finished. */
export const InHand = z.object({
  auditId: z.string(),
  kind: z.enum(["action", "belief", "invalid"]),
  what: said("such as `move(room_one, room_two)`"),
  phase: z.enum(["accepted", "started"]).check(z.describe("accepted: it waits for its turn")),
  acceptedAt: Time,
  startedAt: z.optional(Time),
  starts: count("how often its handler was started"),
  cancelled: z.optional(said("why it was called off, if it was")),
  progress: z.optional(Progress),
});
export type InHand = z.infer<typeof InHand>;

export const Link = z.object({
  state: z.enum(["connecting", "up", "down"]),
  origin: said("the backend's URL and session"),
  servantId: z.optional(said("the name of the present registration")),
  since: Time.check(z.describe("when the state began")),
  failures: count("in a row"),
  registrations: count("since the agent started"),
  reason: z.optional(said("why it is down")),
});
export type Link = z.infer<typeof Link>;

export const Trouble = z.object({
  time: Time,
  level: z.enum(["warn", "error"]),
  source: z.string(),
  auditId: z.optional(z.string()),
  message: z.string(),
});
export type Trouble = z.infer<typeof Trouble>;

/** What the plugin measures again and again. */
export const Stream = z.object({
  name: z.string(),
  intervalMs: z.number().check(z.describe("from one measurement to the next, in milliseconds")),
  at: z.optional(Time.check(z.describe("when it measured last; absent: not yet"))),
  value: z.optional(
    z.record(z.string(), AnyJson).check(z.describe("the last; `large` alone when it is too large")),
  ),
});
export type Stream = z.infer<typeof Stream>;

export const Status = z.object({
  version: z.string(),
  pid: z.int(),
  startedAt: Time,
  now: Time.check(z.describe("the agent's own clock: what ages are reckoned from")),
  stateDir: z.string(),
  state: z
    .enum(["starting", "ready", "paused", "not-ready", "draining"])
    .check(z.describe("what the agent as a whole is; the reasons say why")),
  reasons: z.array(z.string()),
  paused: z.optional(said("why it is paused, if it is")),
  doubted: z.optional(said("why the machine must be made safe, if it must")),
  link: Link,
  inHand: z.array(InHand),
  outbox: z.object({
    waiting: count("results that the backend has not taken"),
    aside: count("of them, those that it cannot take for now"),
    oldestAt: z.optional(Time.check(z.describe("when the oldest of them finished"))),
  }),
  child: z.object({
    pid: z.optional(z.int().check(z.describe("absent while there is none, or inside the agent"))),
    startedAt: z.optional(Time),
    restarts: count("processes that ended before their time"),
    lastEnd: z.optional(z.string()),
  }),
  journal: z.object({ bytes: count("the file's size"), isFull: z.boolean() }),
  counts: z
    .object({
      accepted: count("taken on to be run"),
      succeeded: count("answered with success"),
      failed: count("answered without, those too that never ran"),
      delivered: count("results that the backend took, repeats too"),
    })
    .check(z.describe("assignments since the agent started")),
  streams: z.optional(
    z.array(Stream).check(z.describe("what the plugin measures: the last of each, by name")),
  ),
  troubles: z.array(Trouble).check(z.describe("the last warnings and errors, newest first")),
});
export type Status = z.infer<typeof Status>;

export const Readiness = z.object({ ready: z.boolean() });
export type Readiness = z.infer<typeof Readiness>;

// ─── Assignments ────────────────────────────────────────────────────────────────────────────────

export const assignmentStates = ["unfinished", "waiting", "closed", "refused"] as const;
export type AssignmentState = (typeof assignmentStates)[number];

/** How many assignments one page holds at most. */
export const ASSIGNMENTS_PAGE_MAX = 200;

export const AssignmentQuery = z.object({
  state: z.optional(
    z
      .enum(assignmentStates)
      .check(
        z.describe(
          "unfinished: it waits or runs; waiting: its result does; closed: that was delivered; " +
            "refused: the backend will never take it",
        ),
      ),
  ),
  before: z.optional(z.coerce.number().check(z.int(), z.gte(1), z.describe("`next` of a page"))),
  limit: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(ASSIGNMENTS_PAGE_MAX)), 50),
});
export type AssignmentQuery = z.infer<typeof AssignmentQuery>;

export const AssignmentSummary = z.object({
  auditId: z.string(),
  kind: z.enum(["action", "belief", "invalid"]),
  what: z.string(),
  phase: z.enum(["accepted", "started", "finished", "delivered", "refused"]),
  acceptedAt: Time,
  startedAt: z.optional(Time),
  finishedAt: z.optional(Time),
  starts: z.int(),
  cancelled: z.optional(z.string()),
  success: z.optional(z.boolean()),
  message: z.optional(z.string()),
  code: z.optional(said("why it did not run to its end, from the table of errors")),
  interruption: z.optional(said("it was cut off once: how its result came about all the same")),
});
export type AssignmentSummary = z.infer<typeof AssignmentSummary>;

export const AssignmentPage = z.object({
  assignments: z.array(AssignmentSummary).check(z.describe("newest first")),
  next: z.optional(z.int().check(z.describe("give it as `before` for the next page"))),
});
export type AssignmentPage = z.infer<typeof AssignmentPage>;

/** One step of an assignment's life, as the journal has it. */
export const StoryFact = z.looseObject({ type: z.string(), at: Time });
export type StoryFact = z.infer<typeof StoryFact>;

export const AssignmentStory = z.extend(AssignmentSummary, {
  assignment: AnyJson.check(z.describe("as it was accepted; its parameters too")),
  result: z.optional(AnyJson.check(z.describe("as it goes to the backend, telemetry and all"))),
  facts: z.array(StoryFact).check(z.describe("oldest first")),
  progress: z.optional(Progress),
  reused: z
    .array(AssignmentSummary)
    .check(z.describe("other contents that came under the same audit id; they never ran")),
});
export type AssignmentStory = z.infer<typeof AssignmentStory>;

// ─── The embedded backend ───────────────────────────────────────────────────────────────────────

/** What the backend inside this agent (`agent run`) plans and takes for true. */
export const World = z.object({
  goal: z.array(z.string()).check(z.describe("the atoms that are wanted")),
  run: z
    .nullable(RunRecord)
    .check(z.describe("the present execution or the last, as the backend's `/runs/{id}` has it")),
  state: z.array(z.string()).check(z.describe("atoms that hold; of many the first alone")),
  atoms: count("how many hold"),
  map: z
    .array(AnyJson)
    .check(z.describe("GeoJSON Features: objects, tracks flown and planned; of many the last")),
});
export type World = z.infer<typeof World>;

// ─── Commands ───────────────────────────────────────────────────────────────────────────────────

/** The longest reason that is taken, in characters. */
const REASON_MAX_CHARS = 500;

/** The body of cancel and pause; it may be left out. */
export const Reason = z.object({
  reason: z._default(
    z.string().check(z.trim(), z.minLength(1), z.maxLength(REASON_MAX_CHARS)),
    "asked to by a person",
  ),
});
export type Reason = z.infer<typeof Reason>;

export const Done = z.object({ status: z.literal("ok") });

export const Opening = z.object({
  url: said("opens the page in a browser, once"),
  expiresAt: Time,
});
export type Opening = z.infer<typeof Opening>;

/** STATE_DIR/local.json: where the running agent's door is. */
export const LocalFile = z.object({
  url: z.optional(said("absent when it listens on a socket file alone")),
  socket: z.optional(said("the socket file's path")),
  pid: z.int(),
});
export type LocalFile = z.infer<typeof LocalFile>;

// ─── Failures ───────────────────────────────────────────────────────────────────────────────────

/** The body of every answer from 400 on. */
export const Failure = z.object({
  code: said("from the table of errors; programs decide by it"),
  message: z.string(),
  hint: z.string(),
});
export type Failure = z.infer<typeof Failure>;

// ─── The log, and its stream over a websocket ───────────────────────────────────────────────────

/** The longest text and audit id that a filter takes, in characters. */
export const FILTER_TEXT_MAX_CHARS = 256;

export const LogLine = z.object({
  seq: z
    .int()
    .check(z.describe("one more than the line before, over restarts too; a kill leaves some out")),
  time: Time,
  level: z.enum(levels),
  source: z.enum(sources),
  auditId: z.optional(said("the assignment that it belongs to")),
  message: z.string(),
  fields: z
    .record(z.string(), AnyJson)
    .check(z.describe("what the message is made of, or what a plugin logged along with it")),
});
export type LogLine = z.infer<typeof LogLine>;

export const Since = z
  .union([
    z.int().check(z.gte(0), z.describe("a line's seq: what came after that line")),
    z.string().check(z.maxLength(40), z.describe("ISO 8601, or an age such as `10m`, `1h30m`")),
  ])
  .check(z.describe("from where on; never ahead of the agent's own last line and clock"));
export type Since = z.infer<typeof Since>;

/** What is absent excludes nothing. */
export const Subscribe = z.strictObject({
  level: z.optional(z.enum(levels).check(z.describe("this level and those above"))),
  sources: z.optional(z.array(z.enum(sources)).check(z.maxLength(sources.length))),
  auditId: z.optional(z.string().check(z.minLength(1), z.maxLength(FILTER_TEXT_MAX_CHARS))),
  text: z.optional(
    z
      .string()
      .check(z.maxLength(FILTER_TEXT_MAX_CHARS))
      .check(z.describe("stands in the message, in whatever case")),
  ),
  since: z.optional(Since),
});
export type Subscribe = z.infer<typeof Subscribe>;

/** The same in an address: of `/v1/logs`, and of the stream for its first subscription. */
export const LogQuery = z.object({
  level: z.optional(z.enum(levels).check(z.describe("this level and those above"))),
  source: z.optional(z.array(z.enum(sources)).check(z.describe("may stand several times"))),
  auditId: z.optional(z.string().check(z.maxLength(FILTER_TEXT_MAX_CHARS))),
  text: z.optional(
    z
      .string()
      .check(
        z.maxLength(FILTER_TEXT_MAX_CHARS),
        z.describe("stands in the message, in whatever case"),
      ),
  ),
  since: z.optional(
    said(
      "a seq (what came after that line), ISO 8601, or an age such as `10m`; absent: of `/v1/logs` " +
        "all that is kept, of the stream what comes from now on",
    ),
  ),
});

/** Client to agent. */
export const ClientFrame = z.strictObject({
  subscribe: Subscribe.check(z.describe("in place of what was subscribed to before")),
});
export type ClientFrame = z.infer<typeof ClientFrame>;

const seq = (what: string) => z.int().check(z.describe(what));

/** The first frame. From here on every line comes, until a client subscribes otherwise. */
export const Hello = z.object({
  hello: z.object({
    boot: said("another one after each start of the agent"),
    seq: seq("the last line so far"),
  }),
});
/** The lines of a moment, oldest first. */
export const Lines = z.object({ lines: z.array(LogLine) });
/** The answer to `subscribe`: what comes after it passes the new filter. */
export const Subscribed = z.object({
  subscribed: z.object({ seq: seq("the last line so far; with `since`, those before it follow") }),
});
/**
 * Lines that this reader will not get: it read too slowly, they are no longer kept, or the agent was
 * killed before they were written.
 */
export const Gap = z.object({
  gap: z.object({
    from: seq("the first line that may be missing"),
    to: seq("the last one"),
    dropped: z.optional(
      z
        .int()
        .check(z.describe("how many of its filter are; absent when nobody knows: they are gone")),
    ),
  }),
});
/** Agent to client. */
export const AgentFrame = z.union([Lines, Hello, Subscribed, Gap]);
export type AgentFrame = z.infer<typeof AgentFrame>;
