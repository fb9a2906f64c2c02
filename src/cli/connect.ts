/** `agent connect`: registers a plugin with a backend and carries out what it assigns. */
import { ServantError, toServantError } from "../core/errors.ts";
import { systemClock } from "../system/clock.ts";
import { stateDirectory } from "../system/state-dir.ts";
import { Connection, isLoopback } from "../wire/connection.ts";
import { openLoggedBus, serve } from "./compose.ts";
import { namedTarget } from "./named-target.ts";
import type { ConnectOptions } from "./options.ts";
import { stopSignals } from "./stop-signals.ts";

export async function connect(
  reference: string,
  options: ConnectOptions,
  version: string,
): Promise<number> {
  const { to, session, quickPoll } = options;
  const target = await namedTarget({ to, session, attachToken: "config-only" }, process.env);
  const connection = new Connection(target);
  const serving = serve(
    {
      ...options,
      reference,
      version,
      connection,
      clock: systemClock,
      ...openLoggedBus(options, systemClock),
      stateDirPath: stateDirectory(options.stateDir, process.env),
      pollIntervalMs: options.pollInterval * 1_000,
      quickPoll: quickPoll ?? isLoopback(new URL(target.url).hostname),
      assignmentMaxBytes: options.maxAssignment,
      failuresMax: options.maxFailures,
      reregister: options.reregister,
    },
    stopSignals(),
  );
  await (to === undefined ? serving : serving.catch(tellOfNoToken));
  return 0;
}

/** Who is logged in, and is told to log in, would do so again and again. */
function tellOfNoToken(cause: unknown): never {
  const { kind, message } = toServantError(cause);
  if (kind === "auth") throw new ServantError("login.not-sent", message, { cause });
  throw cause;
}
