/**
 * Every route of the backend, as data: `/openapi.json` and `/docs` are made from this one table, and
 * a test holds it against the routes that answer.
 */
import * as z from "zod/mini";
import { type ErrorCode, ServantError } from "../core/errors.ts";
import { BlocksRequest } from "../wire/blocks.ts";
import * as direct from "../wire/direct.ts";
import {
  ActionAssignment,
  AtomsOf,
  BeliefAssignment,
  CancelDirective,
  CreateObject,
  PlanRequest,
  RegisterReply,
  RegisterRequest,
  TriggerRequest,
  WireResult,
} from "../wire/dynos.ts";
import { type OpenApi, openApi, type RouteSpec } from "../wire/openapi.ts";
import { failureAnswer } from "./status.ts";

const Empty = z.looseObject({});
const atoms = ["atom.malformed", "atom.unknown"] as const;
const object = ["object.unknown", "object.invalid", "object.conflict"] as const;
const deletion = ["object.unknown", "object.in-use"] as const;
const mission = ["mission.unknown"] as const;
const begun = { 202: { description: "It has begun", answer: direct.BegunRun } } as const;
const starts = ["execution.running", "execution.stopped"] as const;

export const api = {
  page: {
    method: "GET",
    path: "/",
    summary: "The page for people: the plan as it runs, the world, the map.",
    answer: "text/html",
  },
  health: {
    method: "GET",
    path: "/health",
    summary: "The backend answers; what it knows, and what runs.",
    answer: direct.Health,
  },
  openapi: {
    method: "GET",
    path: "/openapi.json",
    summary: "This description, OpenAPI 3.1.",
    answer: "application/json",
  },
  docs: {
    method: "GET",
    path: "/docs",
    summary: "This description, as a page without any script.",
    answer: "text/html",
  },
  actions: {
    method: "GET",
    path: "/actions",
    summary: "The transitions, and who provides them.",
    query: direct.ScopeQuery,
    answer: z.array(direct.Action),
  },
  fluents: {
    method: "GET",
    path: "/fluents",
    summary: "The fluents, each definition by itself, and what is true of them.",
    answer: z.array(direct.Fluent),
  },
  objectTypes: {
    method: "GET",
    path: "/object_types",
    summary: "The types of objects and their fields.",
    answer: z.array(direct.ObjectType),
  },
  objects: {
    method: "GET",
    path: "/objects",
    summary: "The objects, of one type or of all.",
    query: direct.ObjectQuery,
    answer: z.array(direct.ObjectRecord),
    failures: ["object.invalid"],
  },
  createObject: {
    method: "POST",
    path: "/objects",
    summary: "Makes an object. One of equal content, or at the same place, is left alone.",
    body: CreateObject,
    answer: direct.CreatedObject,
    failures: object,
  },
  updateObject: {
    method: "PUT",
    path: "/objects/{name}",
    summary: "Gives fields new values; null takes one away.",
    body: direct.ObjectFields,
    answer: direct.ChangedObject,
    failures: object,
  },
  deleteObject: {
    method: "DELETE",
    path: "/objects/{name}",
    summary: "Forgets an object that nothing names.",
    answer: direct.DeletedObject,
    failures: deletion,
  },
  deleteObjectWithParts: {
    method: "DELETE",
    path: "/objects/{name}/cascade",
    summary: "Forgets an object, its parts and what the state says of them.",
    answer: direct.DeletedObject,
    failures: deletion,
  },
  objectsModifiedAt: {
    method: "GET",
    path: "/objects_modified_at",
    summary: "When an object last came, went or changed.",
    answer: direct.ModifiedAt,
  },
  objectTree: {
    method: "GET",
    path: "/object_tree",
    summary: "The objects, nested under what they are parts of.",
    answer: z.array(direct.ObjectNode),
  },
  state: {
    method: "GET",
    path: "/state",
    summary: "The true atoms.",
    query: direct.ScopeQuery,
    answer: AtomsOf.state,
  },
  start: {
    method: "POST",
    path: "/start",
    summary: "Begins anew from these true atoms.",
    body: AtomsOf.start,
    answer: AtomsOf.start,
    failures: atoms,
  },
  goal: { method: "GET", path: "/goal", summary: "The goal.", answer: AtomsOf.goal },
  setGoal: {
    method: "POST",
    path: "/goal",
    summary: "Sets the goal; an empty list clears it.",
    body: AtomsOf.goal,
    answer: AtomsOf.goal,
    failures: atoms,
  },
  setBelief: {
    method: "POST",
    path: "/belief/set",
    summary: "Makes an atom true or false.",
    body: direct.Observation,
    answer: direct.Ok,
    failures: atoms,
  },
  setBeliefs: {
    method: "POST",
    path: "/belief/batch",
    summary: "Makes atoms true or false, all of them or none.",
    body: direct.ObservationBatch,
    answer: direct.Ok,
    failures: atoms,
  },
  queryBelief: {
    method: "POST",
    path: "/belief/query",
    summary: "Asks the servant that observes a fluent, else the state.",
    body: direct.BeliefQuery,
    answer: direct.BeliefAnswer,
    failures: atoms,
  },
  plan: {
    method: "POST",
    path: "/plan",
    summary: "Plans from the present state to the goal, and keeps the plan.",
    body: PlanRequest,
    answer: direct.PlanAnswer,
  },
  keptPlan: {
    method: "GET",
    path: "/plan",
    summary: "The kept plan with its reasons; null when what it was made for has changed.",
    answer: direct.KeptPlan,
  },
  planCosts: {
    method: "GET",
    path: "/cost/plan/steps",
    summary: "What each step of the kept plan costs.",
    query: direct.LevelQuery,
    answer: direct.StepCosts,
  },
  execute: {
    method: "POST",
    path: "/execute",
    summary: "Carries the goal out; answers when that is over, or at once with `wait=false`.",
    query: direct.WaitQuery,
    body: Empty,
    answer: direct.Results,
    also: begun,
    failures: [...starts, "plan.none"],
  },
  executeBlocks: {
    method: "POST",
    path: "/execute_blocks",
    summary: "Carries blocks out, one after another; each is checked when it starts.",
    query: direct.WaitQuery,
    body: BlocksRequest,
    answer: direct.Results,
    also: begun,
    failures: starts,
  },
  trigger: {
    method: "POST",
    path: "/trigger",
    summary: "One transition, without planning, whatever its preconditions say.",
    query: direct.WaitQuery,
    body: TriggerRequest,
    answer: direct.StepResult,
    also: begun,
    failures: [
      "execution.running",
      "transition.unknown",
      "assignment.bad-params",
      "provider.missing",
      "step.keep-out",
      "execution.stopped",
    ],
  },
  cancel: {
    method: "POST",
    path: "/cancel",
    summary: "Calls one assignment off, or the run and all that is handed out.",
    body: direct.CancelRequest,
    answer: direct.CancelAnswer,
    failures: ["assignment.not-open"],
  },
  runs: {
    method: "GET",
    path: "/runs",
    summary: "What runs and has run, newest first.",
    query: direct.RunQuery,
    answer: direct.RunList,
  },
  run: {
    method: "GET",
    path: "/runs/{id}",
    summary: "A run, the plan that it follows, and what each of its steps came to.",
    query: direct.LastQuery,
    answer: direct.RunRecord,
    failures: ["run.unknown"],
  },
  runMap: {
    method: "GET",
    path: "/runs/{id}/geojson",
    summary: "Its ways as they are planned: of the steps of its plan and the legs of its scripts.",
    answer: direct.GeoJson,
    failures: ["run.unknown"],
  },
  runEvents: {
    method: "GET",
    path: "/runs/{id}/events",
    summary: "What a run told so far; as a websocket, also what it tells from now on.",
    query: direct.AfterQuery,
    answer: direct.RunEvents,
    failures: ["run.unknown"],
  },
  missions: {
    method: "GET",
    path: "/missions",
    summary: "The missions that there are.",
    answer: direct.MissionList,
  },
  saveMission: {
    method: "PUT",
    path: "/missions/{name}",
    summary: "Saves a mission.",
    body: BlocksRequest,
    answer: direct.MissionAnswer,
  },
  deleteMission: {
    method: "DELETE",
    path: "/missions/{name}",
    summary: "Forgets a saved mission.",
    answer: "204",
    failures: mission,
  },
  loadMission: {
    method: "POST",
    path: "/missions/{name}/load",
    summary: "A mission and its blocks.",
    query: direct.LoadQuery,
    answer: direct.MissionAnswer,
    failures: mission,
  },
  planMission: {
    method: "POST",
    path: "/missions/{name}/plan",
    summary: "Plans a mission, and leaves the kept plan alone.",
    body: PlanRequest,
    answer: direct.MissionPlan,
    failures: mission,
  },
  executeMission: {
    method: "POST",
    path: "/missions/{name}/execute",
    summary: "Carries a mission out.",
    query: direct.WaitQuery,
    answer: direct.Results,
    also: begun,
    failures: [...mission, ...starts],
  },
  patchMission: {
    method: "PATCH",
    path: "/missions/{name}/blocks",
    summary: "Changes one block and saves the mission.",
    body: direct.MissionPatch,
    answer: direct.MissionAnswer,
    failures: mission,
  },
  fork: {
    method: "POST",
    path: "/fork",
    summary: "Saves the goal as a mission of one plan block.",
    body: direct.ForkRequest,
    answer: direct.ForkAnswer,
    failures: ["plan.none"],
  },
  reset: {
    method: "POST",
    path: "/reset",
    summary: "Ends what runs; forgets objects that clients made, state, goal, plan and track.",
    answer: direct.Ok,
  },
  logs: { method: "GET", path: "/logs", summary: "The log, oldest first.", answer: direct.Logs },
  traces: {
    method: "GET",
    path: "/traces",
    summary: "What happened, for programs, oldest first.",
    answer: direct.Traces,
  },
  geojson: {
    method: "GET",
    path: "/as_geojson",
    summary: "Objects that say where they are, and the executed track.",
    answer: direct.GeoJson,
  },
  registerServant: {
    method: "POST",
    path: "/servant/register",
    summary: "A servant says what it does and observes; the newest one gets the work.",
    body: RegisterRequest,
    answer: RegisterReply,
    failures: ["domain.unknown", "servant.too-many"],
  },
  nextAssignment: {
    method: "GET",
    path: "/servant/{id}/next_assignment",
    summary: "What a servant is to do next; `Prefer: wait=25` holds the question.",
    answer: z.union([ActionAssignment, BeliefAssignment, CancelDirective]),
    also: { 204: "Nothing" },
    failures: ["servant.unknown"],
  },
  answerAssignment: {
    method: "POST",
    path: "/servant/{id}/result",
    summary: "What came of an assignment.",
    body: WireResult,
    answer: direct.Ok,
    failures: ["servant.unknown"],
  },
} as const satisfies Record<string, RouteSpec>;

/** Beside its own, any route may fail so, and one with a query or a body so. */
const ANY: readonly ErrorCode[] = ["request.foreign"];
const QUERY: readonly ErrorCode[] = ["request.malformed"];
const BODY: readonly ErrorCode[] = ["request.malformed", "request.too-large"];

export function backendOpenApi(version: string): OpenApi {
  const routes = Object.entries(api).map(([name, spec]: [string, RouteSpec]) => {
    const own = spec.failures ?? [];
    const isRead = spec.body !== undefined || spec.path.includes("{name}");
    const body = isRead ? BODY : spec.query === undefined ? [] : QUERY;
    return [name, { ...spec, failures: [...new Set([...own, ...body, ...ANY])] }];
  });
  return openApi({
    title: "servant-agent, the embedded backend",
    version,
    description: "DYNOS in direct mode: a world, a planner, and the servants that carry plans out.",
    routes: Object.fromEntries(routes),
    failure: direct.Failure,
    statusOf,
  });
}

function statusOf(code: ErrorCode): number {
  return failureAnswer(new ServantError(code, "")).status;
}
