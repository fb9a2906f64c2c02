/**
 * What serves the log in `bench/stream.ts`, a process of its own: `ours` is the agent's own bus,
 * feed, log on disk and stream, with a servant beside that is handed assignments; `loop` is what
 * one writes with the `ws` API: a loop over the clients that sends each line to whom it concerns.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, WebSocketServer } from "ws";
import { openBus } from "../src/agent/bus.ts";
import { Servant } from "../src/agent/servant.ts";
import type { AuditId } from "../src/core/assignment.ts";
import { type AgentEvent, describeEvent } from "../src/core/events.ts";
import { Ledger } from "../src/core/ledger.ts";
import { canonicalFilter, type LogFilter, matches, numbered } from "../src/core/log.ts";
import type { Bus } from "../src/core/ports.ts";
import { Secrets } from "../src/core/secrets.ts";
import { Feed } from "../src/local/feed.ts";
import { LogStream, type Visitor } from "../src/local/stream.ts";
import { systemClock } from "../src/system/clock.ts";
import { openJournal } from "../src/system/journal.ts";
import { openLogFiles } from "../src/system/log-files.ts";
import { FakeBackend, FakeRunner, id } from "../test/support/fake-ports.ts";
import { machineMs } from "./clock.ts";
import { END } from "./stream-lines.ts";

export type Order =
  | { do: "load"; perS: number; seconds: number; assignments: boolean }
  | { do: "flood"; lines: number };
export type Report =
  | { told: "port"; port: number }
  | { told: "loaded"; lines: number; tookMs: number; dispatchMs: number[] }
  | { told: "flooded"; lines: number; begunAtMs: number };

const ASSIGNMENTS_PER_S = 100;
/** A flood waits while so much waits for a client, in bytes. */
const FULL_BYTES = 64 * 1024;
const FLOOD_BATCH = 500;
/** So many lines at most are published in one turn, when turns come late. */
const BURST_LINES = 1_000;
/** It makes lines of 200 bytes. */
const TEXT = "a plugin says what it does, all the time";

const folder = mkdtempSync(join(tmpdir(), "stream-bench-"));
const report = (told: Report) => process.send?.(told);
const isOurs = process.argv[2] === "ours";
const bus = openBus(isOurs ? new Secrets().cleaned : undefined);
const waitingBytes = isOurs ? serveOurs() : serveByLoop();
let count = 0;

function line(level: "debug" | "info" = count % 10 === 0 ? "debug" : "info"): AgentEvent {
  count += 1;
  const fields = { n: count, atMs: machineMs() };
  return { type: "plugin.log", level, message: `${count} ${TEXT}`, fields };
}

/** Returns what tells how much waits for the client that is furthest behind. */
function serveOurs(): () => number {
  const store = openLogFiles(join(folder, "log"), { clock: systemClock });
  const feed = new Feed({ clock: systemClock, store });
  bus.listen(feed.push);
  const stream = new LogStream({ feed, clock: systemClock, boot: "bench" });
  const sockets = new Set<Bun.ServerWebSocket<Visitor>>();
  const { open, close } = stream.websocket;
  const server = Bun.serve<Visitor>({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, self) => stream.upgrade(request, self),
    websocket: {
      ...stream.websocket,
      open(ws) {
        sockets.add(ws);
        void open?.(ws);
      },
      close(ws, code, reason) {
        sockets.delete(ws);
        void close?.(ws, code, reason);
      },
    },
  });
  report({ told: "port", port: server.port ?? 0 });
  return () => Math.max(0, ...[...sockets].map((ws) => ws.getBufferedAmount()));
}

function serveByLoop(): () => number {
  const clients = new Map<Client, LogFilter>();
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("listening", () => report({ told: "port", port: server.address().port }));
  server.on("connection", (client) => {
    clients.set(client, {});
    client.on("close", () => clients.delete(client));
    client.on("message", (data) => {
      const { subscribe } = JSON.parse(data.toString()) as { subscribe: LogFilter };
      clients.set(client, canonicalFilter(subscribe));
      client.send('{"subscribed":{"seq":0}}');
    });
  });
  let seq = 0;
  bus.listen((event) => {
    seq += 1;
    const time = new Date(systemClock.now()).toISOString();
    const { line, text } = numbered(seq, time, describeEvent(event));
    for (const [client, filter] of clients) if (matches(filter, line)) client.send(text);
  });
  return () => Math.max(0, ...[...clients.keys()].map((client) => client.bufferedAmount));
}

/** A servant whose handlers do nothing; how long each took from its hand-out to its handler. */
async function startServant(to: Bus) {
  const journal = openJournal(join(folder, "journal.sqlite"), { origin: "http://fake" });
  const ledger = await Ledger.open(journal);
  const backend = new FakeBackend();
  const runner = new FakeRunner();
  runner.isManual = false;
  const handedAtMs = new Map<AuditId, number>();
  const dispatchMs: number[] = [];
  runner.onRun = ({ auditId }) => {
    dispatchMs.push(performance.now() - (handedAtMs.get(auditId) ?? Number.NaN));
    handedAtMs.delete(auditId);
  };
  const ports = { backend, bus: to, clock: systemClock, ledger, random: Math.random, runner };
  const never = new AbortController().signal;
  const options = {
    concurrency: 1,
    drainTimeoutMs: 0,
    failuresMax: 0,
    hurry: never,
    reregister: true,
  };
  void new Servant(ports, options).run(never);
  let given = 0;
  return {
    dispatchMs,
    assign() {
      given += 1;
      const auditId = id(`bench-${given}`);
      handedAtMs.set(auditId, performance.now());
      backend.assign({ kind: "action", auditId, transition: "move", params: {} });
    },
  };
}

const servant = isOurs ? await startServant(bus) : undefined;

async function load({ perS, seconds, assignments }: Extract<Order, { do: "load" }>) {
  const begunMs = performance.now();
  const before = count;
  servant?.dispatchMs.splice(0);
  let nextAssignmentMs = 50;
  for (;;) {
    const passedMs = performance.now() - begunMs;
    if (passedMs > seconds * 1_000) break;
    // By the time that passed, so that a late turn makes up for it.
    const due = Math.floor((passedMs * perS) / 1_000);
    const now = Math.min(due, count - before + BURST_LINES);
    while (count - before < now) bus.publish(line());
    if (assignments && passedMs > nextAssignmentMs) {
      servant?.assign();
      nextAssignmentMs += 1_000 / ASSIGNMENTS_PER_S;
    }
    await Bun.sleep(1);
  }
  const tookMs = performance.now() - begunMs;
  report({ told: "loaded", lines: count - before, tookMs, dispatchMs: servant?.dispatchMs ?? [] });
}

async function flood(lines: number): Promise<void> {
  const begunAtMs = machineMs();
  for (let done = 0; done < lines; ) {
    for (let index = 0; index < FLOOD_BATCH; index += 1) bus.publish(line());
    done += FLOOD_BATCH;
    do await new Promise((resolve) => setImmediate(resolve));
    while (waitingBytes() > FULL_BYTES);
  }
  bus.publish({ type: "plugin.log", level: "error", message: END, fields: {} });
  report({ told: "flooded", lines, begunAtMs });
}

process.on("message", (order: Order) => {
  if (order.do === "load") void load(order);
  else void flood(order.lines);
});
process.on("disconnect", () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
