// Goal: the log over plain HTTP is whole: every line once and in order, a hole told as a gap, and a
// client that never reads costs nothing. Method: a real feed behind a real socket.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { connect } from "node:net";
import type { NumberedLine } from "../../src/core/log.ts";
import { LOG_READERS_MAX } from "../../src/local/limits.ts";
import { openDoor, type TestDoor, TOKEN } from "./harness.ts";

let http: TestDoor;
beforeEach(() => {
  http = openDoor();
});
afterEach(() => http[Symbol.asyncDispose]());

function say(message: string, level: "info" | "warn" = "info"): void {
  http.feed.push({ type: "plugin.log", level, message, fields: {} });
}

async function lines(path: string): Promise<NumberedLine[]> {
  const answer = await http.ask(path);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  const text = await answer.text();
  return text === ""
    ? []
    : text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as NumberedLine);
}

test("tells what there is and ends; nothing when there is nothing", async () => {
  expect(await lines("/v1/logs")).toEqual([]);
  for (let n = 1; n <= 20_000; n++) say(`line ${n}`, n % 1_000 === 0 ? "warn" : "info");
  const all = await lines("/v1/logs");
  expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 20_000 }, (_, n) => n + 1));
  expect((await lines("/v1/logs?since=19998")).map(({ seq }) => seq)).toEqual([19_999, 20_000]);
  expect(await lines("/v1/logs?level=warn&source=plugin&source=agent")).toHaveLength(20);
  expect(await lines("/v1/logs?source=agent")).toEqual([]);
  expect(await lines("/v1/logs?text=LINE%2020000&since=10m")).toHaveLength(1);
});

// An answer of the log may be as slow as its reader; what is silent after it would stay for ever.
test("a slow reader gets all of it, and then the connection ends", async () => {
  for (let n = 0; n < 10_000; n++) say("x".repeat(1_000));
  const socket = connect(http.port, "127.0.0.1");
  const head = "GET /v1/logs HTTP/1.1\r\nHost: localhost\r\n";
  socket.write(`${head}Authorization: Bearer ${TOKEN}\r\n\r\n`);
  let length = 0;
  let end = "";
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    length += chunk.length;
    end = (end + chunk.toString("latin1")).slice(-2_000);
    await Bun.sleep(1);
  }
  expect(length).toBeGreaterThan(10_000_000);
  expect(end).toContain('"seq":10000,');
  expect(end).toEndWith("0\r\n\r\n");
});

test("what cannot be asked is 400", async () => {
  say("one");
  const wrong = ["since=2", "since=2999-01-01", "since=yesterday", "level=loud", "source=x", "n=1"];
  for (const query of [...wrong, "since=-1", "since=1e400", "level=info&level=", "auditId="]) {
    const answer = await http.ask(`/v1/logs?${query}`);
    expect(answer.status, query).toBe(400);
    expect(await answer.json(), query).toMatchObject({ code: "request.malformed" });
  }
});

test("as server-sent events it goes on, from where the last one ended", async () => {
  say("one");
  say("two");
  const headers = { Accept: "text/event-stream", "Last-Event-ID": "1" };
  const answer = await http.ask("/v1/logs", { headers });
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = "";
  const until = async (end: string) => {
    while (!text.includes(end)) text += decoder.decode((await reader.read()).value);
  };
  await until("two");
  for (const message of ["three", "four"]) {
    say(message);
    await until(message);
  }
  await until("\n\n");
  expect(text.match(/^id: \d+$/gm)).toEqual(["id: 2", "id: 3", "id: 4"]);
  expect(text).toMatch(/^data: \{"seq":4,.*"message":"four".*\}$/m);
  await reader.cancel();
});

test("readers beyond their number are refused, and a place is free when one is gone", async () => {
  const open = Array.from({ length: LOG_READERS_MAX }, () => new AbortController());
  say("a line");
  const answers: Response[] = []; // an answer that nobody holds is let go
  for (const { signal } of open) {
    answers.push(await http.ask("/v1/logs", { headers: { Accept: "text/event-stream" }, signal }));
  }
  expect((await http.ask("/v1/logs")).status).toBe(429);
  expect(answers.map(({ status }) => status)).toEqual(open.map(() => 200));
  for (const each of open) each.abort();
  while ((await http.ask("/v1/logs")).status !== 200) await Bun.sleep(10);
});

test("a reader that never reads costs no memory, whatever is logged meanwhile", async () => {
  const socket = connect(http.port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.pause();
  const head = "GET /v1/logs HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n";
  socket.write(`${head}Authorization: Bearer ${TOKEN}\r\n\r\n`);
  const grown = async () => {
    for (let n = 0; n < 40_000; n++) say("x".repeat(1_000));
    http.feed.flush();
    await Bun.sleep(0);
    Bun.gc(true);
    return process.memoryUsage().rss / 2 ** 20;
  };
  await grown(); // the ring is full from here on
  const before = await grown();
  for (let n = 0; n < 4; n++) await grown();
  expect((await grown()) - before).toBeLessThan(64);
  socket.destroy();
});
