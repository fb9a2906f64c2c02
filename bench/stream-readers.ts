/**
 * The readers of `bench/stream.ts`, in a process of their own: `bun bench/stream-readers.ts PORT
 * COUNT`. They look at no more of a frame than they need, so that the server is what is measured.
 */
import { RawReader } from "../test/support/raw-reader.ts";
import { machineMs } from "./clock.ts";
import { percentile } from "./processes.ts";
import { END } from "./stream-lines.ts";

export type ReaderOrder = { do: "stall" } | { do: "resume" } | { do: "report" };
export type ReaderReport =
  | { told: "ready" }
  /** Every reader has the last line of a flood; the first one counted so many. */
  | { told: "ended"; atMs: number; counted: number; gaps: number }
  | { told: "sums"; readers: readonly Sum[]; latencyMs: number };

/** Of one reader: the line of its hello, what came, what gaps told of, the last it knows of. */
export interface Sum {
  readonly from: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly last: number;
}

const [port, count] = process.argv.slice(2).map(Number);
const filter = process.argv[4];
const MARK = Buffer.from('{"seq":');
const END_MARK = Buffer.from(END);
const TAIL_BYTES = 400;
const report = (told: ReaderReport) => process.send?.(told);
const latencies: number[] = [];

class Counter {
  from = -1;
  delivered = 0;
  dropped = 0;
  last = -1;
  gaps = 0;
  isReady = false;
  hasEnded = false;
  readonly #isFirst: boolean;

  constructor(isFirst: boolean) {
    this.#isFirst = isFirst;
  }

  readonly take = (payload: Buffer): void => {
    const kind = payload[2]; // {"lines", {"seq", {"gap", {"hello", {"subscribed"
    if (kind === 0x6c || (kind === 0x73 && payload[3] === 0x65)) this.#lines(payload);
    else this.#control(payload.toString());
  };

  #lines(payload: Buffer): void {
    const first = numberAt(payload, payload.indexOf(MARK));
    const last = numberAt(payload, payload.lastIndexOf(MARK));
    if (this.#isFirst) this.#look(payload);
    if (filter === undefined) {
      if (first !== this.last + 1) throw new Error(`line ${this.last} is followed by ${first}`);
      this.delivered += last - first + 1;
    } else if (this.#isFirst) {
      for (let at = payload.indexOf(MARK); at >= 0; at = payload.indexOf(MARK, at + 100)) {
        this.delivered += 1;
      }
    }
    this.last = last;
    if (payload.indexOf(END_MARK, Math.max(payload.length - TAIL_BYTES, 0)) >= 0) {
      this.hasEnded = true;
      ended();
    }
  }

  /** How old the last line of a frame is. */
  #look(payload: Buffer): void {
    const tail = payload.toString("latin1", Math.max(payload.length - TAIL_BYTES, 0));
    const atMs = /"atMs":([\d.]+)\}/.exec(tail)?.[1];
    if (atMs !== undefined) latencies.push(machineMs() - Number(atMs));
  }

  #control(text: string): void {
    const frame = JSON.parse(text);
    if (frame.hello) {
      this.from = frame.hello.seq;
      this.last = frame.hello.seq;
    }
    if (frame.gap) {
      if (filter === undefined && frame.gap.from !== this.last + 1) throw new Error(text);
      this.dropped += frame.gap.dropped;
      this.last = frame.gap.to;
      this.gaps += 1;
    }
    if (frame.subscribed || (frame.hello && filter === undefined)) {
      this.isReady = true;
      if (counters.every(({ isReady }) => isReady)) report({ told: "ready" });
    }
  }
}

function numberAt(payload: Buffer, at: number): number {
  return Number.parseInt(payload.toString("latin1", at + MARK.length, at + MARK.length + 12), 10);
}

const counters = Array.from({ length: count ?? 0 }, (_, index) => new Counter(index === 0));
const readers = await Promise.all(
  counters.map(async (counter) => {
    const reader = await RawReader.open({ port: port ?? 0, onFrame: counter.take });
    if (filter !== undefined) reader.send(`{"subscribe":${filter}}`);
    return reader;
  }),
);

function ended(): void {
  if (!counters.every(({ hasEnded }) => hasEnded)) return;
  const gaps = counters.reduce((sum, counter) => sum + counter.gaps, 0);
  report({ told: "ended", atMs: machineMs(), counted: counters[0]?.delivered ?? 0, gaps });
  for (const counter of counters)
    Object.assign(counter, { hasEnded: false, delivered: 0, gaps: 0 });
}

process.on("message", (order: ReaderOrder) => {
  const slow = readers.at(-1);
  if (order.do === "stall") slow?.pause();
  else if (order.do === "resume") slow?.resume();
  else {
    const sums = counters.map(({ from, delivered, dropped, last }) => ({
      from,
      delivered,
      dropped,
      last,
    }));
    report({ told: "sums", readers: sums, latencyMs: percentile(latencies.splice(0), 0.5) });
  }
});
process.on("disconnect", () => process.exit(0));
