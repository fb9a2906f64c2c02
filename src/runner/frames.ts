/** What the agent and its plugin child say to each other, over the child's IPC channel. */
import { z } from "zod";
import type { Assignment, AuditId, Result } from "../core/assignment.ts";
import type { Atom } from "../core/atom.ts";
import type { ErrorCode } from "../core/errors.ts";
import { isErrorCode } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Offer } from "../core/ports.ts";

/** Agent to child. */
export type ToChild =
  | { type: "run"; id: number; assignment: Assignment }
  | { type: "abort"; id: number; code: ErrorCode; reason: string }
  | { type: "answer"; id: number; value: Json }
  | { type: "refusal"; id: number; code: ErrorCode; message: string }
  | { type: "ping" };

const errorCode = z.custom<ErrorCode>(isErrorCode);
const atom = z.custom<Atom>((value) => typeof value === "string");
const auditId = z.custom<AuditId>((value) => typeof value === "string");
const json = z.custom<Json>((value) => value !== undefined);

const ResultFrame: z.ZodType<Result> = z.object({
  auditId,
  success: z.boolean(),
  message: z.string(),
  telemetry: json,
  code: errorCode.exactOptional(),
  observed: z.array(z.object({ atom, holds: z.boolean() })),
  exclusive: z.array(z.string()),
  unchecked: z.boolean(),
});

const OfferFrame: z.ZodType<Offer> = z.object({
  transitions: z.array(z.string()),
  fluents: z.array(z.string()),
  domainModules: z.array(z.string()),
  startState: z.array(atom),
  startGoal: z.array(atom),
  vocabulary: z.custom<Offer["vocabulary"]>((value) => typeof value === "object" && value !== null),
});

/** Child to agent; a plugin can reach this channel too, so each frame is checked. */
export const FromChild = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("ready"),
    offer: OfferFrame,
    /** Milliseconds by transition, for the actions that set one. */
    timeouts: z.record(z.string(), z.number()),
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
  z.object({ type: z.literal("pong") }),
]);
export type FromChild = z.infer<typeof FromChild>;

/** A line of the child's output that is a log entry starts with this character. */
export const LOG_MARK = "\u001e";

/** A log entry, as it stands after `LOG_MARK` on one line of the child's output. */
export const LogFrame = z.object({
  level: z.enum(["debug", "info", "warn", "error"]),
  auditId: auditId.exactOptional(),
  message: z.string(),
  fields: z.record(z.string(), json),
});
export type LogFrame = z.infer<typeof LogFrame>;
