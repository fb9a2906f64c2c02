/** The agent's check of what its child sends: a plugin can reach that channel too. */
import * as z from "zod/mini";
import type { AuditId, Result } from "../core/assignment.ts";
import type { Atom } from "../core/atom.ts";
import { type Command, DOC_MAX_CHARS } from "../core/catalogue.ts";
import type { ChildTelling } from "../core/child.ts";
import type { Domain } from "../core/domain.ts";
import { type ErrorCode, isErrorCode } from "../core/errors.ts";
import { type ActionRules, hookNames, type LogLine, type Reconciled } from "../core/handlers.ts";
import { isNestedWithin, type Json } from "../core/json.ts";
import type { Offer } from "../core/ports.ts";
import { INTERVAL_MAX_MS, INTERVAL_MIN_MS, STREAM_NAME } from "../core/telemetry.ts";
import type { FromChild } from "./frames.ts";

const errorCode = z.custom<ErrorCode>(isErrorCode);
const atom = z.custom<Atom>((value) => typeof value === "string");
const auditId = z.custom<AuditId>((value) => typeof value === "string");
/** Writing what nests deeper would overflow the stack of whoever logs or keeps it. */
const json = z.custom<Json>((value) => value !== undefined && isNestedWithin(value as Json));

const ResultFrame: z.ZodMiniType<Result> = z.object({
  auditId,
  success: z.boolean(),
  message: z.string(),
  telemetry: json,
  code: z.exactOptional(errorCode),
  observed: z.array(z.object({ atom, holds: z.boolean() })),
  exclusive: z.array(z.string()),
  unchecked: z.boolean(),
});

/** Code does not cross a pipe: what is left of it, `{}` for each transition, would be code of its own. */
const vocabulary = z.pipe(
  z.custom<Domain>((value) => typeof value === "object" && value !== null),
  z.transform(({ code: _, ...words }): Domain => words),
);

const CommandFrame: z.ZodMiniType<Command> = z.object({
  name: z.string(),
  signature: z.string(),
  doc: z.string().check(z.maxLength(DOC_MAX_CHARS)),
  params: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      isOptional: z.boolean(),
      default: z.exactOptional(json),
    }),
  ),
});

const OfferFrame: z.ZodMiniType<Offer> = z.object({
  transitions: z.array(z.string()),
  fluents: z.array(z.string()),
  domainModules: z.array(z.string()),
  catalogue: z.optional(z.array(CommandFrame)),
  startState: z.array(atom),
  startGoal: z.array(atom),
  vocabulary,
  vocabularyFiles: z.optional(z.array(z.string())),
  coded: z.optional(z.array(z.string())),
});

const limitMs = z.number().check(z.positive());
const Rules: z.ZodMiniType<ActionRules> = z.object({
  onInterrupted: z.enum(["fail", "rerun", "reconcile"]),
  timeoutMs: z.exactOptional(limitMs),
  progressTimeoutMs: z.exactOptional(limitMs),
  hangTimeoutMs: z.exactOptional(limitMs),
  uses: z.exactOptional(z.array(z.string())),
  isLight: z.exactOptional(z.literal(true)),
});

const ReconciledFrame: z.ZodMiniType<Reconciled> = z.object({
  state: z.enum(["done", "not-done", "partly"]),
  message: z.string(),
});

export const FromChildFrame: z.ZodMiniType<FromChild> = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("ready"),
    loaded: z.object({
      offer: OfferFrame,
      rules: z.record(z.string(), Rules),
      hasSafe: z.boolean(),
      hooks: z.array(z.enum(hookNames)),
      hasShutdown: z.boolean(),
    }),
  }),
  z.object({ type: z.literal("broken"), code: errorCode, message: z.string() }),
  z.object({ type: z.literal("result"), id: z.number(), result: ResultFrame }),
  z.object({
    type: z.literal("progress"),
    id: z.number(),
    fraction: z.number(),
    message: z.string(),
  }),
  z.object({ type: z.literal("call"), id: z.number(), method: z.string(), args: z.array(json) }),
  z.object({ type: z.literal("reconciled"), id: z.number(), reconciled: ReconciledFrame }),
  z.object({ type: z.literal("secured"), id: z.number() }),
  z.object({ type: z.literal("hooked"), id: z.number() }),
  z.object({ type: z.literal("failed"), id: z.number(), code: errorCode, message: z.string() }),
  z.object({ type: z.literal("pong"), started: z.number() }),
]);

/** A log entry, as it stands after `LOG_MARK` on one line of the child's output. */
export const LogFrame: z.ZodMiniType<LogLine> = z.object({
  level: z.enum(["debug", "info", "warn", "error"]),
  auditId: z.exactOptional(auditId),
  message: z.string(),
  fields: z.record(z.string(), json),
});

const streamName = z.string().check(z.regex(STREAM_NAME));
/** What stands after `TELL_MARK`. */
export const TellFrame: z.ZodMiniType<ChildTelling> = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("event"),
    kind: z.enum(["alert", "media", "log"]),
    auditId: z.exactOptional(auditId),
    fields: z.record(z.string(), json),
  }),
  z.object({
    type: z.literal("stream"),
    name: streamName,
    intervalMs: z.number().check(z.gte(INTERVAL_MIN_MS), z.lte(INTERVAL_MAX_MS)),
    isOpen: z.boolean(),
  }),
  z.object({
    type: z.literal("sample"),
    name: streamName,
    value: z.record(z.string(), json),
  }),
]);
