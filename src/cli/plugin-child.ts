/** The hidden `__plugin` mode: the process that loads and runs one plugin for the agent. */
import type { Builtins } from "../runner/builtin/builtins.ts";
import { runChild } from "../runner/child.ts";
import { dieWithParent } from "../system/die-with-parent.ts";
import { givingBackAtRest } from "../system/thrift.ts";
import { providedModules } from "./provided-modules.ts";

export async function pluginChild(): Promise<void> {
  dieWithParent();
  const [path = "", className = "", builtins] = process.argv.slice(3);
  const additions = builtins === undefined ? undefined : () => ownActions(builtins);
  // Its heap is the plugin's: a full collection might stop a handler at the wrong moment.
  const onWork = givingBackAtRest({ heap: false });
  await runChild({ path, className }, providedModules, onWork, additions);
}

/** Few plugins have any beside them: what they need is loaded only then. */
async function ownActions(builtins: string) {
  const own = await import("./builtin-actions.ts");
  return own.ownActions(JSON.parse(builtins) as Builtins, process.env);
}
