/** `agent call live-log`: what the backend has logged, and what it goes on to log. */
import type { LogEntry } from "../../client/answers.ts";
import { ServantError } from "../../core/errors.ts";
import { type Output, printable } from "../output.ts";
import { type CallContext, type CallOptions, withBackend } from "./context.ts";

export type LiveLogOptions = CallOptions & {
  /** How many of the last entries; absent: all. */
  readonly n?: number;
  /** Epoch seconds. */
  readonly since?: number;
  readonly follow?: boolean;
  readonly wall?: boolean;
  /** Seconds. */
  readonly interval: number;
};

export function liveLog(options: LiveLogOptions): Promise<number> {
  return withBackend(options, async (context) => {
    const { n, since = 0, follow, wall } = options;
    const isFollowing = follow === true || wall === true;
    const entries = (await context.orchestrator.getLogs()).filter((e) => e.timestamp >= since);
    const shown = n === undefined ? entries : entries.slice(Math.max(entries.length - n, 0));
    if (context.json && !isFollowing) context.out.json(shown);
    else for (const entry of shown) print(entry, context);
    if (isFollowing) await followLog(context, entries.at(-1)?.timestamp ?? since, options.interval);
    return 0;
  });
}

/** Prints what is newer than the last entry, until Ctrl-C. An absence of the backend is waited out. */
async function followLog(context: CallContext, lastS: number, intervalS: number): Promise<void> {
  const stopped = new AbortController();
  process.once("SIGINT", () => stopped.abort());
  let newestS = lastS;
  let isLost = false;
  while (!stopped.signal.aborted) {
    await pause(intervalS * 1_000, stopped.signal);
    if (stopped.signal.aborted) return;
    try {
      for (const entry of await context.orchestrator.getLogs()) {
        if (entry.timestamp <= newestS) continue;
        print(entry, context);
        newestS = entry.timestamp;
      }
      if (isLost) process.stderr.write("agent: the backend answers again\n");
      isLost = false;
    } catch (cause) {
      if (!(cause instanceof ServantError) || cause.kind !== "transient") throw cause;
      if (!isLost) process.stderr.write(`agent: ${cause.message}; waiting for it\n`);
      isLost = true;
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}

/** For a program each entry is a line of JSON: it cannot wait for the end of a list. */
function print(entry: LogEntry, { out, json }: CallContext): void {
  if (json) out.line(JSON.stringify(entry));
  else out.line(logLine(entry, out));
}

function logLine({ level, message, timestamp }: LogEntry, { paint }: Output): string {
  const at = new Date(timestamp * 1_000);
  const two = (part: number) => String(part).padStart(2, "0");
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
  const name = `[${printable(level.toUpperCase())}]`;
  const colour = /^(err|crit|fatal)/i.test(level) ? paint.red : paint.yellow;
  const marked = /^(info|debug)$/i.test(level) ? paint.dim(name) : colour(name);
  return `${paint.dim(time)} ${marked} ${printable(message)}`;
}
