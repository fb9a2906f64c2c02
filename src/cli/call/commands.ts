/** Declares `agent call`: its subcommands, their options and help. */
import type { Command } from "commander";
import { atLeast, nonEmpty, wholeFrom } from "../arguments.ts";
import type { CancelOptions } from "./cancel.ts";
import type { CallOptions } from "./context.ts";
import type { LiveLogOptions } from "./live-log.ts";
import type { PlanCommandOptions } from "./plan.ts";
import type { ObjectsOptions, ScopedOptions } from "./show.ts";
import { parseSince } from "./since.ts";

type Done = (code: number) => void;

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
  agent call trigger "move(start=room_one, end=room_two)" --to http://10.0.0.5:8421
  agent call live-log --since "30m ago" --json`,
    );
  addQuestions(call, done);
  addPlanning(call, done);
  addCancel(call, done);
  addLiveLog(call, done);
}

function addQuestions(call: Command, done: Done): void {
  add(call, "health", "say whether the backend is well", ["agent call health"]).action(
    async (options: CallOptions) => {
      done(await (await import("./show.ts")).health(options));
    },
  );
  add(call, "state", "list the atoms that hold", ["agent call state --json"])
    .option("--scope <scope>", "only this scope, such as public")
    .action(async (options: ScopedOptions) => {
      done(await (await import("./show.ts")).state(options));
    });
  add(call, "objects", "list the objects", ["agent call objects --type box"])
    .option("--type <type>", "only objects of this type")
    .option("--scope <scope>", "only this scope, such as public")
    .action(async (options: ObjectsOptions) => {
      done(await (await import("./show.ts")).objects(options));
    });
  add(call, "actions", "list the actions and who provides them", ["agent call actions"])
    .option("--scope <scope>", "only this scope, such as public")
    .action(async (options: ScopedOptions) => {
      done(await (await import("./show.ts")).actions(options));
    });
  add(call, "reset", "clear goal, plan, state and created objects", ["agent call reset"]).action(
    async (options: CallOptions) => {
      done(await (await import("./show.ts")).reset(options));
    },
  );
}

function addPlanning(call: Command, done: Done): void {
  add(call, "goal", "print the goal, or set it", [
    "agent call goal",
    'agent call goal "box_at(room_two, box_a)" hands_free',
  ])
    .argument("[atoms...]", "what must hold, such as box_at(room_two, box_a)")
    .action(async (atoms: string[], options: CallOptions) => {
      done(await (await import("./goal.ts")).goal(atoms, options));
    });
  add(call, "plan", "plan from the state to the goal; exits 1 when there is no plan", [
    "agent call plan",
    "agent call plan --relax",
  ])
    .option("--relax", "when the goal is unreachable, take time to say what blocks it")
    .option("--time-budget <s>", "longest time to plan", atLeast(0.001))
    .action(async (options: PlanCommandOptions) => {
      done(await (await import("./plan.ts")).plan(options));
    });
  add(call, "execute", "carry the plan out; exits 1 when it fails in the end", [
    "agent call execute",
    "agent call execute --json",
  ]).action(async (options: CallOptions) => {
    done(await (await import("./execute.ts")).execute(options));
  });
  add(call, "trigger", "run one action, without planning or checking its preconditions", [
    'agent call trigger "move(start=room_one, end=room_two)"',
    'agent call trigger "takeover_control()"',
  ])
    .argument("<call>", "the action with its parameters")
    .action(async (text: string, options: CallOptions) => {
      done(await (await import("./trigger.ts")).trigger(text, options));
    });
}

function addCancel(call: Command, done: Done): void {
  add(call, "cancel", "call off the running execution and all that is handed out, or one of it", [
    "agent call cancel",
    'agent call cancel --reason "a person is in the room"',
    "agent call cancel 1c6e0f0e-5d2f-4b8c-9a55-0d9a2f2a7f10",
  ])
    .argument("[audit_id]", "only this assignment (and the execution, if it is its step)")
    .option("--reason <text>", "told to the servant, in the results and in the log", nonEmpty)
    .action(async (auditId: string | undefined, options: CancelOptions) => {
      done(await (await import("./cancel.ts")).cancel(auditId, options));
    });
}

function addLiveLog(call: Command, done: Done): void {
  add(call, "live-log", "print what the backend has logged", [
    "agent call live-log -n 20",
    'agent call live-log --since "30m ago"',
    "agent call live-log --follow --interval 0.5",
  ])
    .option("-n <count>", "only the last ones", wholeFrom(0))
    .option(
      "--since <time>",
      "only from then on: epoch, ISO-8601 (UTC), 14:03 (local) or 30m ago",
      (text) => parseSince(text, new Date()),
    )
    .option("-f, --follow", "go on with what is logged from now on, until Ctrl-C")
    .option("-w, --wall", "the same as --follow")
    .option("--interval <s>", "how often to ask while following", atLeast(0.05), 2)
    .action(async (options: LiveLogOptions) => {
      done(await (await import("./live-log.ts")).liveLog(options));
    });
}

function add(call: Command, name: string, what: string, examples: readonly string[]): Command {
  return call
    .command(name)
    .description(what)
    .option("--to <url>", "backend (default: the DYNOS config file's, else this machine's)")
    .option("--session <id>", "session on a gateway (default: the config file's)")
    .option("--json", "print JSON, for programs")
    .addHelpText("after", `\nExamples:\n${examples.map((each) => `  ${each}`).join("\n")}`);
}
