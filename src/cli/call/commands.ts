/** Declares `agent call`, with the help of all its subcommands. */
import type { Command } from "commander";
import type { Done } from "./add-call.ts";
import { addAskCommands } from "./ask-commands.ts";
import { addDoCommands } from "./do-commands.ts";
import { addWatchCommands } from "./watch-commands.ts";

/** Adds `call` to the program; each subcommand hands its exit code to `done`. */
export function addCallCommands(program: Command, done: Done, exitCodes: string): void {
  const call = program
    .command("call")
    .description("ask a running backend, or tell it what to do")
    .addHelpText(
      "after",
      `${exitCodes}

Examples:
  agent call state
  agent call goal "box_at(room_two, box_a)"
  agent call execute
  agent call cancel --reason "a person is in the room"
  agent call create "Zone(name=site, vertices=[[-70, 41], [-70, 42], [-69, 42]])"
  agent call trigger "move(start=room_one, end=room_two)" --to http://10.0.0.5:8421
  agent call live-log --since "30m ago" --json`,
    );
  addAskCommands(call, done);
  addDoCommands(call, done);
  addWatchCommands(call, done);
}
