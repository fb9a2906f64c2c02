/**
 * DYNOS in direct mode, as data: what clients ask a backend and what it answers, beside the servant's
 * side in `dynos.ts`. Loose: a peer's unknown members pass.
 */
import * as z from "zod/mini";
import { JsonValue } from "./dynos.ts";

const Members = z.record(z.string(), JsonValue);
const Texts = z.array(z.string());
const said = (text: string) => z.string().check(z.describe(text));
const Seconds = z.number().check(z.describe("epoch seconds"));

/** The body of every answer from 400 on. */
export const Failure = z.looseObject({
  detail: said("for people"),
  code: said("from the table of errors; programs decide by it"),
});
export const Ok = z.looseObject({ status: z.literal("ok") });
export const Health = z.looseObject({
  status: z.literal("ok"),
  domains: Texts,
  servants: z.number().check(z.describe("those that are not lost")),
  running: z.nullable(said("the run that goes on, in words")),
  not_saved: z.nullable(said("why the state could not be saved")),
});

// ─── The vocabulary ─────────────────────────────────────────────────────────────────────────────

const Argument = z.looseObject({ name: z.string(), type: z.string() });
export const Action = z.looseObject({
  name: z.string(),
  params: z.array(z.looseObject({ ...Argument.shape, optional: z.optional(z.boolean()) })),
  preconditions: Texts,
  effects: Texts,
  provider: z.nullable(said("the servant that would get it")),
});
export const Fluent = z.looseObject({
  name: z.string(),
  args: z.array(Argument),
  default: z.boolean(),
  groundings: z.array(said("a true atom")),
  observer: z.nullable(said("the servant that observes it")),
});
export const ObjectType = z.looseObject({
  name: z.string(),
  value_fields: z.record(z.string(), z.enum(["number", "string", "boolean", "json"])),
});

// ─── Objects ────────────────────────────────────────────────────────────────────────────────────

const record = {
  name: z.string(),
  type: z.string(),
  value_fields: Members.check(z.describe("the declared fields alone")),
  parent: z.optional(said("the object that it is a part of")),
};
const warning = z.optional(said("what was left out, or merged"));
export const ObjectRecord = z.looseObject(record);
export const ObjectNode = z.looseObject({
  ...record,
  children: z.array(Members.check(z.describe("the same again"))),
});
export const CreatedObject = z.looseObject({
  status: z.literal("ok"),
  object: z.looseObject({
    ...record,
    created: z.boolean(),
    merged_into: z.optional(said("the object at the same place: use its name")),
    warning,
  }),
});
export const ObjectFields = Members;
export const ChangedObject = z.looseObject({ ...record, warning });
export const DeletedObject = z.looseObject({ ...record, deleted: Texts });
export const ModifiedAt = z.looseObject({ modified_at: Seconds });
export const ObjectQuery = z.object({
  type: z.optional(z.string()),
  scope: z.optional(
    z.enum(["public", "all"]).check(z.describe("`public` leaves out parts of other objects")),
  ),
});
export const ScopeQuery = z.pick(ObjectQuery, { scope: true });

// ─── Beliefs ────────────────────────────────────────────────────────────────────────────────────

export const Observation = z.looseObject({ fluent: said("an atom"), value: z.boolean() });
export const ObservationBatch = z.looseObject({ observations: z.array(Observation) });
export const BeliefQuery = z.looseObject({ fluent: said("a fluent's name") });
export const BeliefAnswer = z.looseObject({
  fluent: z.string(),
  observed: z.boolean().check(z.describe("a servant was asked, and saw")),
  atoms: z.record(z.string(), z.boolean()),
  message: z.optional(said("why it was not observed")),
});

// ─── Plans and runs ─────────────────────────────────────────────────────────────────────────────

export const PlannedStep = z.looseObject({
  action_name: z.string(),
  parameters: Members,
  index: z.number(),
  cost: z.optional(z.number()),
});
export const PlanAnswer = z.looseObject({
  plan: z.nullable(z.array(PlannedStep)),
  reason: z.enum([
    "no_goal_set",
    "goal_already_satisfied",
    "plan_found",
    "no_plan_found",
    "goal_unreachable",
    "planner_timeout",
    "planner_memout",
    "planner_error",
  ]),
  detail: z.string(),
  relaxation: z.optional(z.nullable(Members)),
});
export const MissionPlan = z.looseObject({
  plan: z.nullable(z.array(PlannedStep)),
  ...{ reason: z.string(), detail: z.string(), relaxation: z.optional(z.nullable(Members)) },
});
export const StepCosts = z.looseObject({ steps: z.array(Members), total: z.number() });
export const LevelQuery = z.object({
  level: z.optional(
    z.enum(["group", "step"]).check(z.describe("`group` sums up the steps of each action")),
  ),
});
export const WaitQuery = z.object({
  wait: z.optional(z.enum(["true", "false"]).check(z.describe("`false`: 202 with `run_id`"))),
});
const Result = z.looseObject({ success: z.nullable(z.boolean()), message: z.string() });
export const Results = z.looseObject({
  results: z.array(Result),
  success: z.boolean(),
  message: z.string(),
  run_id: z.string(),
});
/** The answer to what is not waited for. */
export const BegunRun = z.looseObject({ run_id: z.string(), status: z.string() });
export const StepResult = z.looseObject({ ...Result.shape, audit_id: z.string() });
const RunStatus = z.enum(["running", "succeeded", "failed", "cancelled", "stopped", "interrupted"]);
const run = {
  run_id: z.string(),
  kind: z.enum(["goal", "blocks", "mission", "trigger"]),
  what: z.string(),
  status: RunStatus,
  started: Seconds,
  ended: z.nullable(Seconds),
};
export const RunList = z.looseObject({ runs: z.array(z.looseObject(run)) });
/** A run without its plan and what each step came to. */
export type RunSummary = z.infer<typeof RunList>["runs"][number];
const Reasons = {
  needs: z.optional(
    z.array(
      z.looseObject({
        atom: said("what held, `not` before it where it did not"),
        from: z.nullable(z.number().check(z.describe("the step that made it so; null: none"))),
      }),
    ),
  ),
  serves: z.optional(
    z.array(
      z.looseObject({
        atom: z.string(),
        to: z.nullable(z.number().check(z.describe("the step that needs it; null: the goal"))),
      }),
    ),
  ),
};
export const Because = z.looseObject({
  plan: z.number().check(z.describe("the how manieth of its run")),
  step: z.number().check(z.describe("from 1")),
  replanned: z.optional(said("why there is another plan than before; of its first step alone")),
  ...Reasons,
});
export const KeptPlan = z.looseObject({
  plan: z.nullable(z.array(z.looseObject({ ...PlannedStep.shape, ...Reasons }))),
  cost: z.nullable(z.number()),
  made: z.nullable(Seconds),
});
export type KeptPlan = z.infer<typeof KeptPlan>;
export const RunPlan = z.looseObject({
  number: z.number(),
  replanned: z.optional(z.string()),
  steps: z.array(z.looseObject({ action_name: z.string(), parameters: Members, ...Reasons })),
});
export const RunRecord = z.looseObject({
  ...run,
  plan: z.nullish(RunPlan),
  results: z.array(Result),
  coming: z.optional(
    z.array(z.string()).check(z.describe("blocks that have not begun, in words; orders too")),
  ),
});
export type RunRecord = z.infer<typeof RunRecord>;
export const LastQuery = z.object({
  last: z.optional(said("of each list of tries the last so many; `earlier` counts the others")),
});
export const RunQuery = z.object({
  status: z.optional(RunStatus),
  limit: z.optional(said("the newest so many")),
});
export const RunEvents = z.looseObject({
  run_id: z.string(),
  status: z.nullable(z.string()),
  events: z.array(z.looseObject({ seq: z.number(), ts: Seconds, type: z.string() })),
});
export const AfterQuery = z.object({
  after: z.optional(z.string().check(z.describe("`seq` of the last event that is known"))),
});
export const CancelRequest = z.looseObject({
  audit_id: z.nullish(z.string().check(z.minLength(1))),
  /** Longer reasons are refused: they go to servants, into results and logs. */
  reason: z.nullish(z.string().check(z.maxLength(500))),
});
export const CancelAnswer = z.looseObject({ cancelled: z.array(Members), execution: z.boolean() });

// ─── Missions ───────────────────────────────────────────────────────────────────────────────────

const Mission = z.looseObject({ name: z.string(), blocks: z.array(JsonValue) });
export const MissionAnswer = z.looseObject({ mission: Mission });
export const MissionList = z.looseObject({
  missions: z.array(
    z.looseObject({
      name: z.string(),
      saved: z.boolean().check(z.describe("by a client; a file otherwise")),
    }),
  ),
});
export const LoadQuery = z.object({
  unsafe: z.optional(said("accepted, and changes nothing: no code is run to read a mission")),
});
const Index = z.int().check(z.nonnegative());
export const MissionPatch = z.discriminatedUnion("op", [
  z.looseObject({
    op: z.enum(["insert_before", "insert_after", "replace"]),
    index: Index,
    block: JsonValue,
  }),
  z.looseObject({ op: z.literal("remove"), index: Index }),
]);
export const ForkRequest = z.looseObject({ name: z.string() });
export const ForkAnswer = z.looseObject({
  status: z.literal("ok"),
  mission: Mission,
  path: said("where it is found here"),
});

// ─── What happened ──────────────────────────────────────────────────────────────────────────────

export const Logs = z.looseObject({
  logs: z.array(z.looseObject({ level: z.string(), message: z.string(), timestamp: Seconds })),
});
export const Traces = z.looseObject({
  traces: z.array(
    z.looseObject({
      ts: Seconds,
      kind: z.enum([
        "session_start",
        "mission_load",
        "plan_start",
        "plan_end",
        "behavior_start",
        "behavior_end",
        "state_change",
      ]),
      summary: z.string(),
      data: Members,
    }),
  ),
});
const Feature = z.looseObject({
  type: z.literal("Feature"),
  id: z.string(),
  geometry: z.looseObject({
    type: z.enum(["Point", "LineString", "Polygon"]),
    coordinates: z.array(JsonValue),
  }),
  properties: z.looseObject({ kind: z.enum(["object", "track", "planned"]) }),
});
export const GeoJson = z.looseObject({
  type: z.literal("FeatureCollection"),
  features: z.array(Feature),
});
