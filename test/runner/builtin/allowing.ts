/** A plugin's process with the agent's own actions beside its own, for tests. */
import { delimiter } from "node:path";
import type { JsonObject } from "../../../src/core/json.ts";
import { findCommands } from "../../../src/runner/builtin/allowed-commands.ts";
import type { Builtins } from "../../../src/runner/builtin/builtins.ts";
import {
  act,
  never,
  type OpenChild,
  type OpenOptions,
  openChild,
  pluginSource,
} from "../plugin-child.ts";

export const PLUGIN = pluginSource(`
  @act("pid") pid() { return { success: true, telemetry: { pid: process.pid } }; }
`);

/** What these words stand for on this machine. */
export function allowing(words: readonly string[], rest: Partial<Builtins> = {}): Builtins {
  const path = process.env.PATH ?? ["/usr/bin", "/bin"].join(delimiter);
  const run = findCommands(words, { path, folder: process.cwd() });
  return { log: false, run, stopMaxMs: 9_000, ...rest };
}

/** A process that may run these commands. */
export function openAllowing(
  words: readonly string[],
  { rest, ...options }: OpenOptions & { readonly rest?: Partial<Builtins> } = {},
): Promise<OpenChild> {
  return openChild(PLUGIN, { ...options, builtins: allowing(words, rest) });
}

/** Runs one command to its end. */
export function run(
  { runner }: OpenChild,
  command: string,
  rest: JsonObject = {},
  signal: AbortSignal = never,
) {
  return runner.run(act("run_process", { command, ...rest }), signal);
}

/** What a running command printed as this word and a number. */
export async function printedNumber({ seen }: OpenChild, word: string): Promise<number> {
  return await seen((event) => {
    if (event.type !== "plugin.log") return undefined;
    const [said, number] = event.message.split(" ");
    return said === word ? Number(number) : undefined;
  });
}
