/** `agent plan`: looks for a plan for a problem in PDDL, without a backend. */
import { exitCodes, messageOf, ServantError } from "../core/errors.ts";
import { PddlSource, type PddlTask, planText, readPddl, TEXT_MAX } from "../planner/pddl/read.ts";
import { findPlan, type PlanOutcome } from "../planner/plan.ts";
import { systemClock } from "../system/clock.ts";
import { LiveBlock } from "./live-block.ts";
import type { PlanOptions } from "./options.ts";
import { durationText, openOutput, printable } from "./output.ts";
import { stopSignals } from "./stop-signals.ts";

/** The shell's exit code after Ctrl-C. */
const INTERRUPTED = 130;
/** A search that ends within this time shows no progress. */
const QUIET_MS = 1_000;
/** What stands for a file when the text comes on stdin. */
const STDIN = "-";

/**
 * Prints the plan, or why there is none; resolves to the exit code.
 *
 * @throws {ServantError} `pddl.*`, `usage.invalid`
 */
export async function plan(options: PlanOptions): Promise<number> {
  const { domain, problem, timeBudget } = options;
  if (domain === STDIN && problem === STDIN) {
    throw new ServantError("usage.invalid", "Cannot read both texts from stdin: name a file");
  }
  const { stop } = stopSignals();
  const task = readPddl(await read(domain), await read(problem));
  const startedAtMs = systemClock.monotonic();
  const elapsedMs = () => systemClock.monotonic() - startedAtMs;
  const endProgress = showProgress(elapsedMs);
  const search = { clock: systemClock, budgetMs: timeBudget * 1_000, signal: stop };
  const outcome = await findPlan(task.problem, search).finally(endProgress);
  await tell(task, outcome, elapsedMs(), options);
  if (outcome.plan !== null) return 0;
  if (stop.aborted) return INTERRUPTED;
  const gaveUp = outcome.reason === "planner_timeout" || outcome.reason === "planner_memout";
  return gaveUp ? exitCodes.transient : exitCodes.permanent;
}

async function read(path: string): Promise<PddlSource> {
  const file = path === STDIN ? Bun.stdin : Bun.file(path);
  const name = path === STDIN ? "stdin" : path;
  const chunks: Uint8Array[] = [];
  try {
    let bytes = 0;
    for await (const chunk of file.stream()) {
      chunks.push(chunk);
      bytes += chunk.length;
      // The reader says what is too long; this is not to swallow an endless one before.
      if (bytes > TEXT_MAX) break;
    }
  } catch (cause) {
    throw new ServantError("usage.invalid", `Cannot read "${path}": ${messageOf(cause)}`, {
      cause,
    });
  }
  return new PddlSource(name, Buffer.concat(chunks).toString());
}

/** Shows on a terminal that a long search still goes on, until the returned function is called. */
function showProgress(elapsedMs: () => number): () => void {
  const out = openOutput(process.stderr, process.env);
  if (!out.isTerminal) return () => {};
  let block: LiveBlock | undefined;
  const lines = () => [out.paint.dim(`planning, ${durationText(elapsedMs())} (Ctrl-C stops)`)];
  const timer = setTimeout(() => {
    block = new LiveBlock(out, lines);
  }, QUIET_MS);
  return () => {
    clearTimeout(timer);
    block?.end([]);
  };
}

async function tell(
  task: PddlTask,
  outcome: PlanOutcome,
  tookMs: number,
  { json, output }: PlanOptions,
): Promise<void> {
  const out = openOutput(process.stdout, process.env);
  const detail = task.wordsOf(outcome.detail);
  const { reason, plan: steps, cost } = outcome;
  if (steps !== null && output !== undefined) {
    await write(output, planText(task, steps, cost ?? 0));
  }
  if (json) {
    const plan = steps?.flatMap((step) => task.actionOf(step) ?? []) ?? null;
    out.json({ reason, detail, plan, cost, took_s: Math.round(tookMs) / 1_000 });
  } else if (steps === null) {
    process.stderr.write(`agent: ${printable(`No plan (${reason}): ${detail}`)}\n`);
    const hint = HINTS[reason];
    if (hint !== undefined) process.stderr.write(`hint: ${hint}\n`);
  } else if (output === undefined) {
    out.write(planText(task, steps, cost ?? 0));
  }
}

const HINTS: Readonly<Record<string, string>> = {
  planner_timeout: "give it longer with --time-budget",
  planner_memout: "ask for less: fewer objects, or a part of the goal",
};

async function write(path: string, text: string): Promise<void> {
  try {
    await Bun.write(path, text);
  } catch (cause) {
    throw new ServantError("usage.invalid", `Cannot write "${path}": ${messageOf(cause)}`, {
      cause,
    });
  }
}
