/** Declares one subcommand of `agent call`. */
import type { Command } from "commander";
import { atLeast } from "../arguments.ts";

/** Hands a subcommand's exit code on. */
export type Done = (code: number) => void;

/** Adds a subcommand with the options that all of them have. */
export function addCall(
  call: Command,
  name: string,
  what: string,
  examples: readonly string[],
): Command {
  return call
    .command(name)
    .description(what)
    .option("--to <url>", "backend (default: the DYNOS config file's, else this machine's)")
    .option("--session <name>", "session on a gateway, by label or id (default: the config file's)")
    .option(
      "--timeout <s>",
      "longest wait (default: 30 for an answer, none to the end)",
      atLeast(0.1),
    )
    .option("--json", "print JSON, for programs")
    .addHelpText("after", `\nExamples:\n${examples.map((each) => `  ${each}`).join("\n")}`);
}
