/** The table of `bench/puda.ts`: the Python machines beside ours. */
import type { PudaVersion } from "../test/support/puda-peers.ts";
import { percentile } from "./processes.ts";
import type { CommanderTimes } from "./puda-commanders.ts";

export interface Figures {
  readonly name: PudaVersion | "ours";
  readonly p50Ms: number[];
  readonly p99Ms: number[];
  readonly perS: number[];
  readonly readyMs: number[];
  commanders: CommanderTimes;
  idleCpuPercent: number;
  pssMiB: number;
}

export function noFigures({ name }: Pick<Figures, "name">): Figures {
  const lists = { p50Ms: [], p99Ms: [], perS: [], readyMs: [] };
  return { name, ...lists, commanders: {}, idleCpuPercent: Number.NaN, pssMiB: Number.NaN };
}

const median = (values: readonly number[]) => percentile(values, 0.5);

interface Row {
  readonly title: string;
  readonly digits: number;
  of(figures: Figures): number;
  readonly toReach?: { readonly atMost: number } | { readonly atLeast: number };
}

const ROWS: readonly Row[] = [
  {
    title: "wire round trip p50, ms",
    digits: 2,
    of: (f) => median(f.p50Ms),
    toReach: { atMost: 1 },
  },
  {
    title: "wire round trip p99, ms",
    digits: 2,
    of: (f) => median(f.p99Ms),
    toReach: { atMost: 3 },
  },
  {
    title: "commands/s on the wire",
    digits: 0,
    of: (f) => median(f.perS),
    toReach: { atLeast: 900 },
  },
  {
    title: "own commander round trip p50, ms",
    digits: 2,
    of: ({ commanders, name }) => commanders[name] ?? Number.NaN,
    toReach: { atMost: 2 },
  },
  { title: "puda 0.0.21's commander p50, ms", digits: 1, of: (f) => f.commanders.N ?? Number.NaN },
  { title: "our commander p50, ms", digits: 2, of: (f) => f.commanders.ours ?? Number.NaN },
  {
    title: "start to first heartbeat, ms",
    digits: 0,
    of: (f) => median(f.readyMs),
    toReach: { atMost: 120 },
  },
  { title: "idle CPU, % of a core", digits: 2, of: (f) => f.idleCpuPercent },
  { title: "idle PSS, MiB", digits: 1, of: (f) => f.pssMiB },
];

/** Prints the table; says whether ours reaches what it is to reach. */
export function report(
  all: readonly Figures[],
  { commands, isJson, rounds }: { isJson: boolean; rounds: number; commands: number },
): boolean {
  const ours = all.find(({ name }) => name === "ours");
  const others = all.filter(({ name }) => name !== "ours");
  const isReached = ROWS.every(({ of, toReach }) => {
    if (toReach === undefined) return true;
    const value = ours === undefined ? Number.NaN : of(ours);
    return "atMost" in toReach ? value <= toReach.atMost : value >= toReach.atLeast;
  });
  if (isJson) {
    const table = ROWS.map(({ of, title, toReach }) => ({
      title,
      ...Object.fromEntries(all.map((each) => [each.name, of(each)])),
      ...toReach,
    }));
    console.log(JSON.stringify({ rounds, commands, isReached, table }, null, 2));
    return isReached;
  }
  const named = { N: "N 0.0.21", C: "C 0.0.14", S: "S 0.0.2" };
  const titles = others.map(({ name }) => named[name as PudaVersion]);
  console.log(`${commands} commands one after another, medians of ${rounds} alternating rounds.\n`);
  console.log(`| | ${[...titles, "ours", "to reach", "theirs / ours"].join(" | ")} |`);
  console.log(`|---${"|---".repeat(titles.length + 3)}|`);
  for (const { digits, of, title, toReach } of ROWS) {
    const show = (value: number) => (Number.isNaN(value) ? "—" : value.toFixed(digits));
    const own = ours === undefined ? Number.NaN : of(ours);
    const target =
      toReach === undefined
        ? ""
        : "atMost" in toReach
          ? `<= ${toReach.atMost}`
          : `>= ${toReach.atLeast}`;
    const ratios = others
      .map((each) => of(each) / own)
      .map((each) => (Number.isNaN(each) ? "—" : each.toFixed(2)));
    const cells = [...others.map((each) => show(of(each))), show(own), target, ratios.join(" · ")];
    console.log(`| ${title} | ${cells.join(" | ")} |`);
  }
  return isReached;
}
