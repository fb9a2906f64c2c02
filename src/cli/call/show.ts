/** `agent call health|state|objects|actions|fluents|reset`: one question, one answer. */
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { printable, table } from "../output.ts";
import { type CallOptions, withBackend } from "./context.ts";

export type ScopedOptions = CallOptions & { readonly scope?: string };
export type ObjectsOptions = ScopedOptions & { readonly type?: string };

/** So many atoms of a fluent are shown in its row: `agent call state` has all of them. */
const HELD_SHOWN = 5;

export function health(options: CallOptions): Promise<number> {
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const answer = await orchestrator.health();
    if (json) out.json(answer);
    else for (const [name, value] of Object.entries(answer)) out.line(`${name}: ${textOf(value)}`);
    return 0;
  });
}

export function state(options: ScopedOptions): Promise<number> {
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const atoms = await orchestrator.getCurrentState(options.scope);
    if (json) out.json(atoms);
    else if (atoms.length === 0) out.line(out.paint.dim("nothing holds"));
    else for (const atom of atoms) out.line(printable(atom));
    return 0;
  });
}

export function objects(options: ObjectsOptions): Promise<number> {
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const list = await orchestrator.listObjects(options.type, options.scope);
    if (json) out.json(list);
    else if (list.length === 0) out.line(out.paint.dim("no objects"));
    else out.line(table(["NAME", "TYPE", "FIELDS"], list.map(objectRow), out.paint));
    return 0;
  });
}

export function actions(options: ScopedOptions): Promise<number> {
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const list = await orchestrator.listActions(options.scope);
    if (json) out.json(list);
    else if (list.length === 0) out.line(out.paint.dim("no actions"));
    else out.line(table(["ACTION", "PROVIDER"], list.map(actionRow), out.paint));
    return 0;
  });
}

export function fluents(options: CallOptions): Promise<number> {
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const list = await orchestrator.listFluents();
    if (json) out.json(list);
    else if (list.length === 0) out.line(out.paint.dim("no fluents"));
    else
      out.line(table(["FLUENT", "DEFAULT", "OBSERVER", "HOLDS"], list.map(fluentRow), out.paint));
    return 0;
  });
}

export function reset(options: CallOptions): Promise<number> {
  return withBackend(options, async ({ orchestrator, out, json }) => {
    await orchestrator.resetBackend();
    if (json) out.json({ status: "ok" });
    else out.line("Backend state cleared.");
    return 0;
  });
}

function objectRow(each: JsonObject): string[] {
  const fields = isJsonObject(each.value_fields) ? Object.entries(each.value_fields) : [];
  const text = fields.map(([name, value]) => `${name}=${textOf(value)}`).join(" ");
  return [textOf(each.name), textOf(each.type), text];
}

function actionRow(each: JsonObject): string[] {
  const params = paramsOf(each).map(
    ({ name, type, optional }) => `${name}${optional ? "?" : ""}: ${type}`,
  );
  return [`${textOf(each.name)}(${params.join(", ")})`, textOf(each.provider ?? "nobody")];
}

function fluentRow(each: JsonObject): string[] {
  const args = paramsOf({ params: each.args ?? [] }).map(({ name, type }) => `${name}: ${type}`);
  const held = Array.isArray(each.groundings) ? each.groundings.map(textOf) : [];
  const more = held.length > HELD_SHOWN ? [`and ${held.length - HELD_SHOWN} more`] : [];
  const name = `${textOf(each.name)}(${args.join(", ")})`;
  const holds = [...held.slice(0, HELD_SHOWN), ...more].join(" ");
  return [name, textOf(each.default), textOf(each.observer ?? "nobody"), holds];
}

export interface Param {
  readonly name: string;
  readonly type: string;
  /** True of one that may be left out. */
  readonly optional: boolean;
}

/** The declared parameters of an action as the backend lists it. */
export function paramsOf(action: JsonObject): Param[] {
  const params = Array.isArray(action.params) ? action.params : [];
  return params.filter(isJsonObject).map(({ name, type, optional }) => ({
    name: textOf(name),
    type: textOf(type),
    optional: optional === true,
  }));
}

function textOf(value: Json | undefined): string {
  if (value === undefined) return "";
  return printable(typeof value === "string" ? value : JSON.stringify(value));
}
