/**
 * What a library of OSC2 declares of a plugin's actions. An action that OSC2 cannot say is left out
 * with its reasons; the others are declared all the same.
 */
import type { JsonObject } from "../core/json.ts";
import { oneLine } from "./notes.ts";
import { type Reading, readSchema } from "./read-schema.ts";
import { nameTypes, type TypeNames } from "./type-names.ts";
import type { Field } from "./value-type.ts";
import { nameProblem } from "./words.ts";

/** An action as its plugin says it. */
export interface Source {
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schema; absent when nobody can tell. */
  readonly schema?: JsonObject | undefined;
}

export interface Declaration {
  /** As in the plugin: `arm.move_to`, or `home` for one of no actor. */
  readonly name: string;
  readonly actor?: string;
  readonly description?: string;
  readonly fields: readonly Field[];
}

export interface Library {
  /** Scenarios import `osc.` and this. */
  readonly name: string;
  readonly actors: readonly string[];
  readonly types: TypeNames;
  readonly actions: readonly Declaration[];
}

export interface LeftOut {
  readonly action: string;
  readonly reasons: readonly string[];
}

/** The client gives it to every action of an actor. */
const ACTOR_FIELD = "associated_actor";

/** In the order of the plugin, so that the same plugin makes the same library. */
export function declare(
  name: string,
  sources: readonly Source[],
): { readonly library: Library; readonly leftOut: readonly LeftOut[] } {
  const actors = [...new Set(sources.flatMap((each) => actorOf(each.name) ?? []))];
  const actions: Declaration[] = [];
  const leftOut: LeftOut[] = [];
  for (const source of sources) {
    const { declaration, reasons } = read(source, actors);
    if (reasons.length === 0) actions.push(declaration);
    else leftOut.push({ action: source.name, reasons });
  }
  const declared = actors.filter((actor) => actions.some((each) => each.actor === actor));
  const types = nameTypes(name, declared, actions);
  return { library: { name, actors: declared, types, actions }, leftOut };
}

function actorOf(name: string): string | undefined {
  const dot = name.indexOf(".");
  return dot < 0 ? undefined : name.slice(0, dot);
}

function read({ name, description, schema }: Source, actors: readonly string[]) {
  const actor = actorOf(name);
  const own = actor === undefined ? name : name.slice(actor.length + 1);
  const reasons = [
    ...(actor === undefined ? [] : told(actor, nameProblem(actor, "actor"))),
    ...told(own, nameProblem(own, actor === undefined ? "action" : "field")),
    ...(actor === undefined && actors.includes(own) ? [`"${own}" is an actor, too`] : []),
  ];
  const reading = schema && readSchema(schema);
  if (reading === undefined) {
    reasons.push("nobody can tell its parameters: give it a schema (params: z.object({ ... }))");
  } else reasons.push(...reading.problems, ...actorProblems(reading, actor));
  const declaration: Declaration = {
    name,
    fields: (reading?.fields ?? []).filter((field) => field.name !== ACTOR_FIELD),
    ...(actor === undefined ? {} : { actor }),
    ...(description === undefined ? {} : { description: oneLine(description) }),
  };
  return { declaration, reasons };
}

function told(name: string, problem: string | undefined): string[] {
  return problem === undefined ? [] : [`"${name}" ${problem}: call it otherwise`];
}

/** Whether the handler takes what the client gives it of its actor. */
function actorProblems({ fields, isStrict }: Reading, actor: string | undefined): string[] {
  const taken = fields.find(({ name }) => name === ACTOR_FIELD)?.type;
  if (actor === undefined) {
    return taken === undefined ? [] : [`"${ACTOR_FIELD}" is given to actions of an actor only`];
  }
  if (taken === undefined) {
    if (!isStrict) return [];
    return [`it must take "${ACTOR_FIELD}", which the client adds: use z.object, or name it`];
  }
  if (taken.is !== "struct") return [`"${ACTOR_FIELD}" is an object with a name`];
  const unknown = taken.fields.filter(({ name }) => name !== "name");
  return unknown.map(
    ({ name }) => `"${ACTOR_FIELD}.${name}" is not known: an actor has a name only`,
  );
}
