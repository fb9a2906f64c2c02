/** The agent's own actions, beside a plugin's: `log` and `run_process`, where they are allowed. */
import type { HandlerContext, ParamsSchema } from "../../core/handlers.ts";
import type { Additions, Handler } from "../../core/plugin.ts";
import {
  LOG,
  LogArguments,
  RUN_PROCESS,
  RunProcessArguments,
} from "../../wire/scenario-builtins.ts";
import type { AllowedCommands } from "./allowed-commands.ts";
import type { MinderPlace } from "./minded-process.ts";
import { RunProcess } from "./run-process.ts";

/** What is allowed; crosses to the plugin's process as JSON. */
export interface Builtins {
  readonly log: boolean;
  readonly run: AllowedCommands;
  /** How long a command may take to stop at most, in milliseconds. */
  readonly stopMaxMs: number;
}

export function builtinActions({ log, run, stopMaxMs }: Builtins, place: MinderPlace): Additions {
  const actions: Handler[] = [];
  if (log) {
    const mark = markOf(LOG, "Writes a line into the agent's log", LogArguments);
    actions.push({ mark, instance: new Log() });
  }
  if (Object.keys(run).length > 0) {
    const mark = markOf(RUN_PROCESS, "Runs an allowed command", RunProcessArguments);
    const instance = new RunProcess({ allowed: run, place, stopMaxMs });
    actions.push({ mark, instance });
  }
  return actions;
}

class Log {
  run({ msg }: LogArguments, ctx: HandlerContext): boolean {
    ctx.log.info(msg);
    return true;
  }
}

function markOf(name: string, description: string, schema: ParamsSchema): Handler["mark"] {
  const isLight = true; // neither occupies anything of the machine's
  return { kind: "action", name, method: "run", schema, options: { description }, isLight };
}
