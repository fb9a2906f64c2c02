/** Planning, what a plan costs, forgetting, and the log. */
import type { Hono } from "hono";
import type { JsonObject } from "../../core/json.ts";
import type { GroundStep, Relaxation } from "../../planner/plan.ts";
import { readBlocks } from "../../wire/blocks.ts";
import { LevelQuery } from "../../wire/direct.ts";
import { PlanRequest } from "../../wire/dynos.ts";
import { planMission } from "../mission-plan.ts";
import type { Parts } from "../parts.ts";
import { describeLinks } from "../reasons.ts";
import { bodyOf, queryOf } from "./request.ts";

export function planRoutes(app: Hono, parts: Parts): void {
  const { world, plans, executor, legwork, logBook, log, track, missions } = parts;
  app.post("/plan", async (context) => {
    const { time_budget_s: budgetS, relax } = await bodyOf(context, PlanRequest);
    const { plan, cost, reason, detail, relaxation } = await plans.make({
      relax,
      budgetMs: budgetS === undefined ? undefined : budgetS * 1_000,
      signal: context.req.raw.signal,
    });
    log("info", `planned: ${reason}: ${detail}`, {});
    return context.json({
      plan: plan?.map(describePlanned) ?? null,
      ...{ cost, reason, detail },
      relaxation: relaxation && describeRelaxation(relaxation),
    });
  });

  app.get("/plan", (context) => {
    const { kept } = plans;
    if (kept === undefined) return context.json({ plan: null, cost: null, made: null });
    const { plan, links, cost } = kept.planned;
    const steps = plan?.map((step, index) => ({
      ...describePlanned(step, index),
      ...describeLinks(links[index] ?? { needs: [], serves: [] }),
    }));
    return context.json({ plan: steps ?? null, cost, made: kept.madeAtMs / 1_000 });
  });

  app.post("/missions/:name/plan", async (context) => {
    const { name, blocks } = missions.get(context.req.param("name"));
    const { time_budget_s: budgetS, relax } = await bodyOf(context, PlanRequest);
    const { plan, reason, detail, relaxation } = await planMission(parts, readBlocks(blocks), {
      ...{ relax, signal: context.req.raw.signal, why: `mission ${name}` },
      budgetMs: budgetS === undefined ? undefined : budgetS * 1_000,
    });
    log("info", `mission ${name} planned: ${reason}: ${detail}`, {});
    return context.json({
      plan: plan?.map(describePlanned) ?? null,
      ...{ reason, detail },
      relaxation: relaxation && describeRelaxation(relaxation),
    });
  });

  app.get("/cost/plan/steps", (context) => {
    const steps = plans.last?.plan ?? [];
    const isGrouped = queryOf(context, LevelQuery).level === "group";
    const total = steps.reduce((sum, { cost = 1 }) => sum + cost, 0);
    return context.json({ steps: isGrouped ? grouped(steps) : steps.map(describePlanned), total });
  });

  app.post("/reset", async (context) => {
    await executor.stop("the backend was reset", { isTold: true });
    world.reset();
    track.clear();
    plans.forget();
    legwork.clear();
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

/** A step of a plan: a PrimitiveAction, its place and its cost. */
export function describePlanned(
  { transition, parameters, cost }: GroundStep,
  index: number,
): JsonObject {
  return { action_name: transition, parameters, index, ...(cost === undefined ? {} : { cost }) };
}

/** What the steps of each action cost together, in the order of their first step. */
function grouped(steps: readonly GroundStep[]): JsonObject[] {
  return [...Map.groupBy(steps, ({ transition }) => transition)].map(([name, those]) => ({
    action_name: name,
    count: those.length,
    cost: those.reduce((sum, { cost = 1 }) => sum + cost, 0),
  }));
}

function describeRelaxation({ blocking, goal, plan }: Relaxation): JsonObject {
  return {
    blocking: blocking.map(({ atom, holds, why, detail }) => ({ atom, holds, why, detail })),
    goal: goal.map(({ atom, holds }) => (holds ? atom : `not ${atom}`)),
    plan: plan?.map(describePlanned) ?? null,
  };
}
