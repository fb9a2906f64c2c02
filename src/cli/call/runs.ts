/** `agent call runs` and `agent call run ID`: what the backend carries out, and what it has. */
import type { RunAnswer } from "../../client/answers.ts";
import { exitCodes } from "../../core/errors.ts";
import { dayText, durationText, type Paint, printable, table } from "../output.ts";
import { type CallOptions, withBackend } from "./context.ts";
import { drawResults } from "./results.ts";
import { untilDone } from "./until-done.ts";
import { clockText } from "./watch.ts";

export type RunsOptions = CallOptions & { readonly n: number };
export type RunOptions = CallOptions & { readonly wait?: boolean };

export function listRuns(options: RunsOptions): Promise<number> {
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const runs = (await orchestrator.listRuns()).slice(0, options.n);
    if (json) out.json(runs);
    else if (runs.length === 0) out.line(out.paint.dim("nothing has run"));
    else {
      const rows = runs.map((run) => [
        run.run_id,
        run.status,
        startText(run),
        tookText(run),
        run.what,
      ]);
      out.line(table(["RUN", "STATUS", "STARTED", "TOOK", "WHAT"], rows, out.paint));
    }
    return 0;
  });
}

/** Exits 1 when it ended otherwise than well. */
export function showRun(id: string, options: RunOptions): Promise<number> {
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const run =
      options.wait === true
        ? await untilDone(options, (long) => orchestrator.waitForRun(id, long))
        : await orchestrator.getRun(id);
    const { status, results = [], what, message } = run;
    if (json) out.json(run);
    else {
      const why = message ? `: ${printable(message)}` : "";
      out.line(`${marked(status, out.paint)} ${printable(what)}, ${startText(run)}${why}`);
      for (const line of drawResults(results, out)) out.line(`  ${line}`);
    }
    return status === "running" || status === "succeeded" ? 0 : exitCodes.permanent;
  });
}

function marked(status: string, paint: Paint): string {
  if (status === "succeeded") return paint.green(status);
  return status === "running" ? paint.yellow(status) : paint.red(printable(status));
}

function startText({ started }: RunAnswer): string {
  return `${dayText(new Date(started * 1_000))} ${clockText(started)}`;
}

function tookText({ started, ended }: RunAnswer): string {
  return durationText(((ended ?? Date.now() / 1_000) - started) * 1_000);
}
