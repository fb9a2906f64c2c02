/**
 * Opens the local door of a running agent. It listens from here on; what answers is loaded with the
 * first request, so that an agent nobody asks is as small and as quick to start as without a door.
 */
import { unlinkSync } from "node:fs";
import { join } from "node:path";
import { messageOf, toServantError } from "../core/errors.ts";
import { BODY_MAX_BYTES } from "../local/limits.ts";
import { type Listening, listenAt, type Place } from "../local/listener.ts";
import type { Answer } from "../local/server.ts";
import { openSecret } from "../system/secret-file.ts";
import { textFile } from "../system/snapshot.ts";
import type { LocalFile } from "../wire/local.ts";
import { LOCAL_FILE, TOKEN_FILE } from "../wire/local-files.ts";
import type { AgentParts } from "./agent-door.ts";

export interface LocalDoor {
  close(): Promise<void>;
}

const NO_DOOR: LocalDoor = { close: () => Promise.resolve() };

/**
 * @throws {ServantError} `local.*` when the place that was asked for cannot be had. Without a wish
 * the agent goes on without a door: an assignment is worth more than its display.
 */
export function openLocalDoor(place: Place | undefined, parts: AgentParts): LocalDoor {
  if (place === undefined) return NO_DOOR;
  try {
    return open(place, parts);
  } catch (cause) {
    if (place.isWished) throw cause;
    parts.bus.publish({ type: "door.trouble", reason: toServantError(cause).message });
    return NO_DOOR;
  }
}

function open(place: Place, parts: AgentParts): LocalDoor {
  const { bus, stateDir } = parts;
  const token = openSecret(join(stateDir, TOKEN_FILE));
  let answer: Promise<Answer> | undefined;
  const listening: Listening<unknown> = listenAt<unknown>(place, {
    bodyMaxBytes: BODY_MAX_BYTES,
    fetch: async (request) => {
      answer ??= load(token, listening, parts);
      return (await answer)(request);
    },
    websocket: { message: () => {} },
  });
  const { url, isElsewhere } = listening;
  bus.publish({ type: "door.opened", url, isElsewhere });
  const announced = announce(listening, place, parts);
  return {
    async close() {
      await announced;
      removeIfThere(join(stateDir, LOCAL_FILE));
      await listening.stop();
    },
  };
}

async function load(
  token: string,
  { address }: Listening<unknown>,
  parts: AgentParts,
): Promise<Answer> {
  const { clock, stateDir, tally, version } = parts;
  const [{ Auth }, { doorAnswers }, { agentDoor }] = await Promise.all([
    import("../local/auth.ts"),
    import("../local/server.ts"),
    import("./agent-door.ts"),
  ]);
  const auth = new Auth(token, textFile(join(stateDir, "sessions.json")), clock);
  const page = () => new Response("The agent runs.\n");
  return doorAnswers({ address, auth, clock, door: agentDoor(parts), page, tally, version });
}

/** Tells the commands of this machine where the door is. */
async function announce(
  { url }: Listening<unknown>,
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
