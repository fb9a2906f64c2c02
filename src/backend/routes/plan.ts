/** Planning, executing, triggering, forgetting, and the log of it. */
import type { Hono } from "hono";
import { z } from "zod";
import { ServantError } from "../../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import type { GroundStep, Relaxation } from "../../planner/plan.ts";
import { PlanRequest, TriggerRequest } from "../../wire/dynos.ts";
import type { Attempt } from "../attempt.ts";
import type { Execution } from "../executor.ts";
import type { Parts } from "../parts.ts";
import { bodyOf } from "./request.ts";

export function planRoutes(
  app: Hono,
  { world, plans, executor, logBook, log, track }: Parts,
): void {
  app.post("/plan", async (context) => {
    const { time_budget_s: budgetS, relax } = await bodyOf(context, PlanRequest);
    const { plan, cost, reason, detail, relaxation } = await plans.make({
      relax,
      budgetMs: budgetS === undefined ? undefined : budgetS * 1_000,
      signal: context.req.raw.signal,
    });
    log("info", `planned: ${reason}: ${detail}`, {});
    return context.json({
      plan: plan?.map(describeStep) ?? null,
      ...{ cost, reason, detail },
      relaxation: relaxation && describeRelaxation(relaxation),
    });
  });

  // The client's connection is no lease on the execution: it goes on when the client goes away.
  app.post("/execute", async (context) => {
    await bodyOf(context, z.looseObject({}));
    return context.json(describeExecution(await executor.execute()));
  });

  app.post("/trigger", async (context) => {
    const { action, params } = await bodyOf(context, TriggerRequest);
    return context.json(describeAttempt(await executor.trigger(action, texts(params ?? {}))));
  });

  app.post("/reset", async (context) => {
    await executor.stop("the backend was reset", { isTold: true });
    world.reset();
    track.clear();
    plans.forget();
    log("info", "reset: objects of clients, state, goal and plan are gone", {});
    return context.json({ status: "ok" });
  });

  app.get("/logs", (context) =>
    context.json({
      logs: logBook.lines.map(({ level, message, timestamp, fields }) => ({
        level,
        message,
        timestamp,
        fields,
      })),
    }),
  );
}

function describeStep({ transition, parameters, cost }: GroundStep, index: number): JsonObject {
  return { action_name: transition, parameters, index, ...(cost === undefined ? {} : { cost }) };
}

function describeRelaxation({ blocking, goal, plan }: Relaxation): JsonObject {
  return {
    blocking: blocking.map(({ atom, holds, why, detail }) => ({ atom, holds, why, detail })),
    goal: goal.map(({ atom, holds }) => (holds ? atom : `not ${atom}`)),
    plan: plan?.map(describeStep) ?? null,
  };
}

/** Absent parameters are null or `"None"` on the wire; numbers and booleans are names as text. */
function texts(params: JsonObject): Record<string, string> {
  const given = Object.entries(params).filter(([, value]) => value !== null && value !== "None");
  return Object.fromEntries(
    given.map(([name, value]) => {
      if (typeof value === "object") {
        throw new ServantError(
          "assignment.bad-params",
          `Cannot use parameter "${name}": give the name of an object`,
        );
      }
      return [name, String(value)];
    }),
  );
}

/**
 * Every attempt in order. An execution that ended for want of a plan, or was cancelled, after a
 * step that was done, says so in an entry of its own: a list of successes must not hide a goal not reached.
 */
function describeExecution({ attempts, success, message, code }: Execution): JsonObject {
  const results: JsonObject[] = attempts.map(describeAttempt);
  if (!success && attempts.at(-1)?.success !== false) {
    results.push({
      type: "plan",
      success: false,
      message,
      ...(code === undefined ? {} : { code }),
    });
  }
  return { results, success, message, ...(code === undefined ? {} : { code }) };
}

function describeAttempt(attempt: Attempt): JsonObject {
  const { auditId, step, success, message, code, telemetry, servantId } = attempt;
  return {
    type: "action",
    success,
    message,
    audit_id: auditId,
    action_name: step.transition,
    parameters: step.parameters,
    ...(isEmpty(telemetry) ? {} : { telemetry }),
    ...(servantId === undefined ? {} : { servant_id: servantId }),
    ...(code === undefined ? {} : { code }),
  };
}

function isEmpty(value: Json): boolean {
  return value === null || (isJsonObject(value) && Object.keys(value).length === 0);
}
