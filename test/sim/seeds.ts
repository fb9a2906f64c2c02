/**
 * Runs every other seed, or every third one, until there are enough assignments: so several
 * processes share the work. Started by itself it takes a `Share` as JSON and prints its `Harvest`.
 */
import { emptyTally, faults, type Tally } from "./faults.ts";
import { type Outcome, simulate } from "./world.ts";

export interface Share {
  readonly first: number;
  readonly step: number;
  readonly assignments: number;
}

export interface Harvest {
  readonly seeds: number;
  readonly assignments: number;
  readonly tally: Tally;
  /** The run that broke an invariant: it was the last one. */
  readonly broken?: Outcome;
}

async function harvest({ first, step, assignments: wanted }: Share): Promise<Harvest> {
  const tally = emptyTally();
  let assignments = 0;
  let seeds = 0;
  while (assignments < wanted) {
    const seed = first + seeds * step;
    const outcome = simulate({ seed, isUntraced: true });
    seeds += 1;
    await turn();
    assignments += outcome.assignments;
    for (const fault of faults) tally[fault] += outcome.tally[fault];
    if (outcome.violation !== undefined) {
      return { seeds, assignments, tally, broken: simulate({ seed }) };
    }
  }
  return { seeds, assignments, tally };
}

/** Between two runs: signals are heard, and memory that only a turn of the loop frees is freed. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Has it done in a process of its own, which ends at the abort. */
export async function harvestBeside(share: Share, signal?: AbortSignal): Promise<Harvest> {
  const command = [process.execPath, import.meta.path, JSON.stringify(share)];
  const options = signal === undefined ? {} : { signal };
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit", ...options });
  return (await new Response(child.stdout).json()) as Harvest;
}

if (import.meta.main) {
  Error.stackTraceLimit = 0; // thousands of errors are made on purpose, and no stack is read
  const share = JSON.parse(process.argv[2] ?? "") as Share;
  process.stdout.write(JSON.stringify(await harvest(share)));
}
