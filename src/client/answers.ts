/** What a backend answers to a client's questions. Loose towards peers: unknown members pass. */
import * as z from "zod/mini";
import { JsonValue } from "../wire/dynos.ts";

export const Anything = z.unknown();
export const JsonRecord = z.record(z.string(), JsonValue);
export const Records = z.array(JsonRecord);
/** Some answers may be any JSON. */
const loose = <S extends z.core.$ZodLooseShape>(shape: S) => z.catchall(z.object(shape), JsonValue);

/** One ground transition: parameter names to object names. */
export const PlannedStep = loose({ action_name: z.string(), parameters: JsonRecord });

export const PlanAnswer = loose({
  plan: z.nullable(z.array(PlannedStep)),
  /** Absent before 0.2.0. */
  reason: z.optional(z.string()),
  detail: z.nullish(z.string()),
  relaxation: z.nullish(JsonValue),
});
export type PlanAnswer = z.infer<typeof PlanAnswer>;

/** The result of a step, a trigger or a block. */
export const StepAnswer = z.pipe(
  // Null, of a step that is under way or was when its backend ended, is no success.
  z.transform((given: unknown) => {
    const answer = JsonRecord.safeParse(given).data;
    return answer?.success === null ? { ...answer, success: false, under_way: true } : given;
  }),
  loose({ success: z.boolean(), message: z.nullish(z.string()) }),
);
export type StepAnswer = z.infer<typeof StepAnswer>;

export const ExecuteAnswer = loose({ results: z.array(StepAnswer) });
/** Our backend's answer to `?wait=false`; others do not know it and answer when it is over. */
export const BegunAnswer = loose({ run_id: z.string() });
export type BegunAnswer = z.infer<typeof BegunAnswer>;

/** One run, as `/runs` has it: `results` only where it is asked for by its id. */
export const RunAnswer = loose({
  run_id: z.string(),
  kind: z.string(),
  what: z.string(),
  status: z.string(),
  /** Epoch seconds. */
  started: z.number(),
  ended: z.nullish(z.number()),
  success: z.nullish(z.boolean()),
  message: z.nullish(z.string()),
  results: z.optional(z.array(StepAnswer)),
});
export type RunAnswer = z.infer<typeof RunAnswer>;
export const RunsAnswer = loose({ runs: z.array(RunAnswer) });

/** What was called off. `told` is false for what was handed out to a servant that cannot be told. */
export const CancelAnswer = loose({
  cancelled: z.array(
    loose({
      audit_id: z.string(),
      servant_id: z.string(),
      what: z.string(),
      handed_out: z.boolean(),
      told: z.boolean(),
    }),
  ),
  /** The running execution ends. */
  execution: z.boolean(),
});
export type CancelAnswer = z.infer<typeof CancelAnswer>;

export const LogEntry = loose({
  level: z.string(),
  message: z.string(),
  /** Epoch seconds. */
  timestamp: z.number(),
});
export type LogEntry = z.infer<typeof LogEntry>;
export const LogsAnswer = loose({ logs: z.array(LogEntry) });

export const TraceEntry = loose({
  /** Epoch seconds. */
  ts: z.number(),
  kind: z.string(),
  summary: z.string(),
  data: z.optional(JsonValue),
});
export type TraceEntry = z.infer<typeof TraceEntry>;
export const TracesAnswer = loose({ traces: z.array(TraceEntry) });

export const MissionAnswer = loose({ mission: JsonRecord });
export const MissionsAnswer = loose({ missions: Records });
export const ServantAnswer = loose({ servant_id: z.string() });

/** One session of a gateway. */
export const SessionAnswer = loose({
  session_id: z.string(),
  label: z.nullish(z.string()),
  owner_username: z.nullish(z.string()),
  /** `running`, or `dead` when its process has ended by itself. */
  status: z.string(),
  /** Seconds without a request after which it ends. */
  timeout_s: z.number(),
  /** Seconds that are left of them. */
  expires_in_s: z.number(),
  config: z.nullish(JsonRecord),
  /** ISO 8601, UTC. */
  created_at: z.nullish(z.string()),
  last_active_at: z.nullish(z.string()),
});
export type SessionAnswer = z.infer<typeof SessionAnswer>;
export const SessionsAnswer = loose({ sessions: z.array(SessionAnswer) });
/** What an admin is told of a session beside its record. */
export const SessionUseAnswer = z.catchall(
  z.object({
    ...SessionAnswer.def.shape,
    pid: z.optional(z.number()),
    memory_bytes: z.optional(z.number()),
    cpu_s: z.optional(z.number()),
    in_flight: z.optional(z.number()),
  }),
  JsonValue,
);
export type SessionUseAnswer = z.infer<typeof SessionUseAnswer>;
export const SessionUsesAnswer = loose({ sessions: z.array(SessionUseAnswer) });
export const LoginAnswer = loose({
  token: z.string(),
  username: z.string(),
  role: z.nullish(z.string()),
});
export type LoginAnswer = z.infer<typeof LoginAnswer>;
