/** The commands that ask this machine's own agent through its local door. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { levels, type Source, sources } from "../../core/events.ts";
import { nonEmpty } from "../arguments.ts";
import type { CancelOptions } from "./command.ts";
import type { LocalCommandOptions } from "./find-agent.ts";
import type { LogsOptions } from "./logs.ts";
import type { OpenOptions } from "./open.ts";

const ONE_DOCUMENT = "print one JSON document, for programs";

/** `exitCodes`: the text that tells them, at the foot of each help. */
export function addLocalCommands(
  program: Command,
  done: (code: number) => void,
  exitCodes: string,
): void {
  const add = (name: string, description: string, examples: string, json = ONE_DOCUMENT) =>
    program
      .command(name)
      .description(description)
      .option("--state-dir <dir>", "the agent's folder (default: as `agent connect`)", nonEmpty)
      .option("--json", json)
      .addHelpText("after", `${exitCodes}\n\nExamples:\n${examples}`);
  add(
    "status",
    "what this machine's agent does now",
    "  agent status\n  agent status --json --state-dir /var/lib/agent",
  ).action(async (options: LocalCommandOptions) => {
    done(await (await import("./status.ts")).status(options));
  });
  add(
    "logs",
    "what this machine's agent and its plugin have logged, of a stopped agent too",
    `  agent logs --since 10m
  agent logs -f --level warn
  agent logs --audit 5f0c2d1e-8f --source plugin --json | jq .message`,
    "print each line as JSON, for programs",
  )
    .option("-f, --follow", "go on with what is logged from now on, over restarts of the agent")
    .option(
      "--since <when>",
      "from an age (10m, 1h30m), an ISO 8601 time or after a line's number on (default: from the first line kept; with -f, from now)",
      nonEmpty,
    )
    .addOption(new Option("--level <level>", "this level and those above").choices(levels))
    .addOption(
      new Option("--source <source>", "only of this part (repeatable)")
        .choices(sources)
        .argParser(collectSource),
    )
    .option("--audit <id>", "only of this assignment", nonEmpty)
    .action(async (options: LogsOptions) => {
      done(await (await import("./logs.ts")).logs(options));
    });
  add(
    "open",
    "open the agent's page in a browser, by a link that works once",
    "  agent open\n  agent open --no-browser",
  )
    .option("--no-browser", "only print the link")
    .action(async (options: OpenOptions) => {
      done(await (await import("./open.ts")).openPage(options));
    });
  add(
    "cancel",
    "call one assignment of this machine's agent off",
    '  agent cancel 5f0c2d1e-8f\n  agent cancel 5f0c2d1e-8f --reason "a person is in the way"',
  )
    .argument("<audit_id>", "which one: `agent status` shows it", nonEmpty)
    .option("--reason <text>", "why, for the log and the result", nonEmpty)
    .action(async (auditId: string, options: CancelOptions) => {
      done(await (await import("./command.ts")).cancel(auditId, options));
    });
  add(
    "drain",
    "stop this machine's agent in peace: what runs is finished, results are delivered",
    "  agent drain\n  agent drain --state-dir /var/lib/agent",
  ).action(async (options: LocalCommandOptions) => {
    done(await (await import("./command.ts")).drain(options));
  });
}

function collectSource(value: string, before: readonly Source[] = []): readonly Source[] {
  const source = sources.find((each) => each === value);
  if (source !== undefined) return [...before, source];
  throw new InvalidArgumentError(`Allowed choices are ${sources.join(", ")}.`);
}
