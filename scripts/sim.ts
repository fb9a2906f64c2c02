/**
 * Runs the simulation over many seeds. Ends with how often each fault struck; the first broken
 * invariant ends it with the last part of the run and the command that replays it.
 */
import { parseArgs } from "node:util";
import { emptyTally, faults, type Tally } from "../test/sim/faults.ts";
import { harvestBeside, turn } from "../test/sim/seeds.ts";
import { type Outcome, simulate } from "../test/sim/world.ts";

const usage = `Usage: npm run sim -- [options]

Options:
  --seeds N    how many runs (default 200; 1 with --seed)
  --seed S     the first run's seed, from 0 to 4294967295 (default 1)
  --verbose    print every line of the trace
  --soak       fresh seeds until Ctrl-C, which prints the tally and exits with 0
  --help       print this

Exit codes: 0 every invariant held, 1 one broke or a fault never struck, 2 wrong usage`;

const SEEDS = 200;
const SEED_MAX = 2 ** 32 - 1;
/** Fewer seeds than this need not meet every fault. */
const SEEDS_FOR_EVERY_FAULT = 50;
const PROGRESS_EVERY_MS = 1_000;
/** A soak takes a new process after so many assignments: its memory stays what it is. */
const SOAK_SHARE = 5_000;
const SOAK_PROCESSES = 2;

const { seeds, seed, verbose, soak } = readArguments();
// package.json starts it with `exec`: the shell of `npm run` would end by Ctrl-C of its own.
const interrupt = new AbortController();
process.on("SIGINT", () => interrupt.abort());
const tally = emptyTally();
const startedAt = performance.now();
let toldAt = startedAt;
let done = 0;
let assignments = 0;
if (soak) await soakOn();
else await runSeeds(seed ?? 1, seeds ?? (seed === undefined ? SEEDS : 1));
tellTally();

async function runSeeds(first: number, count: number): Promise<void> {
  const onLine = verbose ? { onLine: (line: string) => console.log(line) } : {};
  while (done < count && !interrupt.signal.aborted) {
    const outcome = simulate({ seed: first + done, ...onLine });
    add(1, outcome.assignments, outcome.tally);
    if (outcome.violation !== undefined) tellBroken(outcome);
    if (count === 1) tellTail(outcome);
    if (performance.now() - toldAt >= PROGRESS_EVERY_MS) tellProgress(` of ${count}`);
    await turn();
  }
}

/** Seeds of the clock; each process takes every other one. */
async function soakOn(): Promise<void> {
  const base = seed ?? Date.now() % 2 ** 31;
  const goOn = async (lane: number) => {
    for (let first = base + lane; !interrupt.signal.aborted; ) {
      const share = { first, step: SOAK_PROCESSES, assignments: SOAK_SHARE };
      const harvest = await harvestBeside(share, interrupt.signal).catch((cause: unknown) => {
        if (!interrupt.signal.aborted) throw cause;
      });
      if (harvest === undefined) return;
      add(harvest.seeds, harvest.assignments, harvest.tally);
      if (harvest.broken !== undefined) tellBroken(harvest.broken);
      tellProgress("");
      first += harvest.seeds * SOAK_PROCESSES;
    }
  };
  await Promise.all(Array.from({ length: SOAK_PROCESSES }, (_, lane) => goOn(lane)));
}

function add(seedsDone: number, more: number, struck: Tally): void {
  done += seedsDone;
  assignments += more;
  for (const fault of faults) tally[fault] += struck[fault];
}

function tellProgress(of: string): void {
  toldAt = performance.now();
  console.log(`${done}${of} seeds, ${assignments} assignments, ${rate()}/s`);
}

/** The last part of a run; with `--verbose` all of it is there already. */
function tellTail({ seed, hash, tail }: Outcome): void {
  if (!verbose) console.log(tail.join("\n"));
  console.log(`seed ${seed}: trace ${hash}`);
}

function tellBroken(outcome: Outcome): never {
  interrupt.abort();
  tellTail(outcome);
  const { seed, violation } = outcome;
  console.error(`seed ${seed} broke an invariant: ${violation}`);
  fail(`npm run sim -- --seed ${seed}`);
}

function tellTally(): void {
  for (const fault of faults) console.log(`${String(tally[fault]).padStart(9)}  ${fault}`);
  console.log(`${done} seeds, ${assignments} assignments, ${rate()}/s`);
  const absent = faults.filter((fault) => tally[fault] === 0);
  if (done >= SEEDS_FOR_EVERY_FAULT && absent.length > 0) {
    fail(`Faults that never struck: ${absent.join("; ")}`);
  }
}

function rate(): number {
  return Math.round(assignments / ((performance.now() - startedAt) / 1000));
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: "string" },
        seed: { type: "string" },
        verbose: { type: "boolean", default: false },
        soak: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const [seeds, seed] = [wholeNumber(values.seeds), wholeNumber(values.seed)];
    return { ...values, seeds, seed };
  } catch (cause) {
    console.error(`${cause instanceof Error ? cause.message : cause}\n\n${usage}`);
    process.exit(2);
  }
}

function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value <= SEED_MAX) return value;
  throw new Error(`Cannot use "${text}": it is not a whole number up to ${SEED_MAX}`);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
