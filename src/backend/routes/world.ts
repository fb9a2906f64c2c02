/** What the backend knows and believes: vocabulary, state, goal. */
import type { Hono } from "hono";
import { atomParts } from "../../core/atom.ts";
import { type Condition, conditionText } from "../../core/condition.ts";
import type { ArgDef, TransitionDef } from "../../core/domain.ts";
import { ServantError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { ScopeQuery } from "../../wire/direct.ts";
import { AtomsOf } from "../../wire/dynos.ts";
import type { Parts } from "../parts.ts";
import { GOAL_ATOMS_MAX } from "../world.ts";
import { bodyOf, queryOf } from "./request.ts";

export function worldRoutes(app: Hono, { world, servants, log }: Parts): void {
  app.get("/actions", (context) => {
    queryOf(context, ScopeQuery);
    const { transitions } = world.vocabulary;
    return context.json(
      [...transitions.values()].map((def) => ({
        ...describeAction(def),
        provider: servants.providerOf(def.name)?.id ?? null,
      })),
    );
  });

  app.get("/fluents", (context) => {
    const byDefinition = Map.groupBy(world.state(), (atom) => world.definitionOf(atom));
    return context.json(
      world.vocabulary.fluentDefs().map((def) => ({
        name: def.name,
        args: def.args.map(describeArg),
        default: def.default,
        groundings: byDefinition.get(def) ?? [],
        observer: servants.observerOf(def.name)?.id ?? null,
      })),
    );
  });

  app.get("/state", (context) => {
    const { scope } = queryOf(context, ScopeQuery);
    const atoms = [...world.state()].sort();
    if (scope !== "public") return context.json({ state: atoms });
    const isPart = (name: string) => world.object(name)?.parent !== undefined;
    return context.json({ state: atoms.filter((text) => !atomParts(text).args.some(isPart)) });
  });

  app.post("/start", async (context) => {
    const { start } = await bodyOf(context, AtomsOf.start);
    const atoms = start.map((text) => world.atom(text));
    world.setStart(atoms);
    log("info", `the state starts from ${atoms.join(", ") || "nothing"}`, {});
    return context.json({ status: "ok", start: atoms });
  });

  app.get("/goal", (context) => context.json({ goal: world.goal }));

  app.post("/goal", async (context) => {
    const { goal } = await bodyOf(context, AtomsOf.goal);
    if (goal.length > GOAL_ATOMS_MAX) {
      const reason = `Cannot take a goal of ${goal.length} atoms: ${GOAL_ATOMS_MAX} at most`;
      throw new ServantError("request.too-large", reason);
    }
    world.setGoal(goal.map((text) => world.atom(text)));
    log("info", `the goal is ${world.goal.join(", ") || "nothing"}`, {});
    return context.json({ status: "ok", goal: world.goal });
  });
}

function describeAction(def: TransitionDef): JsonObject {
  const { name, params, preconditions, effects = [] } = def;
  return {
    name,
    params: params.map((param) => ({
      ...describeArg(param),
      ...(param.optional ? { optional: true } : {}),
    })),
    preconditions: preconditions.map(plainText),
    effects: [
      ...effectTexts(def),
      ...effects.flatMap((effect) =>
        effectTexts(effect).map((text) => `${text} when ${plainText(effect.when)}`),
      ),
    ],
  };
}

function effectTexts({ adds, removes }: Pick<TransitionDef, "adds" | "removes">): string[] {
  return [
    ...adds.map((atom) => plainText({ atom, holds: true })),
    ...removes.map((atom) => plainText({ atom, holds: false })),
  ];
}

/** Parameters are told from objects by the list of parameters: the mark is ours alone. */
function plainText(condition: Condition): string {
  return conditionText(condition).replaceAll("?", "");
}

function describeArg({ name, type }: ArgDef): JsonObject {
  return { name, type };
}
