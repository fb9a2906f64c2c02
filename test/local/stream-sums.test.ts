// Goal: whatever readers do, each one has every line of its filter or knows from a gap how many it
// missed, and where; a replay and what comes live have no hole and no double between them.
// Method: random stories of readers that stall, read on and subscribe anew, over a ring and a store
// so small that replays are overtaken; then each reader's frames are held against the whole log.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { levels } from "../../src/core/events.ts";
import {
  canonicalFilter,
  type LogChunk,
  type LogFilter,
  type LogStore,
  matches,
  type NumberedLine,
} from "../../src/core/log.ts";
import { Feed } from "../../src/local/feed.ts";
import { Ring } from "../../src/local/ring.ts";
import { LogStream } from "../../src/local/stream.ts";
import { systemClock } from "../../src/system/clock.ts";
import { type FakeSocket, FakeSockets } from "../support/fake-sockets.ts";
import { said } from "../support/stream-server.ts";

const READERS = 4;
const BUFFER_BYTES = 3_000;
/** The word on a gap is sent whatever waits. */
const GAP_BYTES = 100;
const FILTERS: readonly LogFilter[] = [
  {},
  { level: "info" },
  { level: "error" },
  { text: "even" },
  { level: "warn", text: "odd" },
];

/** Keeps the last chunks; the rest is lost, as with a quota. */
class SmallStore implements LogStore {
  readonly nextSeq = 1;
  #chunks: LogChunk[] = [];
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  append(chunk: LogChunk): void {
    this.#chunks.push({ ...chunk, bytes: chunk.bytes.slice() });
    if (this.#chunks.length > this.#max) this.#chunks.shift();
  }

  async read(fromSeq: number): Promise<LogChunk | undefined> {
    await turn();
    return this.#chunks.find(({ last }) => last >= fromSeq);
  }

  async seqAt(): Promise<number | undefined> {
    await turn();
    return this.#chunks[0]?.first;
  }

  async close(): Promise<void> {}
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const reader = fc.nat(READERS - 1);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("log"), count: fc.integer({ min: 1, max: 40 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("tick") }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("turn") }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("stall"), reader }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("read"),
      reader,
      count: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("resume"), reader }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("subscribe"),
      reader,
      filter: fc.nat(FILTERS.length - 1),
      since: fc.option(fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant("1h"))),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave"), reader }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A reader as the story has it: which filter it asked for, one after the other. */
interface Told {
  readonly socket: FakeSocket;
  readonly filters: LogFilter[];
}

async function play(steps: readonly Step[], storeMax: number) {
  const feed = new Feed({
    clock: systemClock,
    ring: new Ring({ lines: 30, bytes: 8_000, blockBytes: 1_000 }),
    store: new SmallStore(storeMax),
  });
  const stream = new LogStream({
    feed,
    clock: { now: systemClock.now, monotonic: monotonic() },
    boot: "b",
    readerBufferBytes: BUFFER_BYTES,
  });
  const all: NumberedLine[] = [];
  feed.listen(({ lines }) => all.push(...lines));
  const fakes = new FakeSockets(stream);
  const gone: Told[] = [];
  const readers = Array.from(
    { length: READERS },
    (): Told => ({ socket: fakes.connect(), filters: [{}] }),
  );
  let count = 0;
  const log = () => {
    const level = levels[(count * 7) % 4] ?? "info";
    feed.push(said(`${count % 3 === 0 ? "even" : "odd"} ${count}`, { level }));
    count += 1;
  };
  for (const each of steps) {
    const told = "reader" in each ? readers[each.reader] : undefined;
    if (each.do === "log") for (let index = 0; index < each.count; index += 1) log();
    else if (each.do === "tick") feed.flush();
    else if (each.do === "turn") await turn();
    else if (told === undefined) continue;
    else if (each.do === "stall") told.socket.isStalled = true;
    else if (each.do === "read") told.socket.read(each.count);
    else if (each.do === "resume") told.socket.resume();
    else if (each.do === "leave") {
      told.socket.close(1_000);
      gone.push(told);
      readers[each.reader] = { socket: fakes.connect(), filters: [{}] };
    } else if (each.do === "subscribe") {
      const filter = FILTERS[each.filter] ?? {};
      const since =
        typeof each.since === "number" ? Math.floor(each.since * feed.lastSeq) : each.since;
      told.socket.say({ subscribe: { ...filter, ...(since === null ? {} : { since }) } });
      told.filters.push(filter);
    }
  }
  for (const { socket } of readers) socket.resume();
  feed.push(said("even odd: the end", { level: "error" }));
  feed.flush();
  const isDone = ({ socket }: Told) =>
    socket.frames.some(
      (frame) => "lines" in frame && frame.lines.at(-1)?.message.endsWith("the end"),
    ) || socket.frames.some((frame) => "gap" in frame && frame.gap.to === feed.lastSeq);
  while (!readers.every(isDone)) await turn();
  return { all, readers, stream };
}

/** A second passes with each look: nobody subscribes too often. */
function monotonic(): () => number {
  let ms = 0;
  return () => {
    ms += 1_000;
    return ms;
  };
}

function check({ socket, filters }: Told, all: readonly NumberedLine[]): void {
  expect(socket.closedWith).toBeUndefined();
  expect(socket.waitedMax).toBeLessThanOrEqual(BUFFER_BYTES + GAP_BYTES);
  const segments: {
    from: number;
    lines: NumberedLine[];
    gaps: { from: number; to: number; dropped?: number | undefined }[];
  }[] = [];
  for (const frame of socket.frames) {
    if ("hello" in frame) segments.push({ from: frame.hello.seq, lines: [], gaps: [] });
    else if ("subscribed" in frame)
      segments.push({ from: frame.subscribed.seq, lines: [], gaps: [] });
    else if ("lines" in frame) segments.at(-1)?.lines.push(...(frame.lines as NumberedLine[]));
    else segments.at(-1)?.gaps.push(frame.gap);
  }
  expect(segments.length).toBe(filters.length);
  for (const [index, { from, lines, gaps }] of segments.entries()) {
    const filter = canonicalFilter(filters[index] ?? {});
    const until = segments[index + 1]?.from ?? all.length;
    const wanted = all.filter((line) => matches(filter, line) && line.seq <= until);
    const isIn = (seq: number) => gaps.some((gap) => gap.from <= seq && seq <= gap.to);
    const seqs = lines.map(({ seq }) => seq);
    const first = Math.min(...seqs, ...gaps.map((gap) => gap.from), from + 1);
    // Every line is delivered or lies in a gap, none does both, each comes once and in order. A
    // past that still came when the client subscribed anew ends there.
    const isCutOff = index + 1 < segments.length;
    const due = wanted.filter(({ seq }) => seq >= first && !isIn(seq)).map(({ seq }) => seq);
    const past = seqs.filter((seq) => seq <= from);
    const duePast = due.filter((seq) => seq <= from);
    expect(past).toEqual(isCutOff ? duePast.slice(0, past.length) : duePast);
    expect(seqs.slice(past.length)).toEqual(due.slice(duePast.length));
    for (const gap of gaps) {
      if (gap.dropped === undefined) expect(gap.to).toBeLessThanOrEqual(from);
      else
        expect(gap.dropped).toBe(
          wanted.filter(({ seq }) => gap.from <= seq && seq <= gap.to).length,
        );
    }
    const counted = gaps.reduce((sum, { dropped = 0 }) => sum + dropped, 0);
    const since = wanted.filter(({ seq }) => seq > from).length;
    expect(seqs.filter((seq) => seq > from).length + counted).toBe(since);
  }
}

test("delivered and told in gaps make up all lines of a filter, for every reader", async () => {
  let gaps = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60, size: "max" }),
      fc.integer({ min: 1, max: 30 }),
      async (steps, storeMax) => {
        const { all, readers, stream } = await play(steps, storeMax);
        for (const each of readers) {
          check(each, all);
          gaps += each.socket.frames.filter((frame) => "gap" in frame).length;
          each.socket.close(1_000);
        }
        expect([stream.topics, stream.readers]).toEqual([0, 0]);
      },
    ),
    { numRuns: 1_000 },
  );
  expect(gaps).toBeGreaterThan(100);
}, 60_000);
