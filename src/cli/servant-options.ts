/** Declares the options that every command with a plugin shares: how it is run, kept and logged. */
import { type Command, Option } from "commander";
import { type Level, levels } from "../core/events.ts";
import { KEEP_DEFAULT } from "../core/retention.ts";
import { atLeast, bytesFrom, collect, nonEmpty, port, wholeFrom } from "./arguments.ts";

/** What the options that `connect`, `serve` and `run` share are when nothing is said. */
export interface Defaults {
  readonly logLevel: Level;
  readonly logFormat: string;
  readonly stateDir: string;
  /** Where `--port` is another's. */
  readonly doorPort?: "--local-port";
  readonly drainTimeoutS?: number;
  readonly concurrency?: number;
}

export function addServantOptions(command: Command, defaults: Defaults): Command {
  const { concurrency = 1, doorPort = "--port", drainTimeoutS = 60 } = defaults;
  return command
    .option(
      "--state-dir <dir>",
      `where the journal is kept, one agent per folder (default: ${defaults.stateDir})`,
      nonEmpty,
    )
    .addOption(
      new Option("--journal-quota <bytes>", "largest size of the journal; at it no work is taken")
        .argParser(bytesFrom(1024 * 1024))
        .default(2 ** 30, "1GiB"),
    )
    .option(
      "--journal-keep <n>",
      "delivered assignments kept whole; older ones keep their audit id",
      wholeFrom(0),
      KEEP_DEFAULT,
    )
    .addOption(
      new Option("--isolation <mode>", "where the plugin runs")
        .choices(["child", "inline"])
        .default("child"),
    )
    .addOption(repeatable("--pass-env <name>", "variable that the plugin keeps (repeatable)"))
    .option("--hang-timeout <s>", "how long a handler may block", atLeast(0.1), 15)
    .option("--cancel-grace <s>", "how long a handler may go on once told to stop", atLeast(0), 10)
    .option("--safe-timeout <s>", "how long making the machine safe may take", atLeast(0.1), 10)
    .option("--drain-timeout <s>", "how long a stop waits for handlers", atLeast(0), drainTimeoutS)
    .option(
      "--concurrency <n>",
      "how many actions at once, if they share nothing",
      wholeFrom(1),
      concurrency,
    )
    .addOption(
      new Option("--log-level <level>", "least level to log")
        .choices(levels)
        .default(defaults.logLevel),
    )
    .addOption(
      new Option("--log-format <format>", `how to log (default: ${defaults.logFormat})`).choices([
        "pretty",
        "json",
      ]),
    )
    .option(`${doorPort} <n>`, "port of the local door (default: 8422, or a free one)", port)
    .option("--bind <address>", "its address; beyond loopback it takes TLS (127.0.0.1)", nonEmpty)
    .option("--tls-cert <file>", "its certificate, PEM", nonEmpty)
    .option("--tls-key <file>", "the certificate's key, PEM", nonEmpty)
    .option("--local <unix:path>", "a socket file as the local door, instead of a port", nonEmpty)
    .option("--no-local", "no local door");
}

/** An option that may be given several times. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser(collect).default([], "none");
}
