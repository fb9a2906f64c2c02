/**
 * Every failure that is not a handler's own: one class, its code from one table. The kind of a
 * code is the whole retry policy and the exit code; nothing is ever decided by message text.
 */

export type ErrorKind =
  | "transient" // backs off and tries again
  | "auth" // stops and tells a person
  | "gone" // the session or servant is no longer known: register again
  | "permanent" // reported once
  | "usage"; // what was asked for cannot work: starting again will not help

export const catalogue = {
  "agent.draining": { kind: "permanent", hint: "The agent was stopping; assign it again" },
  "agent.internal": { kind: "permanent", hint: "This is a fault of the agent: please report it" },
  "agent.silent": { kind: "permanent", hint: "See the agent's log; it may be stuck or ending" },
  "assignment.absent": {
    kind: "permanent",
    hint: "Nothing was accepted under this audit id: `agent journal list` shows what was",
  },
  "assignment.bad-params": {
    kind: "permanent",
    hint: "Send every parameter the transition declares",
  },
  "assignment.id-reused": { kind: "permanent", hint: "Give each assignment its own audit id" },
  "assignment.malformed": { kind: "permanent", hint: "Send an action or a belief assignment" },
  "assignment.misaddressed": {
    kind: "permanent",
    hint: "Its header names another machine, or no command: mend its sender",
  },
  "assignment.not-open": {
    kind: "permanent",
    hint: "It is unknown or answered already: there is nothing to cancel",
  },
  "assignment.stale": {
    kind: "permanent",
    hint: "It waited across a restart; assign it again if still wanted",
  },
  "assignment.too-large": { kind: "permanent", hint: "Send less, or raise --max-assignment" },
  "assignment.unknown": { kind: "permanent", hint: "Assign only what the servant registered" },
  "atom.malformed": { kind: "permanent", hint: "Write an atom as name(object, object)" },
  "atom.unknown": {
    kind: "permanent",
    hint: "Name a fluent and objects that the backend knows: see `agent call objects`",
  },
  "backend.bad-url": {
    kind: "usage",
    hint: "Write it as http://127.0.0.1:8421 or https://plan.example.com",
  },
  "backend.gave-up": {
    kind: "transient",
    hint: "Check the backend, or raise --max-failures (0 = never give up)",
  },
  "backend.http-refused": {
    kind: "usage",
    hint: "Use https://, or set DYNOS_ALLOW_HTTP=1 to send the token in clear",
  },
  "backend.malformed-answer": {
    kind: "transient",
    hint: "Check that the URL is a DYNOS backend's",
  },
  "backend.rejected": {
    kind: "permanent",
    hint: "The backend refuses this request: see its message",
  },
  "backend.result-unclaimed": {
    kind: "permanent",
    hint: "No registration knows it: it stays in the journal, see `agent journal list`",
  },
  "backend.session-gone": {
    kind: "gone",
    hint: "The session or servant is gone: `agent session list` shows yours; a servant is started again",
  },
  "backend.unauthorized": {
    kind: "auth",
    hint: "Log in again: `agent login`, or for NATS --nats-user, NATS_TOKEN or --nats-creds; the login is missing, wrong or expired",
  },
  "backend.unavailable": {
    kind: "transient",
    hint: "The backend answered that it cannot serve now",
  },
  "backend.unreachable": { kind: "transient", hint: "Check the URL and that the backend runs" },
  "batch.malformed": {
    kind: "usage",
    hint: 'Write a list such as [{"machine_id": "balance", "name": "weigh"}]: docs/puda.md',
  },
  "command.duplicate": {
    kind: "permanent",
    hint: "Give each command of a run a step number of its own",
  },
  "command.not-allowed": {
    kind: "permanent",
    hint: "Allow it, exactly as the scenario writes it: agent serve --allow-run COMMAND",
  },
  "command.unanswered": {
    kind: "transient",
    hint: "See whether it runs with `agent puda ping`; it may have done it: look before repeating",
  },
  "config.invalid": { kind: "usage", hint: "Mend the config file, or log in again" },
  "domain.conflict": {
    kind: "permanent",
    hint: "Two vocabularies define this name differently: rename one",
  },
  "domain.first-party": {
    kind: "usage",
    hint: "It needs no import; `agent domain show` shows it",
  },
  "domain.import-failed": {
    kind: "permanent",
    hint: "See what the module said; --python names the Python that has it",
  },
  "domain.invalid": {
    kind: "usage",
    hint: "Declare every type, fluent and parameter that the vocabulary uses",
  },
  "domain.no-python": {
    kind: "usage",
    hint: "Install Python 3, or name the one that has the module with --python",
  },
  "domain.not-found": {
    kind: "usage",
    hint: "See `agent domain list`, or name a .json or .ts file that exists",
  },
  "domain.unknown": {
    kind: "permanent",
    hint: "Name a domain that the backend knows, or make it known: `agent domain --help`",
  },
  "execution.cancelled": { kind: "permanent", hint: "Somebody cancelled it: the reason is given" },
  "execution.running": {
    kind: "permanent",
    hint: "Wait until it ends, or end it with `agent call cancel`",
  },
  "execution.stopped": { kind: "permanent", hint: "The backend was reset or was stopping" },
  "execution.unwatched": {
    kind: "transient",
    hint: "Ask the backend how it went, once it answers",
  },
  "expression.malformed": { kind: "usage", hint: "Write a call such as goto(start=wp1, end=wp2)" },
  "gateway.no-users": {
    kind: "usage",
    hint: "Make one with `agent hash-password --json NAME --role admin --into FILE`, and give it as --users FILE",
  },
  "gateway.bad-users": { kind: "usage", hint: "Mend the users file: docs/gateway.md shows one" },
  "handler.bad-result": {
    kind: "permanent",
    hint: "Return {success, telemetry?, message?, observed?}, a boolean or nothing",
  },
  "handler.cancelled": { kind: "permanent", hint: "It was cancelled before it ended" },
  "handler.crashed": {
    kind: "permanent",
    hint: "The plugin's process ended while the handler ran: see its output",
  },
  "handler.hung": {
    kind: "permanent",
    hint: "The handler blocked its event loop; await instead of computing",
  },
  "handler.interrupted": {
    kind: "permanent",
    hint: "The agent stopped while it ran: look at the machine before repeating",
  },
  "handler.threw": { kind: "permanent", hint: "See the plugin's output for the stack" },
  "handler.timeout": {
    kind: "permanent",
    hint: "Raise the action's timeoutMs, or make it heed ctx.signal",
  },
  "journal.damaged": {
    kind: "permanent",
    hint: "The journal cannot be read: it was set aside, see the message",
  },
  "journal.full": { kind: "transient", hint: "Free disk space under the state directory" },
  "journal.no-entry": {
    kind: "permanent",
    hint: "See `agent journal list` for what the journal holds",
  },
  "journal.other-version": {
    kind: "permanent",
    hint: "Use the version of the agent that wrote it, or give this one its own --state-dir",
  },
  "login.not-sent": {
    kind: "auth",
    hint: "Log in with `agent login URL`, then connect without --to: no token goes with it",
  },
  "login.needed": { kind: "auth", hint: "Log in: `agent login URL`" },
  "login.wrong": { kind: "auth", hint: "Check the name and the password" },
  "login.too-many": { kind: "transient", hint: "Wait as long as Retry-After says, then try again" },
  "key.invalid": {
    kind: "usage",
    hint: "Write encrypt=KEY, and previous=KEY if there is one: 32 bytes each, as base64",
  },
  "local.bad-address": {
    kind: "usage",
    hint: "Name an address of this machine, such as 127.0.0.1, or a path in a folder that is there",
  },
  "local.absent": {
    kind: "permanent",
    hint: "Start it, without --no-local, or name its own folder with --state-dir",
  },
  "local.silent": {
    kind: "permanent",
    hint: "It is stuck, suspended or just ending: see its log file and its process",
  },
  "local.bad-tls": {
    kind: "usage",
    hint: "Give the certificate and its key as PEM files: --tls-cert and --tls-key",
  },
  "local.needs-tls": {
    kind: "usage",
    hint: "Give --tls-cert and --tls-key, or listen on 127.0.0.1 behind an ssh tunnel or a proxy",
  },
  "local.port-in-use": {
    kind: "permanent",
    hint: "Stop what listens there, or choose another port",
  },
  "local.too-many": { kind: "transient", hint: "Ask less often, or close some connections" },
  "local.unauthorized": {
    kind: "auth",
    hint: "Send the token as `Authorization: Bearer`; for a browser there is `agent open`",
  },
  "machine.absent": {
    kind: "permanent",
    hint: "Start it, or check its id: `agent puda ping` lists the machines that are there",
  },
  "machine.bad-id": {
    kind: "usage",
    hint: "Use letters, digits, - and _, without a dot: --machine-id balance-1",
  },
  "machine.locked": {
    kind: "permanent",
    hint: "What was called off has not stopped yet: wait until the machine says that it is idle",
  },
  "machine.paused": { kind: "permanent", hint: "Resume the machine, then send it again" },
  "machine.taken": {
    kind: "permanent",
    hint: "Stop the other one, or give this machine its own --machine-id",
  },
  "mission.unknown": {
    kind: "permanent",
    hint: "See GET /missions for those that there are; POST /fork saves the goal as one",
  },
  "nats.bad-servers": {
    kind: "usage",
    hint: "Write nats://host:4222, several with commas; all nats:// or all tls://",
  },
  "nats.bad-stream": {
    kind: "usage",
    hint: "Mend the stream with the `nats` tool as the message says, or delete it: it is made anew",
  },
  "nats.forbidden": {
    kind: "auth",
    hint: "The server's permissions keep this login from it: docs/puda.md says what is needed",
  },
  "nats.no-jetstream": {
    kind: "transient",
    hint: "Start the server with JetStream: nats-server -js",
  },
  "nats.no-responders": {
    kind: "transient",
    hint: "See whether the stream and its server are there",
  },
  "nats.refused": { kind: "transient", hint: "See what the server said, and its log" },
  "object.conflict": {
    kind: "permanent",
    hint: "Choose another name: this object exists with other content",
  },
  "object.in-use": {
    kind: "permanent",
    hint: "First remove what names it; /objects/{name}/cascade takes its parts along",
  },
  "object.invalid": {
    kind: "permanent",
    hint: "See `agent call objects` for what its type declares",
  },
  "object.unknown": {
    kind: "permanent",
    hint: "Name an object that exists: see `agent call objects`",
  },
  "payload.refused": {
    kind: "permanent",
    hint: "Give both sides the same lab key, or neither: --payload-key",
  },
  "pddl.malformed": { kind: "usage", hint: "Mend the PDDL at the place that is named" },
  "pddl.unsupported": {
    kind: "usage",
    hint: "Say it in typed STRIPS, with conditions, conditional effects and action costs",
  },
  "plan.none": { kind: "permanent", hint: "See the reason; relax the goal or add a provider" },
  "plugin.bad-reference": {
    kind: "usage",
    hint: "Write ./file.ts:Class, /path/file.js:Class or package:Class",
  },
  "plugin.class-missing": { kind: "usage", hint: "Export the class under that name" },
  "plugin.duplicate-handler": {
    kind: "usage",
    hint: "Keep one handler for each transition and fluent",
  },
  "plugin.legacy-decorator": {
    kind: "usage",
    hint: "Use standard decorators: remove experimentalDecorators",
  },
  "plugin.load-failed": { kind: "usage", hint: "Mend the plugin: see the position above" },
  "plugin.no-handlers": {
    kind: "usage",
    hint: "Mark methods with @action(transition) or @belief(fluent)",
  },
  "plugin.not-found": {
    kind: "usage",
    hint: "Check the name, from the current folder; a file is written ./name.ts:Class",
  },
  "provider.missing": {
    kind: "permanent",
    hint: "Connect a servant that provides this transition",
  },
  "request.abandoned": { kind: "transient", hint: "Wait for the answer; it may have been done" },
  "request.ambiguous": {
    kind: "permanent",
    hint: "Send one Host, one length, one token, and a path without dots as its steps",
  },
  "request.malformed": {
    kind: "permanent",
    hint: "Send the parameters and the body that this route declares",
  },
  "request.foreign": {
    kind: "permanent",
    hint: "Ask from a program, or from a page that is served here",
  },
  "request.slow": { kind: "transient", hint: "Send what was begun, without pauses" },
  "request.too-large": { kind: "permanent", hint: "Send less in one request" },
  "request.too-many": {
    kind: "transient",
    hint: "Polls that are held and open websockets count: end some, or raise --requests-per-user",
  },
  "route.unknown": { kind: "permanent", hint: "See docs/backend.md and docs/local-api.md" },
  "run.cancelled": { kind: "permanent", hint: "Its run was cancelled: begin another" },
  "run.mismatch": { kind: "permanent", hint: "Start the run first; a run that failed is over" },
  "run.no-goal": {
    kind: "usage",
    hint: "Give --goal ATOM, or let others set one with --backend-port",
  },
  "run.refused": {
    kind: "permanent",
    hint: "Another run is open there: complete it, or `agent puda send MACHINE reset`",
  },
  "run.unknown": { kind: "permanent", hint: "See `/runs` for those that are remembered" },
  "scenario.bad-name": {
    kind: "usage",
    hint: "Give another --name: a letter, then letters, digits and _, and no word of OSC2",
  },
  "scenario.foreign-folder": {
    kind: "usage",
    hint: "Name an empty folder or a new one; --force writes beside what is there",
  },
  "scenario.insecure-bind": {
    kind: "usage",
    hint: "Whoever reaches it moves the machine: its clients log in nowhere. Listen on 127.0.0.1 or a socket file, behind a tunnel if need be, or say --insecure-bind (docs/scenario-execution.md)",
  },
  "scenario.malformed": {
    kind: "permanent",
    hint: "Send one part, one msgpack map of cmd and payload, as scenario-execution 1.8 does",
  },
  "scenario.no-actions": {
    kind: "permanent",
    hint: "See docs/scenario-execution.md for what OSC2 has types for",
  },
  "servant.lost": {
    kind: "permanent",
    hint: "The servant fell silent: see whether it still runs",
  },
  "servant.too-many": {
    kind: "transient",
    hint: "Disconnect some: a place is free once a servant is lost",
  },
  "servant.unknown": { kind: "gone", hint: "Register again: the backend does not know this id" },
  "session.ambiguous": { kind: "usage", hint: "Name it by its id: `agent session list`" },
  "session.dead": {
    kind: "permanent",
    hint: "Its process has ended: `agent session logs` says why, `agent session reset` starts it afresh",
  },
  "session.invalid": { kind: "permanent", hint: "See docs/gateway.md for what a session may be" },
  "session.malformed-answer": {
    kind: "permanent",
    hint: "This is a fault of the session or of the gateway: please report it with the session's log",
  },
  "session.no-gateway": {
    kind: "permanent",
    hint: "A backend without a gateway needs no login: `agent call --to URL`",
  },
  "session.none-chosen": {
    kind: "usage",
    hint: "Name one with --session NAME, or make it the default: `agent session swap NAME`",
  },
  "session.not-allowed": { kind: "permanent", hint: "Ask an admin of this gateway" },
  "session.no-port": {
    kind: "transient",
    hint: "Stop a session, or give the gateway more ports with --session-ports",
  },
  "session.starting": { kind: "transient", hint: "Try again in a moment: its process is starting" },
  "session.too-many": { kind: "permanent", hint: "Stop one of yours: `agent session list`" },
  "session.unknown": { kind: "permanent", hint: "See `agent session list` for yours" },
  "session.unstartable": {
    kind: "permanent",
    hint: "See the session's log, named in the message, and the gateway's own",
  },
  "state.absent": {
    kind: "usage",
    hint: "Name the agent's own folder with --state-dir; `agent connect --help` says the default",
  },
  "state.locked": {
    kind: "permanent",
    hint: "Stop the other agent, or give this one its own --state-dir",
  },
  "state.unwritable": { kind: "permanent", hint: "Give a writable folder with --state-dir" },
  "step.keep-out": { kind: "permanent", hint: "Lift the no_entry, or go elsewhere" },
  "transition.unknown": {
    kind: "permanent",
    hint: "Name a transition that the backend knows: see `agent call actions`",
  },
  "usage.invalid": { kind: "usage", hint: "See --help" },
  "zmtp.malformed": {
    kind: "permanent",
    hint: "Connect a REQ or DEALER socket of ZeroMQ 4 without security; a message holds 16 MiB",
  },
} as const satisfies Record<string, { kind: ErrorKind; hint: string }>;

export type ErrorCode = keyof typeof catalogue;

/** Process exit codes, by kind; 0 is success. From sysexits.h where it has one. */
export const exitCodes = {
  permanent: 1,
  usage: 2,
  gone: 69,
  transient: 75,
  auth: 77,
} as const satisfies Record<ErrorKind, number>;

/** A failure with a code from the table. Messages read `Cannot <verb> <object>: <reason>`. */
export class ServantError extends Error {
  override readonly name: string = "ServantError";
  readonly code: ErrorCode;
  /** A server's own word on when to try again, when it gave one. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options?: ErrorOptions & { retryAfterMs?: number },
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
  }

  get kind(): ErrorKind {
    return catalogue[this.code].kind;
  }

  get hint(): string {
    return catalogue[this.code].hint;
  }
}

/** True when the text is a code of the table (a frame or a row may hold any text). */
export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === "string" && Object.hasOwn(catalogue, text);
}

/** Narrows a caught value. */
export function isServantError(value: unknown): value is ServantError {
  return value instanceof ServantError;
}

/** Any thrown value as a ServantError; what is not one is a fault of the agent. */
export function toServantError(cause: unknown): ServantError {
  if (cause instanceof ServantError) return cause;
  return new ServantError("agent.internal", messageOf(cause), { cause });
}

/** What a thrown value says, whatever it is; never throws itself. */
export function messageOf(cause: unknown): string {
  try {
    return cause instanceof Error && cause.message !== "" ? cause.message : String(cause);
  } catch {
    return "a value that cannot be printed"; // a hostile toString
  }
}

/** Ends the process when an invariant of ours is broken: the journal makes dying cheap. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new ServantError("agent.internal", `Broken invariant: ${invariant}`);
}
