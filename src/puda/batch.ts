/**
 * A list of commands as people write it: a protocol file of the project's command line, or just the
 * list. Commands with one step number go out together, to different machines.
 */
import * as z from "zod/mini";
import { messageOf, ServantError } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { Step } from "../wire/puda.ts";
import { machineId } from "../wire/puda-subjects.ts";

export interface BatchCommand {
  readonly machine: string;
  readonly name: string;
  readonly params?: JsonObject | undefined;
  /** Absent: one more than the one before. */
  readonly step?: number | undefined;
}

export interface Batch {
  readonly commands: readonly BatchCommand[];
  readonly description?: string | undefined;
}

/** One whose step number is known. */
export interface Numbered {
  readonly machine: string;
  readonly name: string;
  readonly params: JsonObject;
  readonly step: number;
}

const Members = z.nullish(
  z.custom<JsonObject>((value) => isJsonObject(value), "expected an object"),
);
const Text = z.string().check(z.minLength(1, "expected a text"));
const Command = z.looseObject({
  name: Text,
  machine_id: z.optional(Text),
  machine: z.optional(Text),
  params: Members,
  kwargs: Members,
  step_number: z.nullish(Step),
  step: z.nullish(Step),
});
const File = z.looseObject({ commands: z.array(Command), description: z.nullish(z.string()) });

/**
 * The batch in a JSON text or value: `[{"machine": "balance", "name": "weigh"}]`, or a protocol file,
 * an object with `commands`.
 *
 * @throws {ServantError} `batch.malformed`
 */
export function readBatch(source: string | Json): Batch {
  const value = typeof source === "string" ? parsed(source) : source;
  const { data, error } = File.safeParse(Array.isArray(value) ? { commands: value } : value);
  if (data === undefined) {
    const [issue] = error.issues;
    if (issue === undefined || issue.path.length < 2) throw bad("it is no list of commands");
    throw bad(`${issue.path.join(".")}: ${issue.message}`);
  }
  const commands = data.commands.map((command, at) => {
    const machine = command.machine_id ?? command.machine;
    if (machine === undefined) throw bad(`commands.${at}: it names no machine_id`);
    const lost = lostParams(command);
    if (lost !== undefined) throw bad(`commands.${at}.${lost}: its parameters go into "params"`);
    const params = { ...command.params, ...command.kwargs };
    const step = command.step_number ?? command.step ?? undefined;
    return { machine, name: command.name, params, step };
  });
  return { commands, ...(data.description ? { description: data.description } : {}) };
}

/**
 * A member that looks like misnamed parameters, where there are none: `"parms": {...}` would let the
 * machine go by its defaults, unnoticed.
 */
function lostParams(command: z.infer<typeof Command>): string | undefined {
  if (command.params != null || command.kwargs != null) return undefined;
  return Object.keys(command).find((key) => isJsonObject(command[key] as Json));
}

/**
 * What goes out together, one group after another, by step number.
 *
 * @throws {ServantError} `batch.malformed`, `machine.bad-id`
 */
export function groupsOf(commands: readonly BatchCommand[]): readonly (readonly Numbered[])[] {
  if (commands.length === 0) throw bad("it has no commands");
  const groups = new Map<number, Numbered[]>();
  let last = 0;
  for (const { machine, name, params = {}, step = last + 1 } of commands) {
    machineId(machine);
    last = step;
    const group = groups.get(step) ?? [];
    if (group.some((other) => other.machine === machine)) {
      throw bad(`two commands for "${machine}" have the step number ${step}`);
    }
    groups.set(step, [...group, { machine, name, params, step }]);
  }
  return [...groups.entries()].sort(([a], [b]) => a - b).map(([, group]) => group);
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw bad(messageOf(cause));
  }
}

function bad(reason: string): ServantError {
  return new ServantError("batch.malformed", `Cannot read the batch: ${reason}`);
}
