/** `agent serve`: lets scenarios run a plugin's actions, until it is told to stop. */
import { systemClock } from "../../system/clock.ts";
import { stateDirectory } from "../../system/state-dir.ts";
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
  await serve(
    {
      ...others,
      ...{ reference, version, dialect: scenarioDialect(options), clock: systemClock },
      ...openLoggedBus(options, systemClock),
      stateDirPath: stateDirectory(options.stateDir, process.env),
      failuresMax: 0,
      reregister: true,
    },
    stopSignals(),
  );
  return 0;
}
