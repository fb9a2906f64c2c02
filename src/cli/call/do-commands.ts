/** Declares the subcommands of `agent call` that plan, carry out and call off. */
import type { Command } from "commander";
import { atLeast, nonEmpty, wholeFrom } from "../arguments.ts";
import { addCall, type Done } from "./add-call.ts";
import type { CancelOptions } from "./cancel.ts";
import type { CallOptions } from "./context.ts";
import type { PlanCommandOptions } from "./plan.ts";
import type { RunOptions, RunsOptions } from "./runs.ts";

export function addDoCommands(call: Command, done: Done): void {
  addPlanning(call, done);
  addExecution(call, done);
  addRuns(call, done);
  addMissions(call, done);
}

const RELAX = ["--relax", "when the goal is unreachable, take time to say what blocks it"] as const;
const TIME_BUDGET = ["--time-budget <s>", "longest time to plan", atLeast(0.001)] as const;

function addPlanning(call: Command, done: Done): void {
  addCall(call, "goal", "print the goal, or set it", [
    "agent call goal",
    'agent call goal "box_at(room_two, box_a)" hands_free',
  ])
    .argument("[atoms...]", "what must hold, such as box_at(room_two, box_a)")
    .action(async (atoms: string[], options: CallOptions) => {
      done(await (await import("./goal.ts")).goal(atoms, options));
    });
  addCall(call, "plan", "plan from the state to the goal; exits 1 when there is no plan", [
    "agent call plan",
    "agent call plan --relax",
  ])
    .option(...RELAX)
    .option(...TIME_BUDGET)
    .action(async (options: PlanCommandOptions) => {
      done(await (await import("./plan.ts")).plan(options));
    });
}

function addExecution(call: Command, done: Done): void {
  addCall(call, "execute", "carry the plan out; exits 1 when it fails in the end", [
    "agent call execute",
    "agent call execute --json --timeout 600",
  ]).action(async (options: CallOptions) => {
    done(await (await import("./execute.ts")).execute(options));
  });
  addCall(call, "trigger", "run one action, without planning or checking its preconditions", [
    'agent call trigger "move(start=room_one, end=room_two)"',
    'agent call trigger "takeover_control()"',
  ])
    .argument("<call>", "the action with its parameters")
    .action(async (text: string, options: CallOptions) => {
      done(await (await import("./trigger.ts")).trigger(text, options));
    });
  const cancel = "call off the running execution and all that is handed out, or one of it";
  addCall(call, "cancel", cancel, [
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

function addRuns(call: Command, done: Done): void {
  addCall(call, "runs", "list what is carried out and what was, newest first", ["agent call runs"])
    .option("-n <count>", "only the newest", wholeFrom(1), 20)
    .action(async (options: RunsOptions) => {
      done(await (await import("./runs.ts")).listRuns(options));
    });
  addCall(call, "run", "show how far one is, or how it ended; exits 1 when that was not well", [
    "agent call run 1c6e0f0e-5d2f-4b8c-9a55-0d9a2f2a7f10 --wait",
  ])
    .argument("<run>", "its id, as `agent call runs` lists it")
    .option("--wait", "until it has ended")
    .action(async (id: string, options: RunOptions) => {
      done(await (await import("./runs.ts")).showRun(id, options));
    });
}

function addMissions(call: Command, done: Done): void {
  const mission = call.command("mission").description("list, carry out and save missions");
  const missions = () => import("./missions.ts");
  addCall(mission, "list", "list the missions", ["agent call mission list"]).action(
    async (options: CallOptions) => done(await (await missions()).listMissions(options)),
  );
  const named = {
    load: "load a mission and show its blocks",
    execute: "carry a mission out; exits 1 when a block fails",
    fork: "save the goal as a mission",
    delete: "delete a saved mission",
  } as const;
  for (const verb of ["load", "execute", "fork", "delete"] as const) {
    addCall(mission, verb, named[verb], [`agent call mission ${verb} tidy`])
      .argument("<name>", "the mission's name", nonEmpty)
      .action(async (name: string, options: CallOptions) => {
        done(await (await missions())[`${verb}Mission`](name, options));
      });
  }
  const planning = "plan a mission, the kept plan stays as it is; exits 1 when there is no plan";
  addCall(mission, "plan", planning, ["agent call mission plan tidy --relax"])
    .argument("<name>", "the mission's name", nonEmpty)
    .option(...RELAX)
    .option(...TIME_BUDGET)
    .action(async (name: string, options: PlanCommandOptions) => {
      done(await (await missions()).planMission(name, options));
    });
  addCall(mission, "save", "save a mission from its file", ["agent call mission save tidy.json"])
    .argument("<file>", 'its JSON: {"name": ..., "blocks": [...]}')
    .action(async (path: string, options: CallOptions) => {
      done(await (await missions()).saveMission(path, options));
    });
}
