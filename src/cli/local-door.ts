/**
 * Opens the local door of a running agent. It listens from here on; what answers is loaded with the
 * first request, so that an agent nobody asks is as small and as quick to start as without a door.
 */
import { unlinkSync } from "node:fs";
import { join } from "node:path";
import { messageOf, toServantError } from "../core/errors.ts";
import type { Secrets } from "../core/secrets.ts";
import type { Feed } from "../local/feed.ts";
import { BODY_MAX_BYTES, SOCKET_LIMITS } from "../local/limits.ts";
import { type Listening, listenAt, type Place } from "../local/listener.ts";
import type { Answer } from "../local/server.ts";
import type { LogStream, Visitor } from "../local/stream.ts";
import { openSecret } from "../system/secret-file.ts";
import { textFile } from "../system/snapshot.ts";
import type { LocalFile } from "../wire/local.ts";
import { LOCAL_FILE, TOKEN_FILE } from "../wire/local-files.ts";
import type { AgentParts } from "./agent-door.ts";

export interface DoorParts extends AgentParts {
  readonly feed: Feed;
  readonly secrets: Secrets;
  /** Lines that the log on disk did not take. */
  readonly unwritten: () => number;
}

export interface LocalDoor {
  /** Tells whoever reads along the last lines, then lets go of everybody. */
  close(): Promise<void>;
}

/** What the first request has loaded. */
interface Loaded {
  readonly answer: Answer;
  readonly stream: LogStream;
}

const NO_DOOR: LocalDoor = { close: () => Promise.resolve() };

/**
 * @throws {ServantError} `local.*` when the place that was asked for cannot be had. Without a wish
 * the agent goes on without a door: an assignment is worth more than its display.
 */
export function openLocalDoor(place: Place | undefined, parts: DoorParts): LocalDoor {
  if (place === undefined) return NO_DOOR;
  try {
    return open(place, parts);
  } catch (cause) {
    if (place.isWished) throw cause;
    parts.bus.publish({ type: "door.trouble", reason: toServantError(cause).message });
    return NO_DOOR;
  }
}

function open(place: Place, parts: DoorParts): LocalDoor {
  const { bus, secrets, stateDir } = parts;
  const token = openSecret(join(stateDir, TOKEN_FILE));
  secrets.keep(token);
  let loading: Promise<Loaded> | undefined;
  let stream: LogStream | undefined;
  const listening: Listening<Visitor> = listenAt<Visitor>(place, {
    bodyMaxBytes: BODY_MAX_BYTES,
    fetch: async (request, server) => {
      loading ??= load(token, listening, parts);
      const loaded = await loading;
      stream = loaded.stream;
      return await loaded.answer(request, server);
    },
    // Whoever has a websocket has made a request first: the stream is loaded.
    websocket: {
      ...SOCKET_LIMITS,
      open: (socket) => stream?.websocket.open?.(socket),
      message: (socket, message) => stream?.websocket.message?.(socket, message),
      drain: (socket) => stream?.websocket.drain?.(socket),
      close: (socket, code, reason) => stream?.websocket.close?.(socket, code, reason),
    },
  });
  const { url, isElsewhere } = listening;
  bus.publish({ type: "door.opened", url, isElsewhere });
  const announced = announce(listening, place, parts);
  return {
    async close() {
      await announced;
      removeIfThere(join(stateDir, LOCAL_FILE));
      await stream?.close();
      await listening.stop();
    },
  };
}

async function load(
  token: string,
  { address }: Listening<Visitor>,
  parts: DoorParts,
): Promise<Loaded> {
  const { clock, feed, stateDir, tally, unwritten, version } = parts;
  const [{ Auth }, { doorAnswers }, { LogStream }, { pageAnswer }, { agentDoor }] =
    await Promise.all([
      import("../local/auth.ts"),
      import("../local/server.ts"),
      import("../local/stream.ts"),
      import("../page/answer.ts"),
      import("./agent-door.ts"),
    ]);
  const store = textFile(join(stateDir, "sessions.json"));
  const auth = new Auth({ token, port: address.port, store, clock });
  const stream = new LogStream({ feed, clock, boot: crypto.randomUUID() });
  const door = agentDoor(parts);
  const page = (status: number) => pageAnswer("agent", status);
  const shown = { door, feed, page, stream, tally, unwritten, version };
  return { answer: doorAnswers({ address, auth, clock, ...shown }), stream };
}

/** Tells the commands of this machine where the door is. */
async function announce(
  { url }: Listening<Visitor>,
  { socket }: Place,
  { bus, stateDir }: AgentParts,
): Promise<void> {
  const where = socket === undefined ? { url } : { socket };
  const told: LocalFile = { ...where, pid: process.pid };
  try {
    await textFile(join(stateDir, LOCAL_FILE)).save(`${JSON.stringify(told)}\n`);
  } catch (cause) {
    const reason = `\`agent status\` and its like will not find it: ${messageOf(cause)}`;
    bus.publish({ type: "door.trouble", reason });
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // it was never written, or cannot be removed: its pid tells that it is an old one
  }
}
