/** The hidden `__plugin` mode: the process that loads and runs one plugin for the agent. */
import { runChild } from "../runner/child.ts";
import { dieWithParent } from "../system/die-with-parent.ts";
import { givingBackAtRest } from "../system/thrift.ts";
import { providedModules } from "./provided-modules.ts";

export async function pluginChild(): Promise<void> {
  dieWithParent();
  const [path = "", className = ""] = process.argv.slice(3);
  // Its heap is the plugin's: a full collection might stop a handler at the wrong moment.
  await runChild({ path, className }, providedModules, givingBackAtRest({ heap: false }));
}
