/** Declares `agent call`: its subcommands, their options and help. */
import type { Command } from "commander";

export function addCallCommands(
  program: Command,
  _done: (code: number) => void,
  _exitCodes: string,
): void {
  program.command("call").description("ask a running backend");
}
