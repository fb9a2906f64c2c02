/** Declares `agent puda`, with the help of all its subcommands. */
import type { Command } from "commander";
import { atLeast, nonEmpty, wholeFrom } from "../arguments.ts";
import type { Done } from "../call/add-call.ts";
import type { PingOptions } from "./ping.ts";
import type { RunOptions } from "./run.ts";
import type { SendOptions } from "./send.ts";
import type { WatchOptions } from "./watch.ts";

/** Adds `puda` to the program; each subcommand hands its exit code to `done`. */
export function addPudaCommands(program: Command, done: Done, exitCodes: string): void {
  const puda = program
    .command("puda")
    .description("command laboratory machines over NATS, and watch them")
    .addHelpText(
      "after",
      `${exitCodes}
  130 stopped by Ctrl-C: what was started is ended first

Examples:
  agent puda ping
  agent puda send balance weigh settle_ms=2000
  agent puda send balance pause
  agent puda run calibrate.json
  agent puda watch balance`,
    );
  addSend(puda, done);
  addRun(puda, done);
  addWatch(puda, done);
  addPing(puda, done);
}

function addSend(puda: Command, done: Done): void {
  add(puda, "send", "send one command and print the answer", [
    "agent puda send balance weigh",
    'agent puda send pipettor aspirate volume_ul=50 well=A1 options={"slow":true}',
    "agent puda send balance pause",
    "agent puda send balance reset",
    "agent puda send balance weigh --run-id 3f2a --step 4",
  ])
    .argument("<machine>", "its id", nonEmpty)
    .argument("<name>", "the command", nonEmpty)
    .argument("[params...]", "key=value; JSON where it is JSON, else text")
    .option(
      "--immediate",
      "act beside what runs, as pause, resume, cancel, start, complete and reset do",
    )
    .option("--queue", "wait for its turn, whatever it is called")
    .option(
      "--run-id <id>",
      "a step of this run, that is open (default: a run of its own)",
      nonEmpty,
    )
    .option("--step <n>", "the step's number (default: 1)", wholeFrom(0))
    .action(async (machine: string, name: string, params: string[], options: SendOptions) => {
      done(await (await import("./send.ts")).send(machine, name, params, options));
    });
}

function addRun(puda: Command, done: Done): void {
  add(puda, "run", "carry out a list of commands, until the first that fails", [
    "agent puda run calibrate.json",
    "agent puda run calibrate.json --json | jq .steps[].response.data",
    `echo '[{"machine_id": "balance", "name": "weigh"}]' | agent puda run -`,
  ])
    .argument("<file>", "a JSON list of commands, or a protocol file; - for stdin", nonEmpty)
    .option("--run-id <id>", "what to call the run (default: a new id)", nonEmpty)
    .action(async (file: string, options: RunOptions) => {
      done(await (await import("./run.ts")).run(file, options));
    });
}

function addWatch(puda: Command, done: Done): void {
  add(puda, "watch", "show states, telemetry and events as they come, until Ctrl-C", [
    "agent puda watch",
    "agent puda watch balance",
    "agent puda watch balance --json | jq 'select(.kind == \"event\")'",
  ])
    .argument("[machine]", "its id (default: all of them)", nonEmpty)
    .option("--all", "heartbeats too")
    .action(async (machine: string | undefined, options: WatchOptions) => {
      done(await (await import("./watch.ts")).watch(machine, options));
    });
}

function addPing(puda: Command, done: Done): void {
  add(puda, "ping", "ask a machine who it is, or which machines there are", [
    "agent puda ping",
    "agent puda ping balance",
    "agent puda ping --timeout 5 --json",
  ])
    .argument("[machine]", "its id (default: all of them)", nonEmpty)
    .action(async (machine: string | undefined, options: PingOptions) => {
      done(await (await import("./ping.ts")).ping(machine, options));
    });
}

/** What `--timeout` means to each. */
const TIMEOUTS = {
  send: "longest wait for the answer (default: 120, 10 if it acts at once)",
  run: "longest wait for each answer (default: 120)",
  watch: "end after this long (default: at Ctrl-C)",
  ping: "longest wait (default: 1 for all machines, 3 for one)",
} as const;

function add(
  puda: Command,
  name: keyof typeof TIMEOUTS,
  what: string,
  examples: readonly string[],
): Command {
  return puda
    .command(name)
    .description(what)
    .option(
      "--to <urls>",
      "NATS servers, nats:// or tls://, with commas ($NATS_SERVERS, else this machine's)",
      nonEmpty,
    )
    .option("--nats-user <name>", "log in as ($NATS_USER; the password: $NATS_PASSWORD)", nonEmpty)
    .option("--nats-creds <file>", "log in with this credentials file ($NATS_CREDS)", nonEmpty)
    .option("--nats-ca <file>", "trust this authority's servers, PEM ($NATS_CA)", nonEmpty)
    .option("--payload-key <file>", "encrypt with this lab's key ($PUDA_KEY_FILE)", nonEmpty)
    .option("--timeout <s>", TIMEOUTS[name], atLeast(0.001))
    .option("--json", "print JSON, for programs")
    .addHelpText("after", `\nExamples:\n${examples.map((each) => `  ${each}`).join("\n")}`);
}
