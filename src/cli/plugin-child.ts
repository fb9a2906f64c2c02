/** The hidden `__plugin` mode: the process that loads and runs one plugin for the agent. */
import { runChild } from "../runner/child.ts";
import { providedModules } from "./provided-modules.ts";

export async function pluginChild(): Promise<void> {
  const [path = "", className = ""] = process.argv.slice(3);
  await runChild(path, className, providedModules);
}
