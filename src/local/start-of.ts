/** From which line on, as a client says it: by a number, a time or an age. */
import type { Clock } from "../core/ports.ts";
import { sinceMs } from "../core/since.ts";
import type { Since } from "../wire/local.ts";
import { CLOSE, Refusal } from "./client-frame.ts";
import type { Feed } from "./feed.ts";

/** How far a client's clock may be ahead of ours, in milliseconds. */
const AHEAD_MAX_MS = 2_000;

/**
 * The number of the first line that was asked for.
 *
 * @throws {Refusal} what is ahead of us
 */
export function startOf(
  since: Since,
  feed: Pick<Feed, "lastSeq" | "seqAt">,
  clock: Pick<Clock, "now">,
): Promise<number> {
  const { lastSeq } = feed;
  if (typeof since === "number") {
    if (since <= lastSeq) return Promise.resolve(since + 1);
    throw refused(`${since} is in the future, the last line is ${lastSeq}`);
  }
  const now = clock.now();
  const atMs = sinceMs(since, now);
  if (atMs === undefined) throw refused("neither a seq nor ISO 8601 nor an age");
  if (atMs > now + AHEAD_MAX_MS) throw refused("it is in the future");
  return feed.seqAt(atMs);
}

function refused(reason: string): Refusal {
  return new Refusal(CLOSE.policy, `since: ${reason}`);
}
