/** Declares `agent serve`. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { exitCodes } from "../../core/errors.ts";
import { LOG } from "../../wire/scenario-builtins.ts";
import { atLeast, bytesFrom, fileMode, nonEmpty, port } from "../arguments.ts";
import type { ServeOptions } from "../options.ts";
import { addServantOptions, repeatable } from "../servant-options.ts";
import { SCENARIO_PORT } from "./endpoints.ts";

export function addServe(program: Command, version: string, done: (code: number) => void): void {
  const command = program
    .command("serve")
    .description("let scenarios of scenario-execution run a plugin's actions")
    .argument("<ref>", "./file.ts:Class, /path/file.js:Class or package:Class")
    .addOption(
      repeatable("--listen <url>", "tcp://HOST:PORT or ipc://FILE (repeatable)").default(
        [],
        `tcp://127.0.0.1:${SCENARIO_PORT}`,
      ),
    )
    .option("-p, --port <n>", "the same as --listen tcp://127.0.0.1:N", port)
    .option("-s, --socket <file>", "the same as --listen ipc://FILE", nonEmpty)
    .addOption(
      new Option(
        "--socket-mode <mode>",
        "permissions of the socket file (default: 0600)",
      ).argParser(fileMode),
    )
    .option("--insecure-bind", "listen beyond this machine: whoever reaches it moves the machine")
    .addOption(
      new Option("--allow-builtin <name>", "let scenarios use the agent's own `log` (repeatable)")
        .argParser(builtin)
        .default([], "none"),
    )
    .addOption(repeatable("--allow-run <command>", "let run_process run this program (repeatable)"))
    .option("--lease <s>", "silence after which a client's running action stops", atLeast(0.1), 10)
    .addOption(
      new Option("--max-assignment <bytes>", "largest request to execute")
        .argParser(bytesFrom(1))
        .default(16 * 2 ** 20, "16MiB"),
    );
  addServantOptions(command, {
    logLevel: "info",
    logFormat: "pretty on a terminal, else json",
    stateDir: "$STATE_DIRECTORY, else servant-agent in $XDG_STATE_HOME or ~/.local/state",
    doorPort: "--local-port",
    drainTimeoutS: 5,
    concurrency: 16,
  }).addHelpText(
    "after",
    `
Exit codes:
  0   stopped
  ${exitCodes.permanent}   failed
  ${exitCodes.usage}   wrong usage: starting again will not help

Examples:
  agent serve ./plugins/arm.ts:Arm
  agent serve ./plugins/arm.ts:Arm --listen tcp://127.0.0.1:7613
  agent serve ./plugins/arm.ts:Arm --listen ipc:///run/arm.sock --socket-mode 0660
  agent serve ./plugins/arm.ts:Arm --port 7700 --concurrency 1
  agent serve ./plugins/arm.ts:Arm --allow-builtin log --allow-run hostname --allow-run /opt/rig/calibrate`,
  );
  command.action(async (ref: string, options: ServeOptions) => {
    done(await (await import("./serve.ts")).serveScenarios(ref, options, version));
  });
}

/** Reads the name of an action of the agent's own. */
function builtin(name: string, before: readonly string[]): readonly string[] {
  if (name === LOG) return [...before, name];
  throw new InvalidArgumentError('There is "log"; programs are allowed by --allow-run.');
}
