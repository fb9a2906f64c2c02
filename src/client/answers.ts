/** What a backend answers to a client's questions. Loose towards peers: unknown members pass. */
import { z } from "zod";
import type { Json } from "../core/json.ts";

/** What `JSON.parse` gave is JSON. */
const JsonValue: z.ZodType<Json> = z.custom<Json>((value) => value !== undefined);

export const Record = z.record(z.string(), JsonValue);
export const Records = z.array(Record);

/** One ground transition: parameter names to object names. */
export const PlannedStep = z
  .object({ action_name: z.string(), parameters: Record })
  .catchall(JsonValue);

export const PlanAnswer = z
  .object({
    plan: z.array(PlannedStep).nullable(),
    /** Absent before 0.2.0. */
    reason: z.string().optional(),
    detail: z.string().nullish(),
    relaxation: JsonValue.nullish(),
  })
  .catchall(JsonValue);
export type PlanAnswer = z.infer<typeof PlanAnswer>;

/** The result of a step, a trigger or a block. */
export const StepAnswer = z
  .object({ success: z.boolean(), message: z.string().nullish() })
  .catchall(JsonValue);
export type StepAnswer = z.infer<typeof StepAnswer>;

export const ExecuteAnswer = z.object({ results: z.array(StepAnswer) });

/** What was called off. `told` is false for what was handed out to a servant that cannot be told. */
export const CancelAnswer = z
  .object({
    cancelled: z.array(
      z
        .object({
          audit_id: z.string(),
          servant_id: z.string(),
          what: z.string(),
          handed_out: z.boolean(),
          told: z.boolean(),
        })
        .catchall(JsonValue),
    ),
    /** The running execution ends. */
    execution: z.boolean(),
  })
  .catchall(JsonValue);
export type CancelAnswer = z.infer<typeof CancelAnswer>;

export const LogEntry = z
  .object({
    level: z.string(),
    message: z.string(),
    /** Epoch seconds. */
    timestamp: z.number(),
  })
  .catchall(JsonValue);
export type LogEntry = z.infer<typeof LogEntry>;

export const LogsAnswer = z.object({ logs: z.array(LogEntry) });
