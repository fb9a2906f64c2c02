/** What runs tell while they go, over a websocket: from the first event that is kept, to the last. */
import { ServantError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { refuseStrangers } from "../wire/stranger.ts";
import type { Parts } from "./parts.ts";
import type { Run, RunEvent } from "./run.ts";
import type { Runs } from "./runs.ts";

/** Those who listen to runs, at most. */
export const LISTENERS_MAX = 128;
/** Nothing more is to come. */
const CLOSE_NORMAL = 1000;

/** One end of a websocket that is open. */
export interface Socket {
  send(text: string): void;
  close(code: number, reason: string): void;
}
/** Begins to tell; returns what is to be called when the socket is closed. */
export type Telling = (socket: Socket) => () => void;

/**
 * What `/runs/{id}/events[?after=SEQ]` tells.
 *
 * @throws {ServantError} `request.foreign`, `route.unknown`, `run.unknown`, `local.too-many`
 */
export function connect({ runs }: Pick<Parts, "runs">, request: Request): Telling {
  refuseStrangers(request.headers);
  const { pathname, searchParams } = new URL(request.url);
  const id = /^\/runs\/([^/]+)\/events$/.exec(pathname)?.[1];
  if (id === undefined) {
    const problem = `Cannot open a websocket at "${pathname.slice(0, 200)}": see /runs/{id}/events`;
    throw new ServantError("route.unknown", problem);
  }
  const run = runs.get(id);
  const record = runs.describe(id);
  const after = sequenceOf(searchParams.get("after"));
  if (runs.listeners >= LISTENERS_MAX) {
    throw new ServantError("local.too-many", `Cannot listen: ${LISTENERS_MAX} do already`);
  }
  return (socket) => {
    if (run === undefined || run.ending !== undefined) {
      for (const event of run?.events(after) ?? []) socket.send(textOf(id, event));
      if (run === undefined) socket.send(JSON.stringify(lastWord(id, record)));
      socket.close(CLOSE_NORMAL, String(record.status));
      return () => {};
    }
    return tell(runs, run, after, socket);
  };
}

/** Tells the run to a socket until either ends. */
function tell(runs: Runs, run: Run, after: number, socket: Socket): () => void {
  for (const event of run.events(after)) socket.send(textOf(run.id, event));
  runs.listeners += 1;
  let isOver = false;
  const unlisten = run.listen((event) => {
    if (event === undefined) socket.close(CLOSE_NORMAL, run.status);
    else socket.send(textOf(run.id, event));
  });
  return () => {
    if (!isOver) runs.listeners -= 1;
    isOver = true;
    unlisten();
  };
}

/** An event as clients read it. */
export function describeEvent(runId: string, { seq, atMs, data }: RunEvent): JsonObject {
  return { seq, ts: atMs / 1_000, run_id: runId, ...data };
}

/** The number of the last event that a client has; anything else counts as none. */
export function sequenceOf(text: string | null | undefined): number {
  return /^\d{1,15}$/.test(text ?? "") ? Number(text) : 0;
}

function textOf(runId: string, event: RunEvent): string {
  return JSON.stringify(describeEvent(runId, event));
}

function lastWord(runId: string, { status, success, message }: JsonObject): JsonObject {
  return { run_id: runId, type: "ended", ...{ status, success, message } } as JsonObject;
}
