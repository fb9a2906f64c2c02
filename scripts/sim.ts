/**
 * Runs the simulation over many seeds: `npm run sim -- [--seeds N] [--seed S]`. Ends with how often
 * each fault struck; the first broken invariant ends it with the seed and the last part of the run.
 */
import { emptyTally, faults } from "../test/sim/faults.ts";
import { simulate } from "../test/sim/world.ts";

const SEEDS = 200;
/** Fewer seeds than this need not meet every fault. */
const SEEDS_FOR_EVERY_FAULT = 50;
const PROGRESS_EVERY_MS = 1_000;

const args = process.argv.slice(2);
const usage = "Usage: npm run sim -- [--seeds N] [--seed S]";

function numberAfter(flag: string): number | undefined {
  const index = args.indexOf(flag);
  if (index < 0) return undefined;
  const [, text] = args.splice(index, 2);
  const value = Number(text);
  if (text !== undefined && Number.isSafeInteger(value) && value >= 0) return value;
  return fail(`Cannot use "${text ?? ""}" for ${flag}: it is not a whole number\n${usage}`);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

const only = numberAfter("--seed");
const first = only ?? 1;
const count = numberAfter("--seeds") ?? (only === undefined ? SEEDS : 1);
if (args.length > 0) fail(`Cannot understand "${args.join(" ")}"\n${usage}`);

const tally = emptyTally();
const startedAt = performance.now();
let toldAt = startedAt;
let assignments = 0;
let simulatedMs = 0;
const rate = () => Math.round(assignments / ((performance.now() - startedAt) / 1000));
for (let seed = first; seed < first + count; seed += 1) {
  const outcome = await simulate(seed);
  assignments += outcome.assignments;
  simulatedMs += outcome.simulatedMs;
  for (const fault of faults) tally[fault] += outcome.tally[fault];
  if (outcome.violation !== undefined) {
    console.log(outcome.tail.join("\n"));
    fail(`seed ${seed} broke an invariant: ${outcome.violation}\nnpm run sim -- --seed ${seed}`);
  }
  if (count === 1) console.log(`seed ${seed}: trace ${outcome.hash}`);
  if (performance.now() - toldAt < PROGRESS_EVERY_MS) continue;
  toldAt = performance.now();
  console.log(`${seed - first + 1} of ${count} seeds, ${assignments} assignments, ${rate()}/s`);
}

for (const fault of faults) console.log(`${String(tally[fault]).padStart(9)}  ${fault}`);
const hours = Math.round(simulatedMs / 3_600_000);
console.log(`${count} seeds, ${hours} h simulated, ${assignments} assignments, ${rate()}/s`);
const absent = faults.filter((fault) => tally[fault] === 0);
if (count >= SEEDS_FOR_EVERY_FAULT && absent.length > 0) {
  fail(`Faults that never struck: ${absent.join("; ")}`);
}
