// Goal: whatever a socket brings, and whenever, lines come in their order and from where they are
// wanted. Method: a real websocket server that says what the test tells it to.
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { ServerWebSocket } from "bun";
import { LogStream } from "../../../src/page/agent/log-stream.ts";

let server: Bun.Server<undefined>;
let socket: ServerWebSocket<undefined> | undefined;
const told: string[] = [];

beforeEach(() => {
  server = Bun.serve({
    port: 0,
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response("no")),
    websocket: {
      open: (opened) => {
        socket = opened;
      },
      message: (_, text) => void told.push(String(text)),
    },
  });
});
afterEach(async () => {
  await server.stop(true);
  socket = undefined;
  told.length = 0;
});

function stream() {
  const heard: string[] = [];
  const opened = new LogStream(`ws://127.0.0.1:${server.port}/v1/stream`, () => [], {
    since: (lastSeq) => lastSeq - 20,
    lines: (lines) => heard.push(`lines ${lines.map(({ seq }) => seq)}`),
    gap: ({ from, to }) => heard.push(`gap ${from} to ${to}`),
    opened: (lastSeq) => heard.push(`opened ${lastSeq}`),
    closed: () => heard.push("closed"),
  });
  return { opened, heard };
}
const say = (frame: object) => socket?.send(JSON.stringify(frame));
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(1);
}

test("lines that come before the past was asked for do not stand in front of it", async () => {
  const { opened, heard } = stream();
  opened.open();
  await until(() => socket !== undefined);
  say({ hello: { boot: "one", seq: 30 } });
  say({ lines: [{ seq: 31 }] });
  await until(() => told.length === 1);
  expect(told).toEqual(['{"subscribe":{"since":10}}']);
  say({ subscribed: { seq: 31 } });
  say({ gap: { from: 11, to: 29, dropped: 19 } });
  say({ lines: [{ seq: 30 }, { seq: 31 }] });
  await until(() => heard.length === 3);
  expect(heard).toEqual(["opened 31", "gap 11 to 29", "lines 30,31"]);
});

test("it can be opened again after it was closed, and says so once", async () => {
  const { opened, heard } = stream();
  opened.open();
  opened.open(); // it is about to be: no second one
  await until(() => socket !== undefined);
  const first = socket;
  first?.close();
  await until(() => heard.length === 1);
  expect([heard, opened.isOpen]).toEqual([["closed"], false]);
  opened.open();
  await until(() => socket !== first);
  say({ hello: { boot: "one", seq: 3 } });
  await until(() => told.length === 1);
  expect(told).toEqual(['{"subscribe":{"since":0}}']);
});

test("reopen() asks anew, and what the old socket still says is not heard", async () => {
  const { opened, heard } = stream();
  opened.open();
  await until(() => socket !== undefined);
  const first = socket;
  say({ hello: { boot: "one", seq: 1 } });
  say({ subscribed: { seq: 1 } });
  await until(() => heard.length === 1);
  opened.reopen();
  first?.send(JSON.stringify({ lines: [{ seq: 1 }] }));
  await until(() => socket !== first);
  say({ hello: { boot: "one", seq: 1 } });
  say({ subscribed: { seq: 1 } });
  await until(() => heard.length === 2);
  expect(heard).toEqual(["opened 1", "opened 1"]);
});
