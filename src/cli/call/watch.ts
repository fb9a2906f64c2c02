/** Lines with times, as `live-log` and `live-trace` print them: what there is, and what comes. */
import { ServantError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { type Paint, printable } from "../output.ts";
import type { CallContext, CallOptions } from "./context.ts";

export type WatchOptions = CallOptions & {
  /** How many of the last entries; absent: all. */
  readonly n?: number;
  /** Epoch seconds. */
  readonly since?: number;
  readonly follow?: boolean;
  /** Seconds. */
  readonly interval: number;
};

/** What is watched. */
export interface Watched<Entry extends Json> {
  readonly ask: () => Promise<readonly Entry[]>;
  /** Epoch seconds; of two entries the later has the larger. */
  readonly stampOf: (entry: Entry) => number;
  readonly lineOf: (entry: Entry) => string;
}

export async function watch<Entry extends Json>(
  context: CallContext,
  { n, since = 0, follow = false, interval }: WatchOptions,
  watched: Watched<Entry>,
): Promise<number> {
  const { out, json } = context;
  const { ask, stampOf, lineOf } = watched;
  const entries = (await ask()).filter((entry) => stampOf(entry) >= since);
  const shown = n === undefined ? entries : entries.slice(Math.max(entries.length - n, 0));
  // For a program each entry is a line of JSON while following: it cannot wait for the end of a list.
  const print = (entry: Entry) => out.line(json ? JSON.stringify(entry) : lineOf(entry));
  if (json && !follow) out.json(shown);
  else shown.forEach(print);
  const last = entries.at(-1);
  const newestS = last === undefined ? since : stampOf(last);
  if (follow) await followOn(watched, print, newestS, interval * 1_000);
  return 0;
}

/** Prints what is newer than the last entry, until Ctrl-C. An absence of the backend is waited out. */
async function followOn<Entry extends Json>(
  { ask, stampOf }: Watched<Entry>,
  print: (entry: Entry) => void,
  lastS: number,
  everyMs: number,
): Promise<void> {
  const stopped = new AbortController();
  process.once("SIGINT", () => stopped.abort());
  let newestS = lastS;
  let isLost = false;
  while (!stopped.signal.aborted) {
    await pause(everyMs, stopped.signal);
    if (stopped.signal.aborted) return;
    try {
      for (const entry of await ask()) {
        if (stampOf(entry) <= newestS) continue;
        print(entry);
        newestS = stampOf(entry);
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

/** `14:03:00 [INFO] planned`, where we are. */
export function timedLine(atS: number, mark: string, text: string, paint: Paint): string {
  return `${paint.dim(clockText(atS))} ${mark} ${printable(text)}`;
}

/** `14:03:00`, where we are. */
export function clockText(atS: number): string {
  const at = new Date(atS * 1_000);
  const two = (part: number) => String(part).padStart(2, "0");
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
}
