/** Declares `agent scenario`: its subcommands, their options and help. */
import { type Command, Option } from "commander";
import { exitCodes } from "../../core/errors.ts";
import { collect, nonEmpty } from "../arguments.ts";
import type { StubOptions } from "./stub.ts";

type Done = (code: number) => void;

/** Adds `scenario` to the program; each subcommand hands its exit code to `done`. */
export function addScenarioCommands(program: Command, done: Done): void {
  const scenario = program
    .command("scenario")
    .description("let scenario-execution read scenarios with a plugin's actions")
    .addHelpText(
      "after",
      `
Examples:
  agent scenario stub ./plugins/arm.ts:Arm -o stubs/ && pip install ./stubs`,
    );
  addStub(scenario, done);
}

function addStub(scenario: Command, done: Done): void {
  scenario
    .command("stub")
    .description("write a Python package that declares a plugin's actions to scenario-execution")
    .argument("<ref>", "./file.ts:Class, /path/file.js:Class or package:Class")
    .requiredOption("-o, --output <dir>", "folder to write; what it wrote before is replaced")
    .option(
      "--name <name>",
      "scenarios import osc.NAME, the package is NAME-stubs (default: as the class)",
      nonEmpty,
    )
    .addOption(
      new Option("--skip <action>", "leave this action out (repeatable)")
        .argParser(collect)
        .default([], "none"),
    )
    .option("--force", "write also to a folder that holds other things; they stay")
    .option("--json", "print one JSON document, for programs")
    .addHelpText(
      "after",
      `
Numbers, texts, enums, objects and lists of a handler's schema become OSC2 types; a number with a
unit of SI, z.number().meta({ unit: "m/s" }), becomes a quantity. An action that OSC2 has no types
for (unions, records, tuples, names that are words of OSC2 or Python) is left out with a warning,
and the exit code says so; --skip leaves it out without. docs/scenario-execution.md tells the rules.

The plugin's file is loaded, as you and with your environment; its class is not constructed, unless
it registers itself, and nothing of the machine is touched.

Exit codes:
  0   every action is declared, but for those of --skip
  ${exitCodes.permanent}   some could not be; the others were written
  ${exitCodes.usage}   wrong usage, or the folder is not its own: nothing was written

Examples:
  agent scenario stub ./plugins/arm.ts:Arm -o stubs/
  agent scenario stub ./plugins/arm.ts:Arm -o stubs/ --name lab_arm
  agent scenario stub ./cart.ts:Cart -o stubs/ --skip calibrate --json
  pip install ./stubs && scenario_execution --dry-run scenario.osc`,
    )
    .action(async (ref: string, options: StubOptions) => {
      done(await (await import("./stub.ts")).stub(ref, options));
    });
}
