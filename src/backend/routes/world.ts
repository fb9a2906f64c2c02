/** What the backend knows and believes: vocabulary, objects, state, goal. */
import type { Hono } from "hono";
import { z } from "zod";
import { type Condition, conditionText } from "../../core/condition.ts";
import type { ArgDef, ObjectDef, TransitionDef } from "../../core/domain.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { AtomsOf, CreateObject } from "../../wire/dynos.ts";
import type { Parts } from "../parts.ts";
import { bodyOf } from "./request.ts";

export function worldRoutes(app: Hono, { world, servants, log }: Parts): void {
  app.get("/actions", (context) => {
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

  app.get("/object_types", (context) =>
    context.json(
      [...world.vocabulary.types.values()].map(({ name, fields }) => ({
        name,
        value_fields: fields,
      })),
    ),
  );

  app.get("/objects", (context) => {
    const type = context.req.query("type");
    if (type !== undefined) world.vocabulary.type(type); // an unknown type is an error, not []
    const objects = world.objects().filter((object) => type === undefined || object.type === type);
    return context.json(objects.map(describeObject));
  });

  app.post("/objects", async (context) => {
    const { type, name, ...rest } = await bodyOf(context, CreateObject);
    const fields = z.record(z.string(), z.json()).parse(rest) as Record<string, Json>;
    const declared = world.vocabulary.type(type).fields;
    const dropped = Object.keys(fields).filter((field) => !Object.hasOwn(declared, field));
    const { object, created, mergedInto } = world.createObject({ name, type, fields });
    if (created) log("info", `object ${name} of type ${type} created`, {});
    const warnings = [
      ...(mergedInto === undefined
        ? []
        : [`${name} is at the place of ${mergedInto}: use that name`]),
      ...(dropped.length === 0 ? [] : [`${type} declares no ${dropped.join(", ")}: left out`]),
    ];
    return context.json({
      status: "ok",
      object: {
        ...describeObject(object),
        created,
        ...(mergedInto === undefined ? {} : { merged_into: mergedInto }),
        ...(warnings.length === 0 ? {} : { warning: warnings.join("; ") }),
      },
    });
  });

  app.get("/state", (context) => context.json({ state: [...world.state()].sort() }));

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
    world.setGoal(goal.map((text) => world.atom(text)));
    log("info", `the goal is ${world.goal.join(", ") || "nothing"}`, {});
    return context.json({ status: "ok", goal: world.goal });
  });
}

function describeAction({ name, params, preconditions, adds, removes }: TransitionDef): JsonObject {
  return {
    name,
    params: params.map(describeArg),
    preconditions: preconditions.map(plainText),
    effects: [
      ...adds.map((atom) => plainText({ atom, holds: true })),
      ...removes.map((atom) => plainText({ atom, holds: false })),
    ],
  };
}

/** Parameters are told from objects by the list of parameters: the mark is ours alone. */
function plainText(condition: Condition): string {
  return conditionText(condition).replaceAll("?", "");
}

function describeArg({ name, type }: ArgDef): JsonObject {
  return { name, type };
}

function describeObject({ name, type, fields }: ObjectDef): JsonObject {
  return { name, type, value_fields: fields };
}
