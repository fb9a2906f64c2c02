/**
 * The command line: every command, its options and its help. Each action loads its own module,
 * so that a command costs only what it uses.
 */
import { Argument, Command, CommanderError, Option } from "commander";
import { exitCodes } from "../core/errors.ts";
import {
  atLeast,
  bytesFrom,
  durationUpTo,
  lease,
  nonEmpty,
  onOff,
  port,
  ports,
  wholeFrom,
} from "./arguments.ts";
import { addCallCommands } from "./call/commands.ts";
import type { Shell } from "./completion.ts";
import { addDomainCommands } from "./domain/commands.ts";
import { addJournalCommands } from "./journal/commands.ts";
import { addLocalCommands } from "./local/commands.ts";
import { addLoginCommands } from "./login/commands.ts";
import type { ConnectOptions, HostOptions, PlanOptions, RunOptions } from "./options.ts";
import type { PauseOptions } from "./pause.ts";
import { addPudaCommands } from "./puda/commands.ts";
import { addScenarioCommands } from "./scenario/commands.ts";
import { addServe } from "./scenario/serve-command.ts";
import { addServantOptions, repeatable } from "./servant-options.ts";
import { addSessionCommands } from "./session/commands.ts";

const EXIT_CODES = `
Exit codes:
  0   done
  ${exitCodes.permanent}   failed
  ${exitCodes.usage}   wrong usage: starting again will not help
  ${exitCodes.gone}  the session or servant is gone
  ${exitCodes.transient}  gave up on a backend that does not answer
  ${exitCodes.auth}  not logged in`;

/**
 * Runs one command to its exit code.
 *
 * @throws whatever the command throws; wrong usage is printed and returned as 2.
 */
export async function runProgram(args: readonly string[], version: string): Promise<number> {
  let code = 0;
  const program = buildProgram(version, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (cause) {
    if (!(cause instanceof CommanderError)) throw cause;
    return cause.exitCode === 0 ? 0 : exitCodes.usage; // commander has printed it
  }
  return code;
}

/** The program; each action hands its exit code to `done`. */
export function buildProgram(version: string, done: (code: number) => void): Command {
  const program = new Command("agent")
    .description(
      "Carries out with your plugin what a planning backend, a laboratory or a scenario asks for.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show help of a command")
    .showHelpAfterError("(see --help)")
    .showSuggestionAfterError()
    .exitOverride();
  addConnect(program, version, done);
  addServe(program, version, done);
  addScenarioCommands(program, done);
  addRun(program, version, done);
  addHost(program, version, done);
  addPlan(program, done);
  addPause(program, done);
  addLocalCommands(program, done, EXIT_CODES);
  addCallCommands(program, done, EXIT_CODES);
  addLoginCommands(program, done);
  addSessionCommands(program, done, EXIT_CODES);
  addJournalCommands(program, done);
  addDomainCommands(program, done);
  addPudaCommands(program, done, EXIT_CODES);
  addCompletion(program, done);
  return program.addHelpText(
    "after",
    `${EXIT_CODES}

Examples:
  agent run ./plugins/warehouse.ts:WarehouseNode --goal "box_at(room_two, box_a)"
  agent host
  agent connect ./plugins/warehouse.ts:WarehouseNode
  agent call goal "robot_at(room_one)" && agent call execute
  agent connect ./plugins/balance.ts:Balance --to nats://127.0.0.1:4222 --machine-id balance
  agent serve ./plugins/arm.ts:Arm`,
  );
}

function addConnect(program: Command, version: string, done: (code: number) => void): void {
  const command = program
    .command("connect")
    .description("register a plugin with a backend and carry out what it assigns")
    .argument("<ref>", "./file.ts:Class, /path/file.js:Class or package:Class")
    .option(
      "--to <url>",
      "backend, http:// or nats:// (default: the DYNOS config file's, else this machine's)",
      withCommas,
    )
    .option(
      "--session <name>",
      "session on a gateway, by label or id (default: the config file's)",
      nonEmpty,
    )
    .option("--poll-interval <s>", "longest wait between two polls", atLeast(0.001), 0.2)
    .addOption(
      new Option("--quick-poll <on|off>", "poll faster while busy (default: on for loopback)")
        .choices(["on", "off"])
        .argParser(onOff),
    )
    .option("--max-assignment <bytes>", "largest assignment to take", wholeFrom(1), 1_048_576)
    .option("--max-failures <n>", "failures in a row before giving up, 0 = never", wholeFrom(0), 0)
    .addOption(
      new Option("--reregister <on|off>", "register again when the backend has forgotten us")
        .choices(["on", "off"])
        .argParser(onOff)
        .default(true, "on"),
    );
  addServantOptions(command, {
    logLevel: "info",
    logFormat: "pretty on a terminal, else json",
    stateDir: "$STATE_DIRECTORY, else servant-agent in $XDG_STATE_HOME or ~/.local/state",
  });
  addPudaOptions(command).addHelpText(
    "after",
    `${EXIT_CODES}

Examples:
  agent connect ./plugins/warehouse.ts:WarehouseNode
  agent connect my-robot:Cart --session survey
  agent connect ./cart.ts:Cart --pass-env CAMERA_URL --log-format json
  agent connect ./plugins/balance.ts:Balance --to nats://127.0.0.1:4222 --machine-id balance`,
  );
  command.action(async (ref: string, options: ConnectOptions) => {
    done(await (await import("./connect.ts")).connect(ref, options, version));
  });
}

function addPudaOptions(command: Command): Command {
  const onOrOff = (flags: string, description: string) =>
    new Option(flags, description).choices(["on", "off"]).argParser(onOff).default(true, "on");
  return command
    .optionsGroup("Options of a PUDA machine (--to nats://... or tls://...):")
    .option("--machine-id <id>", "the machine's name on the network ($MACHINE_ID)", nonEmpty)
    .option("--nats-user <name>", "log in as ($NATS_USER; the password: $NATS_PASSWORD)", nonEmpty)
    .option("--nats-creds <file>", "log in with this credentials file ($NATS_CREDS)", nonEmpty)
    .option("--nats-ca <file>", "trust this authority's servers, PEM ($NATS_CA)", nonEmpty)
    .option("--payload-key <file>", "encrypt with this lab's key ($PUDA_KEY_FILE)", nonEmpty)
    .addOption(
      new Option("--command-max-age <time>", "refuse what had waited longer at the start")
        .argParser(durationUpTo(365 * 86_400))
        .default(600, "10m"),
    )
    .addOption(onOrOff("--implicit-runs <on|off>", "let commanders of puda-comms 0.0.2 start none"))
    .addOption(onOrOff("--check-address <on|off>", "refuse what names another machine"))
    .addOption(
      onOrOff("--answer-repeats <on|off>", "answer a command published twice, run it once"),
    );
}

function addRun(program: Command, version: string, done: (code: number) => void): void {
  const command = program
    .command("run")
    .description("backend and servant in one: plan for a goal and carry it out")
    .argument("<ref>", "./file.ts:Class, /path/file.js:Class or package:Class")
    .addOption(repeatable("--goal <atom>", "what must hold at the end (repeatable)"))
    .addOption(
      repeatable(
        "--domain <name|file>",
        "know only this vocabulary (repeatable); else the built-in ones and what the plugin imports",
      ),
    )
    .addOption(repeatable("--domain-path <dir>", "folder of vocabularies (repeatable)"))
    .option("--backend-port <n>", "let others reach the backend (default: off the network)", port);
  // What happens is shown as steps: of the log only what went wrong belongs between them.
  addServantOptions(command, {
    logLevel: "warn",
    logFormat: "pretty, with --json json",
    stateDir: "a fresh temporary folder",
  }).option("--json", "print one JSON document, for programs");
  command.addHelpText(
    "after",
    `${EXIT_CODES}

Examples:
  agent run ./plugins/warehouse.ts:WarehouseNode --goal "box_at(room_two, box_a)"
  agent run ./cart.ts:Cart --goal "robot_at(room_one)" --goal hands_free --json`,
  );
  command.action(async (ref: string, options: RunOptions) => {
    done(await (await import("./run.ts")).run(ref, options, version));
  });
}

function addHost(program: Command, version: string, done: (code: number) => void): void {
  const command = program
    .command("host")
    .description("start the embedded planning backend")
    .option("--port <n>", "port to listen on, 0 = any free one", port, 8421)
    .option("--bind <address>", "address to listen on", nonEmpty, "127.0.0.1")
    .addOption(repeatable("--domain <name|file>", "know only this vocabulary (repeatable)"))
    .addOption(repeatable("--domain-path <dir>", "folder of vocabularies (repeatable)"))
    .option("--state-dir <dir>", "where its state is kept (default: in memory only)", nonEmpty)
    .option("--lease <s>", "silence after which a polling servant's step fails", atLeast(0.1), 30)
    .option("--silent-lease <s|off>", "the same for one silent while acting", lease, "off")
    .option("--max-replans <n>", "plans without progress before giving up", wholeFrom(0), 5)
    .option("--missions <dir>", "a folder of missions, NAME.json each")
    .addOption(
      new Option("--robot <name>", "run a simulated vehicle beside it").choices(["sentry-mock"]),
    )
    .option("--time-scale <n>", "how many times faster its time runs", atLeast(0.001), 1)
    .addOption(
      new Option("--max-body <bytes>", "longest body of a request")
        .argParser(bytesFrom(1024))
        .default(16 * 2 ** 20, "16MiB"),
    )
    .option("--json", "log one JSON document per line, for programs");
  addGatewayOptions(command)
    .addOption(hidden("--gateway-fd <n>", "it is a session: its pipe", wholeFrom(3)))
    .addOption(hidden("--orphan-after <s>", "end without a gateway", atLeast(0.1)).default(600))
    .addHelpText(
      "after",
      `${EXIT_CODES}

Examples:
  agent host
  agent host --domain warehouse --port 8500
  agent host --robot sentry-mock --time-scale 100
  agent host --bind 0.0.0.0 --state-dir /var/lib/planner
  agent host --sessions --users login.json
  agent host --sessions --users login.json --bind 0.0.0.0 --tls-cert cert.pem --tls-key key.pem`,
    )
    .action(async (options: HostOptions) => {
      if (options.sessions) {
        done(await (await import("./gateway.ts")).gateway(options, version));
      } else done(await (await import("./host.ts")).host(options, version));
    });
}

function addGatewayOptions(command: Command): Command {
  return command
    .optionsGroup("Options of a gateway:")
    .option("--sessions", "serve a gateway: logins, and a private backend for each session")
    .option("--users <file>", "who may log in (docs/gateway.md)", nonEmpty)
    .option("--tls-cert <file>", "its certificate, PEM", nonEmpty)
    .option("--tls-key <file>", "the certificate's key, PEM", nonEmpty)
    .option("--insecure-http", "plain http beyond this machine: passwords travel in clear")
    .addOption(
      new Option("--token-max <time>", "how long a login lasts at most, however much it is used")
        .argParser(durationUpTo(365 * 86_400))
        .default(7 * 86_400, "7d"),
    )
    .option("--sessions-per-user <n>", "sessions that each may have", wholeFrom(1), 10)
    .option("--requests-per-user <n>", "requests under way that each may have", wholeFrom(1), 2_000)
    .addOption(
      new Option("--session-ports <range>", "ports of this machine for the sessions")
        .argParser(ports)
        .default({ from: 8500, to: 8599 }, "8500-8599"),
    )
    .addOption(
      repeatable("--trust-proxy <address>", "believe this proxy's X-Forwarded-For (repeatable)"),
    );
}

function addPlan(program: Command, done: (code: number) => void): void {
  program
    .command("plan")
    .description("look for a plan for a problem in PDDL; needs no backend")
    .requiredOption("--domain <file>", "the domain in PDDL, - for stdin", nonEmpty)
    .requiredOption("--problem <file>", "the problem in PDDL, - for stdin", nonEmpty)
    .option("--time-budget <s>", "longest time to look for it", atLeast(0.001), 60)
    .option("--output <file>", "write the plan to this file, instead of printing it", nonEmpty)
    .option("--json", "print one JSON document, for programs")
    .addHelpText(
      "after",
      `
A plan is printed as other planners do: a step a line, then its cost.

Exit codes:
  0   a plan was found, or the goal holds already
  ${exitCodes.permanent}   there is none: nothing that can be done reaches the goal
  ${exitCodes.usage}   wrong usage, or PDDL that cannot be read
  ${exitCodes.transient}  gave up: the time or the memory was used up first
  130 stopped by Ctrl-C

Examples:
  agent plan --domain gripper.pddl --problem six-balls.pddl
  agent plan --domain blocks.pddl --problem tower.pddl --time-budget 5 --json
  cat tower.pddl | agent plan --domain blocks.pddl --problem - --output tower.plan`,
    )
    .action(async (options: PlanOptions) => {
      done(await (await import("./plan.ts")).plan(options));
    });
}

function addPause(program: Command, done: (code: number) => void): void {
  const add = (name: "pause" | "resume", description: string, examples: string) =>
    program
      .command(name)
      .description(description)
      .option("--state-dir <dir>", "the agent's folder (default: as `agent connect`)", nonEmpty)
      .option("--json", "print one JSON document, for programs")
      .addHelpText("after", `${EXIT_CODES}\n\nExamples:\n${examples}`)
      .action(async (options: PauseOptions) => {
        done(await (await import("./pause.ts")).setPaused(name === "pause", options));
      });
  add(
    "pause",
    "keep this machine's agent from starting actions, over restarts too",
    "  agent pause\n  agent pause --state-dir /var/lib/agent",
  );
  add("resume", "end a pause: what waits starts", "  agent resume");
}

function addCompletion(program: Command, done: (code: number) => void): void {
  program
    .command("completion")
    .description("print a script that completes commands and options in a shell")
    .addArgument(new Argument("<shell>", "which shell").choices(["bash", "zsh", "fish"]))
    .addHelpText(
      "after",
      `
Examples:
  agent completion bash >> ~/.bashrc
  agent completion zsh >> ~/.zshrc
  agent completion fish > ~/.config/fish/completions/agent.fish`,
    )
    .action(async (shell: Shell) => {
      const { completionScript } = await import("./completion.ts");
      process.stdout.write(completionScript(shell, program));
      done(0);
    });
}

/** Several servers of one cluster, given at once or one after another. */
function withCommas(value: string, before: string | undefined): string {
  return before === undefined ? nonEmpty(value) : `${before},${nonEmpty(value)}`;
}

/** An option of the program's own, not for people. */
function hidden(flags: string, description: string, read: (text: string) => number): Option {
  return new Option(flags, description).argParser(read).hideHelp();
}
