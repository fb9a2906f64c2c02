// Goal: what is logged is on the disk a moment later, in order, and stays within its quota; neither
// a killed agent nor a full disk ever gives one number to two lines or half a line to a reader.
import { afterEach, expect, test } from "bun:test";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { type LogStore, linesOf } from "../../src/core/log.ts";
import { type LogFilesOptions, openLogFiles } from "../../src/system/log-files.ts";
import { UNSEEN_LINES } from "../../src/system/log-mark.ts";
import { FakeClock } from "../support/fake-clock.ts";

const START_MS = Date.parse("2026-11-21T12:00:00Z");
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "agent-log-"));
  folders.push(folder);
  return join(folder, "log");
}

function open(folder: string, options: Partial<LogFilesOptions> = {}) {
  return openLogFiles(folder, { clock: new FakeClock(START_MS), ...options });
}

/** Line `seq` is `seq` times 10 ms after the start. */
function lineText(seq: number, message = "x"): string {
  return JSON.stringify({ seq, time: new Date(START_MS + seq * 10).toISOString(), message });
}

function append(store: LogStore, first: number, count: number, message?: string): void {
  const texts = Array.from({ length: count }, (_, index) => lineText(first + index, message));
  const bytes = new TextEncoder().encode(`${texts.join("\n")}\n`);
  store.append({ first, last: first + count - 1, bytes });
}

/** The numbers of all lines from here on; lines that are none of ours are errors. */
async function numbersFrom(store: LogStore, from: number): Promise<number[]> {
  const found: number[] = [];
  for (let next = from; ; ) {
    const chunk = await store.read(next);
    if (chunk === undefined) return found;
    const texts = linesOf(new TextDecoder().decode(chunk.bytes));
    const numbers = texts.map((text) => (JSON.parse(text) as { seq: number }).seq);
    expect(numbers).toEqual(texts.map((_, index) => chunk.first + index));
    expect(chunk.last).toBe(numbers.at(-1) ?? 0);
    expect(chunk.last).toBeGreaterThanOrEqual(next);
    found.push(...numbers.filter((seq) => seq >= next));
    next = chunk.last + 1;
  }
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
const names = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name !== "open")
    .sort();

test("lines are read back from any number on, before and after a restart", async () => {
  const folder = freshFolder();
  const store = open(folder, { fileBytes: 4_000 });
  expect(store.nextSeq).toBe(1);
  for (let first = 1; first < 1_000; first += 37) append(store, first, 37);
  const last = 37 * 27;
  expect(await numbersFrom(store, 1)).toEqual(range(1, last)); // partly still waiting
  await store.close();
  expect(existsSync(join(folder, "open"))).toBe(false);
  const again = open(folder, { fileBytes: 4_000 });
  expect(again.nextSeq).toBe(last + 1);
  expect(await numbersFrom(again, 500)).toEqual(range(500, last));
  append(again, last + 1, 3);
  expect(await numbersFrom(again, last - 1)).toEqual(range(last - 1, last + 3));
  expect(await numbersFrom(again, last + 4)).toEqual([]);
  await again.close();
  expect(names(folder).length).toBeGreaterThan(10);
  for (const name of names(folder)) {
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(headNumber(folder, name)).toBe(Number(name.slice(0, 16)));
  }
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});

function headNumber(folder: string, name: string): number {
  const [first = ""] = readFileSync(join(folder, name), "utf8").split("\n");
  return (JSON.parse(first) as { seq: number }).seq;
}

test("any batches, file sizes and restarts give back every line once, in order", async () => {
  const sizes = fc.array(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 }), {
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(
      sizes,
      fc.integer({ min: 100, max: 3_000 }),
      fc.nat(200),
      async (lives, fileBytes, from) => {
        const folder = freshFolder();
        let seq = 1;
        for (const batches of lives) {
          const store = open(folder, { fileBytes });
          expect(store.nextSeq).toBe(seq);
          for (const count of batches) {
            append(store, seq, count, "y".repeat(count));
            seq += count;
          }
          expect(await numbersFrom(store, from)).toEqual(range(Math.max(from, 1), seq - 1));
          await store.close();
        }
        const store = open(folder);
        expect(await numbersFrom(store, from)).toEqual(range(Math.max(from, 1), seq - 1));
        await store.close();
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

test("a line is found by its time", async () => {
  const folder = freshFolder();
  const store = open(folder, { fileBytes: 2_000 });
  expect(await store.seqAt(START_MS)).toBeUndefined();
  for (let first = 1; first <= 500; first += 10) append(store, first, 10);
  await written(folder, 500);
  for (const seq of [1, 2, 250, 499, 500]) {
    expect(await store.seqAt(START_MS + seq * 10)).toBe(seq);
    expect(await store.seqAt(START_MS + seq * 10 - 5)).toBe(seq);
  }
  expect(await store.seqAt(0)).toBe(1);
  expect(await store.seqAt(START_MS + 5_001)).toBeUndefined();
  await store.close();
});

/** Until this line is on the disk. */
async function written(folder: string, seq: number): Promise<void> {
  const last = () => readFileSync(join(folder, names(folder).at(-1) ?? ""), "utf8");
  const isEmpty = () => !existsSync(folder) || names(folder).length === 0;
  while (isEmpty() || !last().includes(`{"seq":${seq},`)) await Bun.sleep(2);
}

test("the oldest files go when the quota is reached", async () => {
  const folder = freshFolder();
  const store = open(folder, { fileBytes: 2_000, quotaBytes: 10_000 });
  for (let first = 1; first <= 1_000; first += 25) {
    append(store, first, 25);
    await written(folder, first + 24);
    const bytes = names(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    expect(bytes).toBeLessThanOrEqual(10_000);
  }
  const kept = await numbersFrom(store, 1);
  expect(kept.length).toBeGreaterThan(50);
  expect(kept).toEqual(range(1_001 - kept.length, 1_000));
  await store.close();
});

test("a file is replaced after a day, and a quiet agent keeps so many", async () => {
  const folder = freshFolder();
  const clock = new FakeClock(Date.now());
  const store = open(folder, { clock, filesMax: 5 });
  for (let day = 1; day <= 9; day += 1) {
    append(store, day, 1);
    await written(folder, day);
    await clock.advance(25 * 3_600_000);
  }
  expect(names(folder).map((name) => Number(name.slice(0, 16)))).toEqual([5, 6, 7, 8, 9]);
  await store.close();
});

test.each([1, 10, 60, 61, 200])(
  "a log whose last %d bytes were lost goes on behind its last whole line",
  async (torn) => {
    const folder = freshFolder();
    const store = open(folder);
    append(store, 1, 100);
    await store.close();
    const path = join(folder, names(folder)[0] ?? "");
    const left = readFileSync(path, "utf8").slice(0, -torn);
    truncateSync(path, left.length);
    const last = left.split("\n").length - 1;
    const again = open(folder);
    expect(again.nextSeq).toBe(last + 1);
    append(again, last + 1, 2);
    await again.close();
    expect(await numbersFrom(open(folder), 1)).toEqual(range(1, last + 2));
  },
);

test.each([
  { what: "an empty file", content: "" },
  { what: "zeros", content: "\0".repeat(10_000) },
  { what: "another program's lines", content: "hello\nworld\n" },
])("$what at the end of the log holds nothing up", async ({ content }) => {
  const folder = freshFolder();
  const store = open(folder);
  append(store, 1, 10);
  await store.close();
  writeFileSync(join(folder, "0000000000000011.ndjson"), content);
  const again = open(folder);
  expect(again.nextSeq).toBe(11);
  append(again, 11, 5);
  expect(await numbersFrom(again, 1)).toEqual(range(1, 15));
  await again.close();
  expect(open(folder).nextSeq).toBe(16);
});

test("damage in the middle of a file costs the lines it hit", async () => {
  const folder = freshFolder();
  const store = open(folder);
  append(store, 1, 1_000);
  await store.close();
  const path = join(folder, names(folder)[0] ?? "");
  const bytes = readFileSync(path);
  bytes.fill(0, bytes.indexOf('{"seq":500,') + 3, bytes.indexOf('{"seq":510,') + 3);
  writeFileSync(path, bytes);
  const again = open(folder);
  const found = await numbersFrom(again, 1);
  expect(found).toEqual([...range(1, 499), ...range(511, 1_000)]);
  await again.close();
});

test("a folder that cannot be written fails nobody", async () => {
  const folder = freshFolder();
  writeFileSync(folder, "a file stands here");
  const troubles: string[] = [];
  const store = open(folder, { onTrouble: (reason) => troubles.push(reason) });
  expect(store.nextSeq).toBe(1);
  append(store, 1, 5);
  await store.close();
  expect(troubles.length).toBe(1);
  expect(store.dropped).toBe(5);
});

test.each([
  { how: "removed", take: (folder: string) => rmSync(folder, { recursive: true }), kept: [] },
  { how: "moved away", take: (folder: string) => renameSync(folder, `${folder}-old`), kept: [] },
  {
    how: "emptied",
    take: (folder: string) => {
      for (const name of names(folder)) truncateSync(join(folder, name), 0);
    },
    kept: [],
  },
  {
    how: "cut to its older files",
    take: (folder: string) => rmSync(join(folder, names(folder).at(-1) ?? "")),
    kept: range(1, 20),
  },
])("a log that is $how while it is written is begun anew, and its numbers go on", async (scene) => {
  const folder = freshFolder();
  folders.push(`${folder}-old`);
  const store = open(folder, { fileBytes: 2_000 });
  for (let first = 1; first <= 21; first += 10) {
    append(store, first, 10, "x".repeat(40));
    await written(folder, first + 9);
  }
  scene.take(folder);
  append(store, 31, 10);
  await written(folder, 40);
  expect(existsSync(join(folder, "open"))).toBe(true);
  cpSync(folder, `${folder}-killed`, { recursive: true });
  expect(open(`${folder}-killed`).nextSeq).toBe(41);
  await store.close();
  expect(store.dropped).toBe(0);
  expect(await numbersFrom(open(folder), 1)).toEqual([...scene.kept, ...range(31, 40)]);
});

const writer = join(import.meta.dir, "../fixtures/log-writer.ts");

function startWriter(folder: string) {
  const child = Bun.spawn([process.execPath, writer, folder], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const said: string[] = [];
  void (async () => {
    let rest = "";
    for await (const chunk of child.stdout) {
      const lines = (rest + new TextDecoder().decode(chunk)).split("\n");
      rest = lines.pop() ?? "";
      said.push(...lines);
    }
  })();
  const numberOf = (word: string) =>
    Number(said.findLast((line) => line.startsWith(word))?.split(" ")[1] ?? 0);
  const until = async (holds: () => boolean) => {
    while (!holds()) await Bun.sleep(5);
  };
  return { child, said, numberOf, until };
}

test("an agent killed at any moment leaves whole lines, and the next one goes on behind it", async () => {
  const folder = freshFolder();
  let givenBefore = 0;
  for (let life = 1; life <= 4; life += 1) {
    const { child, numberOf, until } = startWriter(folder);
    await until(() => numberOf("given") > 3_000 * life);
    child.kill("SIGKILL");
    await child.exited;
    const left = numberOf("first") - givenBefore;
    expect(left).toBeGreaterThan(0);
    // What it gave out between its last word and its end: no number is left out beyond that.
    expect(left).toBeLessThan(1_000);
    givenBefore = numberOf("given");
    if (life % 2 === 0) appendFileSync(join(folder, names(folder).at(-1) ?? ""), '{"seq":99');
  }
  const store = open(folder);
  const found = await numbersFrom(store, 1);
  expect(new Set(found).size).toBe(found.length);
  expect(found).toEqual(found.toSorted((a, b) => a - b));
  expect(found.length).toBeGreaterThan(1_000);
  await store.close();
});

test("the next agent knows how many lines a kill cost; after the machine went down it keeps away", async () => {
  const folder = freshFolder();
  const killed = open(folder);
  append(killed, 1, 10);
  await killed.read(1); // they wait: none is on the disk yet, and none will be
  cpSync(folder, `${folder}-left`, { recursive: true });
  await killed.close();
  const mark = join(`${folder}-left`, "open");
  expect(open(`${folder}-left`).nextSeq).toBe(11);

  writeFileSync(mark, `0000000000000010 another-boot\n`);
  expect(open(`${folder}-left`).nextSeq).toBe(11 + UNSEEN_LINES);
  writeFileSync(mark, ""); // it could not be kept up
  expect(open(`${folder}-left`).nextSeq).toBe(1 + UNSEEN_LINES);
});

test("on a full disk lines are dropped and counted, and kept again when there is room", async () => {
  const folder = freshFolder();
  const { child, said, numberOf, until } = startWriter(folder);
  await until(() => numberOf("given") > 500);
  await limitFiles(child.pid, 100_000);
  await until(() => said.some((line) => line.startsWith("trouble")));
  const inTrouble = numberOf("given");
  await until(() => numberOf("given") > inTrouble + 5_000);
  await limitFiles(child.pid, "unlimited");
  await until(() => said.some((line) => line.startsWith("recovered")));
  const recovered = numberOf("given");
  const dropped = numberOf("recovered");
  await until(() => numberOf("given") > recovered + 20_000);
  child.kill("SIGKILL");
  await child.exited;
  const store = open(folder);
  const found = await numbersFrom(store, 1);
  const holes = found.slice(1).map((seq, index) => seq - (found[index] ?? 0) - 1);
  expect(holes.filter((hole) => hole > 0)).toEqual([dropped]);
  expect(said.filter((line) => line.startsWith("trouble")).length).toBe(1);
  await store.close();
}, 30_000);

/** The kernel's limit on the size of files: it stops writes as a full disk does. */
async function limitFiles(pid: number, bytes: number | "unlimited"): Promise<void> {
  const limit = Bun.spawn(["prlimit", `--pid=${pid}`, `--fsize=${bytes}:unlimited`]);
  expect(await limit.exited).toBe(0);
}
