/** The table of `bench/scenario.ts`: two servers of pyzmq beside ours. */
import { percentile } from "./processes.ts";
import type { ServerName } from "./scenario-servers.ts";

interface Took {
  readonly p50: number[];
  readonly p99: number[];
}

export interface Figures {
  readonly name: ServerName;
  readonly updateUs: { readonly tcp: Took; readonly ipc: Took };
  /** Every update of another client, by what goes on: the event loop stands still, or the handler waits. */
  readonly blockedMs: { readonly "probe.block": number[]; readonly "probe.wait": number[] };
  readonly listeningMs: number[];
  readonly readyMs: number[];
  readonly crowdCpuPercent: number[];
  readonly crowdP99Ms: number[];
}

export function noFigures(name: ServerName): Figures {
  const took = () => ({ p50: [], p99: [] });
  return {
    name,
    updateUs: { tcp: took(), ipc: took() },
    blockedMs: { "probe.block": [], "probe.wait": [] },
    listeningMs: [],
    readyMs: [],
    crowdCpuPercent: [],
    crowdP99Ms: [],
  };
}

const median = (values: readonly number[]) => percentile(values, 0.5);

interface Row {
  readonly title: string;
  readonly digits: number;
  of(figures: Figures): number;
  /** A bound, or not above the dict's. */
  readonly toReach?: number | "dict";
}

const ROWS: readonly Row[] = [
  {
    title: "update p50 over TCP, us",
    digits: 0,
    of: (f) => median(f.updateUs.tcp.p50),
    toReach: "dict",
  },
  { title: "update p99 over TCP, us", digits: 0, of: (f) => median(f.updateUs.tcp.p99) },
  {
    title: "update p50 over a socket file, us",
    digits: 0,
    of: (f) => median(f.updateUs.ipc.p50),
    toReach: "dict",
  },
  { title: "update p99 over a socket file, us", digits: 0, of: (f) => median(f.updateUs.ipc.p99) },
  {
    title: "update p99 beside a handler that blocks its event loop, ms",
    digits: 2,
    of: (f) => percentile(f.blockedMs["probe.block"], 0.99),
    toReach: 5,
  },
  {
    title: "update p99 beside a handler that waits, ms",
    digits: 2,
    of: (f) => percentile(f.blockedMs["probe.wait"], 0.99),
    toReach: 5,
  },
  { title: "start to listening, ms", digits: 0, of: (f) => median(f.listeningMs), toReach: 60 },
  { title: "start to the first init answered, ms", digits: 0, of: (f) => median(f.readyMs) },
  {
    title: "64 clients at 10 Hz: CPU, % of a core",
    digits: 2,
    of: (f) => median(f.crowdCpuPercent),
    toReach: 5,
  },
  { title: "64 clients at 10 Hz: update p99, ms", digits: 2, of: (f) => median(f.crowdP99Ms) },
];

/** Prints the table; says whether ours reaches what it is to reach. */
export function report(
  all: readonly Figures[],
  { isJson, perRound, rounds }: { isJson: boolean; rounds: number; perRound: number },
): boolean {
  const figureOf = ({ of }: Row, name: ServerName) => {
    const figures = all.find((each) => each.name === name);
    return figures === undefined ? Number.NaN : of(figures);
  };
  const atMost = (row: Row) => (row.toReach === "dict" ? figureOf(row, "dict") : row.toReach);
  const isReached = ROWS.every((row) => !(figureOf(row, "ours") > (atMost(row) ?? Infinity)));
  if (isJson) {
    const table = ROWS.map((row) => ({
      title: row.title,
      ...Object.fromEntries(all.map((each) => [each.name, row.of(each)])),
      atMost: atMost(row),
    }));
    console.log(JSON.stringify({ rounds, perRound, isReached, table }, null, 2));
    return isReached;
  }
  console.log(`Medians of ${rounds} alternating rounds of ${perRound} updates.\n`);
  console.log("| | pyzmq, echo | pyzmq, msgpack and a dict | ours | to reach | dict / ours |");
  console.log(`|---${"|---".repeat(5)}|`);
  for (const row of ROWS) {
    const show = (value: number) => (Number.isNaN(value) ? "—" : value.toFixed(row.digits));
    const [echo, dict, ours] = (["echo", "dict", "ours"] as const).map((name) =>
      figureOf(row, name),
    ) as [number, number, number];
    const target =
      row.toReach === undefined ? "" : row.toReach === "dict" ? "<= dict" : `<= ${row.toReach}`;
    const ratio = Number.isNaN(dict) ? "—" : (dict / ours).toFixed(2);
    console.log(
      `| ${[row.title, show(echo), show(dict), show(ours), target, ratio].join(" | ")} |`,
    );
  }
  return isReached;
}
