/** `agent serve`: lets scenarios run a plugin's actions, until it is told to stop. */
import { findCommands } from "../../runner/builtin/allowed-commands.ts";
import { systemClock } from "../../system/clock.ts";
import { stateDirectory } from "../../system/state-dir.ts";
import { LOG } from "../../wire/scenario-builtins.ts";
import { openLoggedBus, serve } from "../compose.ts";
import type { ServeOptions } from "../options.ts";
import { stopSignals } from "../stop-signals.ts";
import { scenarioDialect } from "./dialect.ts";

export async function serveScenarios(
  reference: string,
  options: ServeOptions,
  version: string,
): Promise<number> {
  const { port: _, ...others } = options;
  const where = { path: process.env.PATH ?? "", folder: process.cwd() };
  const run = findCommands(options.allowRun, where);
  const log = options.allowBuiltin.includes(LOG);
  await serve(
    {
      ...others,
      ...{ reference, version, dialect: scenarioDialect(options), clock: systemClock },
      ...openLoggedBus(options, systemClock),
      builtins: log || options.allowRun.length > 0 ? { log, run } : undefined,
      stateDirPath: stateDirectory(options.stateDir, process.env),
      failuresMax: 0,
      reregister: true,
    },
    stopSignals(),
  );
  return 0;
}
