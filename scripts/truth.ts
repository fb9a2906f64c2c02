/**
 * Our verdicts, plan or none, beside those of Fast Downward on random tasks, and our plans before two
 * validators that are not ours. Exits 1 at the first fault, with the task.
 */
import { parseArgs } from "node:util";
import { compare, type Truth, taskOf } from "../test/planner/truth.ts";
import { Judge, plannersPython } from "../test/support/planners.ts";

const usage = `Usage: npm run truth -- [--tasks N] [--from SEED]

Options:
  --tasks N     how many (default 1000)
  --from SEED   the first one (default 0)
  --help        print this`;

/** Judges at once. */
const JUDGES = 2;

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "1000" },
    from: { type: "string", default: "0" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const python = await plannersPython();
if (python === undefined) process.exit(1);
const first = Number(values.from);
const end = first + Number(values.tasks);
const found: Truth[] = [];
await Promise.all(Array.from({ length: JUDGES }, (_, at) => share(python, first + at)));

const withPlan = found.filter(({ verdict }) => verdict === "plan");
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
console.log(`${found.length} tasks, ${withPlan.length} with a plan, every verdict the same
plans: ${sum(withPlan.map(({ steps }) => steps))} steps, the longest ${Math.max(...withPlan.map(({ steps }) => steps))}, all valid (${withPlan.filter(({ undecided }) => undecided).length} of them not judged by unified-planning)
cost: ours ${sum(withPlan.map(({ cost }) => cost))}, cheapest ${sum(withPlan.map(({ cheapest }) => cheapest))}; ${withPlan.filter(({ cost, cheapest }) => cost === cheapest).length} plans are cheapest`);

async function share(peers: string, from: number): Promise<void> {
  await using judge = new Judge(peers);
  for (let seed = from; seed < end; seed += JUDGES) {
    const task = taskOf(seed);
    const truth = await compare(judge, task);
    if (truth.faults.length > 0) {
      console.log(`task ${seed}: ${truth.faults.join("; ")}\n${task.domain}\n${task.problem}`);
      process.exit(1);
    }
    found.push(truth);
    if (found.length % 100 === 0) console.log(`${found.length} tasks`);
  }
}
