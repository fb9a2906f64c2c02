/**
 * Runs the simulation over many seeds. Ends with how often each fault struck; the first broken
 * invariant ends it with the last part of the run and the command that replays it.
 */
import { parseArgs } from "node:util";
import { emptyTally, faults } from "../test/sim/faults.ts";
import { simulate } from "../test/sim/world.ts";

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

const { seeds, seed, verbose, soak } = readArguments();
const first = seed ?? (soak ? Date.now() % SEED_MAX : 1);
const count = soak ? Number.POSITIVE_INFINITY : (seeds ?? (seed === undefined ? SEEDS : 1));
const onLine = verbose ? { onLine: (line: string) => console.log(line) } : {};

const tally = emptyTally();
// package.json starts it with `exec`: the shell of `npm run` would end by Ctrl-C of its own.
let isInterrupted = false;
process.on("SIGINT", () => {
  isInterrupted = true;
});
const startedAt = performance.now();
let toldAt = startedAt;
let done = 0;
let assignments = 0;
let simulatedMs = 0;
while (done < count && !isInterrupted) {
  const outcome = simulate({ seed: (first + done) % (SEED_MAX + 1), ...onLine });
  done += 1;
  assignments += outcome.assignments;
  simulatedMs += outcome.simulatedMs;
  for (const fault of faults) tally[fault] += outcome.tally[fault];
  if (outcome.violation !== undefined) {
    if (!verbose) console.log(outcome.tail.join("\n"));
    console.error(`seed ${outcome.seed} broke an invariant: ${outcome.violation}`);
    fail(`npm run sim -- --seed ${outcome.seed}`);
  }
  if (count === 1) console.log(`seed ${outcome.seed}: trace ${outcome.hash}`);
  if (performance.now() - toldAt >= PROGRESS_EVERY_MS) tellProgress();
  await new Promise((resolve) => setImmediate(resolve)); // Ctrl-C is heard between two runs
}
tellTally();

function tellProgress(): void {
  toldAt = performance.now();
  const of = soak ? "" : ` of ${count}`;
  const megabytes = Math.round(process.memoryUsage.rss() / 1024 ** 2);
  console.log(`${done}${of} seeds, ${assignments} assignments, ${rate()}/s, ${megabytes} MB`);
}

function tellTally(): void {
  for (const fault of faults) console.log(`${String(tally[fault]).padStart(9)}  ${fault}`);
  const hours = (simulatedMs / 3_600_000).toFixed(1);
  console.log(`${done} seeds, ${hours} h simulated, ${assignments} assignments, ${rate()}/s`);
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
