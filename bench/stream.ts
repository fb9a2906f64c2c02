/**
 * The log stream under load, beside a server with a loop of sends: `npm run bench:stream` (about
 * four minutes; `-- --quick` for a look). Server and readers are processes of their own. Prints
 * the table of docs/benchmarks.md; every ratio is of one run.
 */
import { memory, percentile } from "./processes.ts";
import type { ReaderOrder, ReaderReport, Sum } from "./stream-readers.ts";
import type { Order, Report } from "./stream-server.ts";

const quick = process.argv.includes("--quick");
const RUNS = quick ? 1 : 5;
const LOAD_S = quick ? 3 : 8;
const LINES_PER_S = 100_000;
const READERS = 16;
const FLOODS = 3;
const FLOOD_RUNS = quick ? 1 : 3;
/** Lines over all readers of a flood; to each of them at least so many. */
const FLOOD_LINES = 300_000;
const FLOOD_MIN_LINES = 10_000;
const FILTER = '{"level":"info"}';

class Process<Out, In extends { readonly told: string }> {
  readonly #child: Bun.Subprocess;
  readonly #heard: In[] = [];
  #wake = () => {};

  constructor(script: string, ...args: string[]) {
    this.#child = Bun.spawn([process.execPath, `${import.meta.dir}/${script}`, ...args], {
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (message: In) => {
        this.#heard.push(message);
        this.#wake();
      },
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  tell(order: Out): void {
    this.#child.send(order);
  }

  /** Waits for the next report of this kind. */
  async hear<K extends In["told"]>(told: K): Promise<Extract<In, { told: K }>> {
    for (;;) {
      const at = this.#heard.findIndex((each) => each.told === told);
      if (at >= 0) return this.#heard.splice(at, 1)[0] as Extract<In, { told: K }>;
      if (this.#child.exitCode !== null) throw new Error("the process has ended");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        void this.#child.exited.then(() => resolve());
      });
    }
  }

  async end(): Promise<void> {
    if (this.#child.exitCode === null) this.#child.disconnect();
    await this.#child.exited;
  }
}

type Server = Process<Order, Report>;
type Readers = Process<ReaderOrder, ReaderReport>;

async function withServer<T>(
  kind: "ours" | "loop",
  use: (server: Server, port: number) => Promise<T>,
): Promise<T> {
  const server: Server = new Process("stream-server.ts", kind);
  try {
    return await use(server, (await server.hear("port")).port);
  } finally {
    await server.end();
  }
}

async function withReaders<T>(
  port: number,
  count: number,
  filter: string | undefined,
  use: (readers: Readers) => Promise<T>,
): Promise<T> {
  const args = [`${port}`, `${count}`, ...(filter === undefined ? [] : [filter])];
  const readers: Readers = new Process("stream-readers.ts", ...args);
  try {
    await readers.hear("ready");
    return await use(readers);
  } finally {
    await readers.end();
  }
}

/** The most memory of a process while something goes on, in MiB. */
async function peakOf<T>(pid: number, work: Promise<T>): Promise<{ result: T; peak: number }> {
  let peak = 0;
  const look = setInterval(() => {
    peak = Math.max(peak, memory([pid]).pss);
  }, 100);
  try {
    return { result: await work, peak };
  } finally {
    clearInterval(look);
  }
}

async function load(server: Server, perS = LINES_PER_S) {
  server.tell({ do: "load", perS, seconds: LOAD_S, assignments: true });
  return await server.hear("loaded");
}

interface Loaded {
  readonly p99: number;
  readonly perS: number;
  readonly overIdle: number;
  readonly sums: readonly Sum[];
  readonly lines: number;
}

async function underLoad(readerCount: number): Promise<Loaded> {
  return await withServer("ours", async (server, port) => {
    const measure = async (readers?: Readers): Promise<Loaded> => {
      await Bun.sleep(1_000);
      const idle = memory([server.pid]).pss;
      readers?.tell({ do: "stall" });
      const { result, peak } = await peakOf(server.pid, load(server));
      readers?.tell({ do: "resume" });
      const sums = readers === undefined ? [] : await settled(readers);
      const perS = (result.lines / result.tookMs) * 1_000;
      const p99 = percentile(result.dispatchMs, 0.99);
      return { p99, perS, overIdle: peak - idle, sums, lines: result.lines };
    };
    if (readerCount === 0) return await measure();
    return await withReaders(port, readerCount, undefined, measure);
  });
}

/** The sums once every reader knows of the same last line, for some time. */
async function settled(readers: Readers): Promise<readonly Sum[]> {
  for (let before = -1; ; ) {
    readers.tell({ do: "report" });
    const { readers: sums } = await readers.hear("sums");
    const last = Math.max(...sums.map((sum) => sum.last));
    if (last === before && sums.every((sum) => sum.last === last)) return sums;
    before = last;
    await Bun.sleep(500);
  }
}

/** Lines a second over all readers, from the first line to the last reader's last; the median. */
async function flood(kind: "ours" | "loop", count: number): Promise<number> {
  return await withServer(kind, (server, port) =>
    withReaders(port, count, FILTER, async (readers) => {
      const lines = Math.max(Math.ceil(FLOOD_LINES / count / 500) * 500, FLOOD_MIN_LINES);
      const rates: number[] = [];
      for (let run = 0; run <= FLOODS; run += 1) {
        server.tell({ do: "flood", lines });
        const { begunAtMs } = await server.hear("flooded");
        const { atMs, counted, gaps } = await readers.hear("ended");
        const passed = lines * 0.9 + 1;
        if (counted !== passed || gaps > 0) {
          throw new Error(`${counted} of ${passed} lines came, and ${gaps} gaps`);
        }
        rates.push((passed * count) / ((atMs - begunAtMs) / 1_000));
      }
      return median(rates.slice(1)); // the first one warms up
    }),
  );
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

const rows: string[][] = [];
function row(...cells: string[]): void {
  rows.push(cells);
  console.error(cells.join(" | "));
}
const each = (values: readonly number[], digits = 1) =>
  values.map((value) => value.toFixed(digits)).join(", ");

const quiet: Loaded[] = [];
const read: Loaded[] = [];
for (let run = 0; run < RUNS; run += 1) {
  quiet.push(await underLoad(0));
  read.push(await underLoad(READERS));
}
const p99s = (loads: readonly Loaded[]) => loads.map(({ p99 }) => p99);
const p99Over = median(p99s(read)) - median(p99s(quiet));
row(
  `${LINES_PER_S} lines/s, ${READERS} readers of which one stalls: dispatch p99 over no readers, median of ${RUNS}`,
  `${p99Over.toFixed(1)} ms (without: ${each(p99s(quiet))}; with: ${each(p99s(read))})`,
  "<= 5 ms",
);
const memories = read.map(({ overIdle }) => overIdle);
row(
  "memory over idle meanwhile, the most (without readers; with)",
  `${each(
    quiet.map(({ overIdle }) => overIdle),
    0,
  )}; ${each(memories, 0)} MiB`,
  "<= 64 MiB",
);
const all = read.flatMap(({ sums, lines }) => sums.map((sum) => ({ ...sum, lines })));
const wrong = all.filter(({ from, delivered, dropped, last, lines }) => {
  return delivered + dropped !== last - from || last - from < lines;
});
const share = (sum: number) =>
  ((sum / all.reduce((total, { from, last }) => total + last - from, 0)) * 100).toFixed(1);
row(
  "lines delivered or counted in a gap",
  `${all.length - wrong.length} of ${all.length} readers have all; ${share(all.reduce((sum, { delivered }) => sum + delivered, 0))} % delivered; ${each(
    read.map(({ perS }) => perS),
    0,
  )} lines/s`,
  "all",
);
for (const [count, least] of [
  [1, 3],
  [10, 4],
  [100, 4],
] as const) {
  const ratios: number[] = [];
  const rates = { ours: [] as number[], loop: [] as number[] };
  for (let run = 0; run < FLOOD_RUNS; run += 1) {
    const loop = await flood("loop", count);
    const ours = await flood("ours", count);
    rates.loop.push(loop);
    rates.ours.push(ours);
    ratios.push(ours / loop);
  }
  const inK = (values: readonly number[]) => `${(median(values) / 1e3).toFixed(0)} k`;
  row(
    `${count} reader${count === 1 ? "" : "s"}: lines/s to all of them, a loop of sends; ours`,
    `${inK(rates.loop)}; ${inK(rates.ours)}: ${median(ratios).toFixed(1)} times (${each(ratios)})`,
    `>= ${least} times`,
  );
}
const latencyMs = await withServer("ours", (server, port) =>
  withReaders(port, 1, undefined, async (readers) => {
    await load(server, 1_000);
    readers.tell({ do: "report" });
    return (await readers.hear("sums")).latencyMs;
  }),
);
row("a line to its reader at 1,000 lines/s, p50", `${latencyMs.toFixed(2)} ms`, "<= 1 ms");

console.log("\n| | | to reach |\n|---|---|---|");
for (const cells of rows) console.log(`| ${cells.join(" | ")} |`);
if (wrong.length > 0) process.exitCode = 1;
