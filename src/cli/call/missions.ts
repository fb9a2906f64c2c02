/** `agent call mission ...`: saved missions are listed, shown, planned, carried out, made, deleted. */
import { readFileSync } from "node:fs";
import { Mission } from "../../client/mission.ts";
import { exitCodes, messageOf, ServantError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { printable } from "../output.ts";
import { type CallContext, type CallOptions, withBackend } from "./context.ts";
import { type PlanCommandOptions, reportNoPlan } from "./plan.ts";
import { drawResults, summarize } from "./results.ts";
import { stepText } from "./step-list.ts";
import { untilDone } from "./until-done.ts";

export function listMissions(options: CallOptions): Promise<number> {
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const missions = await orchestrator.listMissions();
    if (json) out.json(missions);
    else if (missions.length === 0) out.line(out.paint.dim("no missions"));
    else for (const { name } of missions) out.line(printable(String(name)));
    return 0;
  });
}

/** Loads it: the backend says that it did, and its blocks are shown. */
export function loadMission(name: string, options: CallOptions): Promise<number> {
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const mission = await orchestrator.loadMission(name);
    if (json) out.json(mission);
    else for (const line of blockLines(mission.blocks, "")) out.line(line);
    return 0;
  });
}

export function planMission(name: string, options: PlanCommandOptions): Promise<number> {
  return withBackend(options, async (context) => {
    const { orchestrator, out, json } = context;
    const { relax, timeBudget } = options;
    const steps = await orchestrator.planMission(name, { relax, timeBudgetS: timeBudget });
    if (steps === null) return reportNoPlan(context, `mission plan ${name}`);
    if (json) out.json(steps);
    else if (steps.length === 0) out.line("Nothing to do.");
    else steps.forEach((step, index) => void out.line(`${index + 1}. ${stepText(step)}`));
    return 0;
  });
}

export function executeMission(name: string, options: CallOptions): Promise<number> {
  return withBackend(options, async (context) => {
    const { orchestrator, out, json } = context;
    const startedAtMs = performance.now();
    const results = await untilDone(options, (long) => orchestrator.executeMission(name, long));
    if (json) out.json(results);
    else for (const line of drawResults(results, out)) out.line(line);
    if (json) return results.at(-1)?.success === false ? exitCodes.permanent : 0;
    if (results.length > 0)
      return summarize(results, performance.now() - startedAtMs, context, "block");
    out.line("The mission has no blocks: nothing to do.");
    return 0;
  });
}

/** Saves the goal as a mission. */
export function forkMission(name: string, options: CallOptions): Promise<number> {
  return withBackend(options, async (context) =>
    saved(context, name, (on) => on.forkMission(name)),
  );
}

/** Saves a mission from its JSON file, under the name it has there. */
export async function saveMission(path: string, options: CallOptions): Promise<number> {
  const mission = missionIn(path);
  return withBackend(options, async (context) =>
    saved(context, mission.name, (on) => on.saveMission(mission)),
  );
}

export function deleteMission(name: string, options: CallOptions): Promise<number> {
  return withBackend(options, async ({ orchestrator, out, json }) => {
    await orchestrator.deleteMission(name);
    if (json) out.json({ status: "ok" });
    else out.line(`Mission ${printable(name)} deleted.`);
    return 0;
  });
}

async function saved(
  { orchestrator, out, json }: CallContext,
  name: string,
  save: (on: CallContext["orchestrator"]) => Promise<JsonObject>,
): Promise<number> {
  const answer = await save(orchestrator);
  if (json) out.json(answer);
  else out.line(`Mission ${printable(name)} saved.`);
  return 0;
}

function blockLines(blocks: unknown, indent: string): string[] {
  if (!Array.isArray(blocks)) return [];
  return (blocks as readonly JsonObject[]).flatMap((block, index) => {
    const { type, goal, name, children } = block;
    const what =
      type === "plan"
        ? `plan for ${Array.isArray(goal) ? goal.join(", ") : "?"}`
        : type === "order"
          ? `in order${name ? ` (${String(name)})` : ""}`
          : stepText(block);
    return [`${indent}${index + 1}. ${printable(what)}`, ...blockLines(children, `${indent}   `)];
  });
}

function missionIn(path: string): Mission {
  const text = textOf(path);
  try {
    return Mission.fromJSON(text);
  } catch (cause) {
    throw new ServantError("usage.invalid", `Cannot save "${path}": ${messageOf(cause)}`, {
      cause,
    });
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ServantError("usage.invalid", `Cannot read "${path}": ${messageOf(cause)}`);
  }
}
