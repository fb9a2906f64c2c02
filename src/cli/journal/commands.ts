/** Declares `agent journal`: its subcommands, their options and help. */
import { type Command, Option } from "commander";
import { nonEmpty, wholeFrom } from "../arguments.ts";
import type { JournalOptions, ListOptions } from "./context.ts";

type Done = (code: number) => void;

/** What `--state` may say; spelled here so that `--help` need not load the journal. */
const STATES = ["unfinished", "waiting", "closed", "refused"];

/** Adds `journal` to the program; each subcommand hands its exit code to `done`. */
export function addJournalCommands(program: Command, done: Done): void {
  const journal = program
    .command("journal")
    .description("read what an agent has done, while it runs or not")
    .addHelpText(
      "after",
      `
Examples:
  agent journal list
  agent journal list --state refused --json
  agent journal show 3f2a9c1e-5b7d-4a53-9d8e-0c1b2a394857
  agent journal export > assignments.ndjson`,
    );
  add(journal, "list", "list assignments, newest first, and count them by state", [
    "agent journal list --limit 100",
    "agent journal list --state waiting --state-dir /var/lib/agent",
  ])
    .addOption(new Option("--state <state>", "only those in this state").choices(STATES))
    .option("--limit <n>", "at most so many, 0 = all", wholeFrom(0), 20)
    .option("--json", "print JSON, for programs")
    .action(async (options: ListOptions) => {
      done(await (await import("./list.ts")).list(options));
    });
  add(journal, "show", "tell the whole story of one assignment", [
    "agent journal show 3f2a9c1e-5b7d-4a53-9d8e-0c1b2a394857",
  ])
    .argument("<audit_id>", "the assignment's audit id", nonEmpty)
    .option("--json", "print JSON, for programs")
    .action(async (auditId: string, options: JournalOptions) => {
      done(await (await import("./show.ts")).show(auditId, options));
    });
  add(journal, "export", "print every assignment as one JSON document a line, oldest first", [
    "agent journal export | jq 'select(.result.success == false)'",
  ]).action(async (options: JournalOptions) => {
    done(await (await import("./export.ts")).exportAll(options));
  });
}

function add(journal: Command, name: string, what: string, examples: readonly string[]): Command {
  return journal
    .command(name)
    .description(what)
    .option("--state-dir <dir>", "the agent's folder (default: as `agent connect`)", nonEmpty)
    .addHelpText("after", `\nExamples:\n${examples.map((each) => `  ${each}`).join("\n")}`);
}
