/** The agent's own actions, for whatever process runs the plugin. Loaded only where any is allowed. */
import { type Builtins, builtinActions } from "../runner/builtin/builtins.ts";
import { pipeOpener } from "../system/pipes.ts";
import { selfCommand } from "./self-command.ts";

export function ownActions(builtins: Builtins, env: Readonly<Record<string, string | undefined>>) {
  const minder = [...selfCommand(), "__minder"];
  return builtinActions(builtins, { minder, env, openPipe: pipeOpener() });
}
