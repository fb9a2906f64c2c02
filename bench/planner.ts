/**
 * The planner beside Fast Downward and pyperplan, in the same run and on the same files: the warehouse,
 * each box to the next room. Every row is a whole process; what its search took by its own
 * clock stands beside it. Then how long the planner takes to plan again when the world has changed.
 * `npm run bench:planner`; `-- --help`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureBinary } from "../scripts/binary.ts";
import { atom } from "../src/core/atom.ts";
import { outcome } from "../src/core/outcome.ts";
import { findPlan } from "../src/planner/plan.ts";
import { systemClock } from "../src/system/clock.ts";
import { boxAt, carry } from "../test/planner/rooms.ts";
import { writePddl } from "../test/planner/write-pddl.ts";
import { plannersPython } from "../test/support/planners.ts";
import { percentile } from "./processes.ts";

const usage = `Usage: npm run bench:planner -- [--sizes RxB,...] [--repeats N] [--limit S] [--only WORD]

Options:
  --sizes RxB,...  rooms and boxes (default 30x40,100x200)
  --repeats N      runs of each planner; their median counts (default 3)
  --limit S        longest time for one run, in seconds (default 60); a planner that needs longer is run once
  --only WORD      only planners whose name has this word
  --help           print this`;

/** Rooms and boxes with 500 ways to move, pick or place, and how often is planned again there. */
const REPLAN = { rooms: 10, boxes: 20, times: 300 };

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "30x40,100x200" },
    repeats: { type: "string", default: "3" },
    limit: { type: "string", default: "60" },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

interface Contestant {
  readonly name: string;
  readonly command: (domain: string, problem: string) => readonly string[];
  /** Seconds of search by its own clock and steps, from what it printed; undefined without a plan. */
  readonly read: (output: string) => Run | undefined;
}
interface Run {
  readonly searchS: number;
  readonly steps: number;
}

const folder = mkdtempSync(join(tmpdir(), "agent-bench-planner-"));
try {
  const contestants = (await everybody()).filter(({ name }) => name.includes(values.only));
  console.log("| | whole process, s | by its own clock, s | steps |\n|---|---|---|---|");
  for (const size of values.sizes.split(",")) await race(size, contestants);
  if (values.only === "") await replan();
} finally {
  rmSync(folder, { recursive: true });
}

async function everybody(): Promise<Contestant[]> {
  const agent = await ensureBinary();
  const ours: Contestant = {
    name: "agent plan",
    command: (domain, problem) => [
      ...[agent, "plan", "--domain", domain, "--problem", problem],
      ...["--time-budget", values.limit, "--json"],
    ],
    read(output) {
      const { plan, took_s } = JSON.parse(output) as { plan: unknown[] | null; took_s: number };
      return plan === null ? undefined : { searchS: took_s, steps: plan.length };
    },
  };
  const python = await plannersPython();
  return python === undefined ? [ours] : [ours, ...peers(python)];
}

function peers(python: string): Contestant[] {
  const packages = Bun.spawnSync([
    python,
    "-c",
    "import up_fast_downward as f; print(f.__path__[0])",
  ]);
  const driver = join(packages.stdout.toString().trim(), "downward", "fast-downward.py");
  const matched = (output: string, seconds: RegExp, steps: RegExp): Run | undefined => {
    const [searchS, count] = [seconds, steps].map((each) => Number(each.exec(output)?.[1]));
    return count === undefined || Number.isNaN(count)
      ? undefined
      : { searchS: searchS ?? Number.NaN, steps: count };
  };
  return [
    {
      name: "Fast Downward (its default, LAMA's first plan) through unified-planning",
      command: (...files) => [python, join(import.meta.dir, "unified_planning_solve.py"), ...files],
      read: (output) => matched(output, /^([\d.]+) \d+$/m, /^[\d.]+ (\d+)$/m),
    },
    {
      name: "Fast Downward, the same by itself",
      command: (...files) => [
        ...[python, driver, "--plan-file", join(folder, "plan"), "--alias", "lama-first"],
        ...files,
      ],
      read: (output) => matched(output, /Planner time: ([\d.]+)s/, /Plan length: (\d+) step/),
    },
    {
      name: "pyperplan, greedy best-first with FF",
      command: (...files) => [join(python, "..", "pyperplan"), "-H", "hff", "-s", "gbf", ...files],
      read: (output) => matched(output, /Search time: ([\d.e+-]+)/, /Plan length: (\d+)/),
    },
  ];
}

async function race(size: string, contestants: readonly Contestant[]): Promise<void> {
  const [rooms = 0, boxes = 0] = size.split("x").map(Number);
  const [domain, problem] = [join(folder, "domain.pddl"), join(folder, "problem.pddl")];
  const texts = writePddl("warehouse", carry(rooms, boxes));
  await Bun.write(domain, texts.domain);
  await Bun.write(problem, texts.problem);
  for (const contestant of contestants) {
    const runs: (Run & { readonly wholeS: number })[] = [];
    let row = `no plan within ${values.limit} s | | |`;
    for (let left = Number(values.repeats); left > 0; left--) {
      const startedAtMs = performance.now();
      // It ends what the planner started too.
      const command = ["timeout", "-k", "1", values.limit, ...contestant.command(domain, problem)];
      const child = Bun.spawn(command, { cwd: folder, stdout: "pipe", stderr: "pipe" });
      const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
      await child.exited;
      const wholeS = (performance.now() - startedAtMs) / 1_000;
      const run = contestant.read(`${output}${contestant.name.startsWith("agent") ? "" : errors}`);
      if (run === undefined) {
        if (wholeS < Number(values.limit)) row = `failed: ${errors.trim().slice(-200)} | | |`;
        break;
      }
      runs.push({ ...run, wholeS });
    }
    if (runs.length === Number(values.repeats)) {
      const median = (of: (run: (typeof runs)[number]) => number) => percentile(runs.map(of), 0.5);
      const wholeS = median((run) => run.wholeS).toFixed(2);
      const searchS = median((run) => run.searchS).toFixed(2);
      row = `${wholeS} | ${searchS} | ${median((run) => run.steps)} |`;
    }
    console.log(`| ${rooms} rooms, ${boxes} boxes: ${contestant.name} | ${row}`);
  }
}

/** A robot that carries out its plan while others move its boxes: it plans again after each of them. */
async function replan(): Promise<void> {
  const { rooms, boxes, times } = REPLAN;
  const problem = carry(rooms, boxes);
  const tookMs: number[] = [];
  let state = problem.state;
  // The same disturbances in every run.
  let random = 1;
  const below = (limit: number) => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((random / 0x80000000) * limit);
  };
  while (tookMs.length < times) {
    const box = below(boxes);
    const places = Array.from({ length: rooms }, (_, room) => boxAt(room, box));
    if (places.some((place) => state.has(place))) {
      const elsewhere = places[below(rooms)] ?? atom("hands_free");
      state = new Set([...[...state].filter((each) => !places.includes(each)), elsewhere]);
    }
    const startedAtMs = performance.now();
    const { plan } = await findPlan({ ...problem, state }, { clock: systemClock });
    tookMs.push(performance.now() - startedAtMs);
    if (plan === null) throw new Error("every box can be brought home");
    for (const step of plan.slice(0, 3)) {
      const { adds, removes } = outcome(step, state);
      state = new Set([...[...state].filter((each) => !removes.includes(each)), ...adds]);
    }
  }
  const at = (share: number) => percentile(tookMs, share).toFixed(1);
  console.log(
    `\nPlanning again with 500 ground actions, ${times} times, in the process: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms`,
  );
}
