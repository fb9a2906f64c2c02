/** `agent connect`: registers a plugin with a backend and carries out what it assigns. */
import { ServantError, toServantError } from "../core/errors.ts";
import { isNatsUrl } from "../nats/target.ts";
import { systemClock } from "../system/clock.ts";
import { stateDirectory } from "../system/state-dir.ts";
import { Connection, isLoopback } from "../wire/connection.ts";
import { openLoggedBus, serve } from "./compose.ts";
import { type Dialect, dynosDialect } from "./dialect.ts";
import { namedTarget } from "./named-target.ts";
import type { ConnectOptions } from "./options.ts";
import { stopSignals } from "./stop-signals.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export async function connect(
  reference: string,
  options: ConnectOptions,
  version: string,
): Promise<number> {
  const dialect = await chosenDialect(options, process.env);
  const serving = serve(
    {
      ...options,
      reference,
      version,
      dialect,
      clock: systemClock,
      ...openLoggedBus(options, systemClock),
      stateDirPath: stateDirectory(options.stateDir, process.env),
      failuresMax: options.maxFailures,
      reregister: options.reregister,
    },
    stopSignals(),
  );
  const goesWithoutToken = options.to !== undefined && !isPuda(options, process.env);
  await (goesWithoutToken ? serving.catch(tellOfNoToken) : serving);
  return 0;
}

/** By the URL's scheme; what the other dialects need is not even loaded. */
async function chosenDialect(options: ConnectOptions, env: Environment): Promise<Dialect> {
  if (isPuda(options, env)) return (await import("./puda/dialect.ts")).pudaDialect(options, env);
  const { to, session, quickPoll } = options;
  if (/^(tcp|ipc):/.test(to ?? "")) {
    const problem = `Cannot connect to "${to}": a scenario's client connects to the agent`;
    throw new ServantError(
      "usage.invalid",
      `${problem}, write \`agent serve\` with --listen ${to}`,
    );
  }
  const target = await namedTarget({ to, session, attachToken: "config-only" }, env);
  return dynosDialect(new Connection(target), {
    pollIntervalMs: options.pollInterval * 1_000,
    quickPoll: quickPoll ?? isLoopback(new URL(target.url).hostname),
    assignmentMaxBytes: options.maxAssignment,
  });
}

/** Without a URL, a machine id and the servers in the environment say as much. */
function isPuda({ to, machineId }: ConnectOptions, env: Environment): boolean {
  if (to !== undefined) return isNatsUrl(to);
  return Boolean(machineId ?? env.MACHINE_ID) && Boolean(env.NATS_SERVERS);
}

/** Who is logged in, and is told to log in, would do so again and again. */
function tellOfNoToken(cause: unknown): never {
  const { kind, message } = toServantError(cause);
  if (kind === "auth") throw new ServantError("login.not-sent", message, { cause });
  throw cause;
}
