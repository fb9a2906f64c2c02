/** The hidden `__minder` mode: the process that ends what a `run_process` started. */
import { runMinder } from "../runner/builtin/minder.ts";
import { orphansAs } from "../system/orphans.ts";

export function processMinder(): void {
  runMinder(orphansAs("run-process"));
}
