/** Declares `agent session`, with the help of all its subcommands. */
import { type Command, Option } from "commander";

import { SESSION_TIMEOUT_MAX_S } from "../../core/gateway.ts";
import { atLeast, durationUpTo, nonEmpty } from "../arguments.ts";
import type { Done } from "../call/add-call.ts";
import type { CreateOptions, ExtendOptions } from "./change.ts";
import type { SessionOptions } from "./context.ts";
import type { ListOptions } from "./show.ts";
import type { TopOptions } from "./top.ts";
import type { Order } from "./top-table.ts";

const ORDERS: readonly Order[] = ["memory", "cpu", "age", "idle", "owner", "label"];
const timeout = durationUpTo(SESSION_TIMEOUT_MAX_S);

/** Adds `session` to the program; each subcommand hands its exit code to `done`. */
export function addSessionCommands(program: Command, done: Done, exitCodes: string): void {
  const session = program
    .command("session")
    .description("your private backends on the gateway that you are logged in to")
    .addHelpText(
      "after",
      `
A session is named by its label, its id, or the beginning of its id (4 characters or more) when
only one begins so. Without a name the default session is meant, and never another one.
${exitCodes}

Examples:
  agent session create --label survey --timeout 4d --robot sentry-mock
  agent session list
  agent session swap survey
  agent session stop survey`,
    );
  addCreate(session, done);
  addQuestions(session, done);
  addTop(session, done);
  addChanges(session, done);
}

function addCreate(session: Command, done: Done): void {
  add(session, "create", "start a session and make it the default", [
    "agent session create",
    "agent session create --label survey --timeout 12h --robot sentry-mock",
  ])
    .option("--label <label>", "what to call it (default: two words)", nonEmpty)
    .option("--timeout <time>", "how long it may be idle, at most 7d (default: 2d)", timeout)
    .option("--robot <name>", "run a simulated vehicle in it, such as sentry-mock", nonEmpty)
    .action(async (options: CreateOptions) => {
      done(await (await import("./change.ts")).create(options));
    });
}

function addQuestions(session: Command, done: Done): void {
  add(session, "list", "list your sessions", ["agent session list", "agent session list --all"])
    .option("--all", "everybody's: for admins")
    .action(async (options: ListOptions) => {
      done(await (await import("./show.ts")).list(options));
    });
  named(session, "info", "show one session", ["agent session info survey"]).action(
    async (name: string | undefined, options: SessionOptions) => {
      done(await (await import("./show.ts")).info(name, options));
    },
  );
  named(session, "logs", "print the newest part of what its process has logged", [
    "agent session logs",
    "agent session logs survey | grep error",
  ]).action(async (name: string | undefined, options: SessionOptions) => {
    done(await (await import("./show.ts")).logs(name, options));
  });
}

function addTop(session: Command, done: Done): void {
  add(session, "top", "watch what the sessions use: everybody's, for an admin", [
    "agent session top",
    "agent session top --interval 5 --sort cpu",
    "agent session top --once",
    "agent session top --json | jq .totals",
    "agent session top --json --interval 10 >> use.jsonl",
  ])
    .option(
      "--interval <s>",
      "seconds between two looks (default: 2; with --json: one look, unless given)",
      atLeast(0.2),
    )
    .option("--once", "look once and end, as the table does when it is piped")
    .addOption(
      new Option("--sort <what>", "what the table is sorted by").choices(ORDERS).default("memory"),
    )
    .option("--to <url>", "the gateway that is meant: refused when it is another one", nonEmpty)
    .action(async (options: TopOptions) => {
      done(await (await import("./top.ts")).top(options));
    });
}

function addChanges(session: Command, done: Done): void {
  add(session, "swap", "make another session the default", ["agent session swap survey"])
    .argument("<name>", "its label or id", nonEmpty)
    .action(async (name: string, options: SessionOptions) => {
      done(await (await import("./change.ts")).swap(name, options));
    });
  named(session, "extend", "change how long a session may be idle, from now on", [
    "agent session extend --timeout 4d",
    "agent session extend survey --timeout 12h",
  ])
    .requiredOption("--timeout <time>", "such as 4d, 12h, 30m, 45s; at most 7d", timeout)
    .action(async (name: string | undefined, options: ExtendOptions) => {
      done(await (await import("./change.ts")).extend(name, options));
    });
  named(session, "reset", "start a session afresh: same id, empty world; revives a dead one", [
    "agent session reset survey",
  ]).action(async (name: string | undefined, options: SessionOptions) => {
    done(await (await import("./change.ts")).reset(name, options));
  });
  named(session, "stop", "end a session, and its world with it", [
    "agent session stop survey",
  ]).action(async (name: string | undefined, options: SessionOptions) => {
    done(await (await import("./change.ts")).stop(name, options));
  });
}

/** A subcommand that speaks of one session. */
function named(session: Command, name: string, what: string, examples: string[]): Command {
  const command = add(session, name, what, examples);
  return command.argument("[name]", "its label or id (default: the default session)", nonEmpty);
}

function add(session: Command, name: string, what: string, examples: string[]): Command {
  return session
    .command(name)
    .description(what)
    .option("--json", "print JSON, for programs")
    .addHelpText("after", `\nExamples:\n${examples.map((each) => `  ${each}`).join("\n")}`);
}
