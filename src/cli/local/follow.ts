/** Reads along an agent's log over the stream, over restarts of the agent, until Ctrl-C. */
import type { LocalAgent } from "../../client/local-agent.ts";
import { isServantError } from "../../core/errors.ts";
import type { NumberedLine } from "../../core/log.ts";
import { systemClock } from "../../system/clock.ts";
import { AgentFrame } from "../../wire/local.ts";
import type { LogLines } from "./log-lines.ts";

/** How often an agent that is gone is looked for, in milliseconds. */
const LOOK_EVERY_MS = 500;
/** So often in a row it may refuse us before we no longer insist on going on where we were. */
const REFUSALS_MAX = 3;

/** `find` throws a ServantError while there is none. `query` says which lines, not since when. */
export async function follow(
  first: LocalAgent,
  find: () => LocalAgent,
  query: URLSearchParams,
  lines: LogLines,
): Promise<void> {
  const stopped = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => stopped.abort());
  let agent: LocalAgent | undefined = first;
  let refusals = 0;
  while (!stopped.signal.aborted) {
    if (agent !== undefined) {
      const wasOpen = await readAlong(agent, query, lines, stopped.signal);
      if (wasOpen && !stopped.signal.aborted) tell("the agent is gone; waiting for it");
      refusals = wasOpen ? 0 : refusals + 1;
      if (refusals === REFUSALS_MAX) lines.lastSeq = 0; // its log may have begun anew
    }
    await systemClock.sleep(LOOK_EVERY_MS, stopped.signal);
    agent = stopped.signal.aborted ? undefined : found(find);
  }
}

function found(find: () => LocalAgent): LocalAgent | undefined {
  try {
    return find();
  } catch (cause) {
    if (isServantError(cause)) return undefined; // not yet
    throw cause;
  }
}

/** Resolves when the socket is closed: to whether it had been open. */
function readAlong(
  agent: LocalAgent,
  query: URLSearchParams,
  lines: LogLines,
  signal: AbortSignal,
): Promise<boolean> {
  const asked = new URLSearchParams(query);
  asked.delete("since");
  if (lines.lastSeq > 0) asked.set("since", String(lines.lastSeq));
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const socket = agent.stream(asked);
  let isOpen = false;
  socket.onopen = () => {
    isOpen = true;
  };
  socket.onmessage = ({ data }) => {
    try {
      hear(AgentFrame.parse(JSON.parse(String(data))), lines);
    } catch (cause) {
      reject(cause); // nobody reads what is printed, or the agent is of another version
      socket.close();
    }
  };
  socket.onerror = () => {}; // it is closed next
  socket.onclose = () => resolve(isOpen);
  const close = () => socket.close();
  signal.addEventListener("abort", close, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", close));
}

function hear(frame: AgentFrame, lines: LogLines): void {
  if ("lines" in frame) lines.print(frame.lines as unknown as NumberedLine[]);
  else if ("gap" in frame) lines.print([frame]);
  // What passed by unseen, for another filter, is no gap: the next one begins after it.
  else if ("hello" in frame && lines.lastSeq === 0) lines.lastSeq = frame.hello.seq;
}

function tell(text: string): void {
  process.stderr.write(`agent: ${text}\n`);
}
