/** Declares `agent call live-log` and `live-trace`. */
import type { Command } from "commander";
import { atLeast, wholeFrom } from "../arguments.ts";
import { addCall, type Done } from "./add-call.ts";
import type { LiveLogOptions } from "./live-log.ts";
import type { LiveTraceOptions } from "./live-trace.ts";
import { parseSince } from "./since.ts";

export function addWatchCommands(call: Command, done: Done): void {
  addWatch(call, "live-log", "print what the backend has logged", [
    "agent call live-log -n 20",
    'agent call live-log --since "30m ago"',
    "agent call live-log --follow --interval 0.5",
  ])
    .alias("log")
    .option("-w, --wall", "the same as --follow")
    .action(async (options: LiveLogOptions) => {
      done(await (await import("./live-log.ts")).liveLog(options));
    });
  addWatch(call, "live-trace", "print plans, steps and changes of the state, as they happened", [
    "agent call live-trace -n 20",
    "agent call live-trace --kind plan_start,plan_end",
    "agent call live-trace --follow",
  ])
    .alias("trace")
    .option("--kind <kinds>", "only these, with commas: plan_start,behavior_end", (text: string) =>
      text.split(",").flatMap((kind) => kind.trim() || []),
    )
    .action(async (options: LiveTraceOptions) => {
      done(await (await import("./live-trace.ts")).liveTrace(options));
    });
}

function addWatch(call: Command, name: string, what: string, examples: readonly string[]): Command {
  return addCall(call, name, what, examples)
    .option("-n <count>", "only the last ones", wholeFrom(0))
    .option(
      "--since <time>",
      "only from then on: epoch, ISO-8601 (UTC), 14:03 (local) or 30m ago",
      (text) => parseSince(text, new Date()),
    )
    .option("-f, --follow", "go on with what is new from now on, until Ctrl-C")
    .option("--interval <s>", "how often to ask while following", atLeast(0.05), 2);
}
