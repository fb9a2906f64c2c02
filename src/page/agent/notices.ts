/** What a person must see before anything else: the agent's state, in words. */
import type { Status } from "../../wire/local.ts";
import type { Shape, Tone } from "../parts/tone.ts";

export interface Notice {
  readonly word: string;
  readonly shape: Shape;
  readonly tone: Tone;
  readonly text: string;
  /** Epoch milliseconds by the agent's clock, when it is known. */
  readonly sinceMs?: number;
}

const READY: Notice = { word: "Ready", shape: "check", tone: "good", text: "" };

/** The gravest first; one that says "Ready" when there is nothing to say. */
export function noticesOf(status: Status): readonly Notice[] {
  const { state, link, doubted, paused, journal, reasons } = status;
  const found: Notice[] = [];
  if (doubted !== undefined) {
    const text = `The machine must be made safe: ${doubted}`;
    found.push({ word: "Not ready", shape: "alert", tone: "bad", text });
  }
  if (link.state === "down") found.push(linkLost(status));
  if (journal.isFull) {
    const text = "The journal cannot be written: no work is taken.";
    found.push({ word: "Not ready", shape: "alert", tone: "bad", text });
  }
  if (paused !== undefined) {
    const text = `Reason: ${paused}. No action starts until it is resumed.`;
    found.push({ word: "Paused", shape: "pause", tone: "warn", text });
  }
  if (state === "draining") {
    const text = "What runs is finished, results are delivered, then the agent ends.";
    found.push({ word: "Draining", shape: "stop", tone: "warn", text });
  }
  if (state === "starting") {
    found.push({ word: "Starting", shape: "clock", tone: "idle", text: reasons.join("; ") });
  }
  if (state === "not-ready" && found.length === 0) {
    found.push({ word: "Not ready", shape: "alert", tone: "bad", text: reasons.join("; ") });
  }
  return found.length === 0 ? [READY] : found;
}

function linkLost({ link }: Status): Notice {
  const failures = `${link.failures} failure${link.failures === 1 ? "" : "s"}`;
  const text = `${link.reason ?? "The backend does not answer"} (${failures}).`;
  const sinceMs = Date.parse(link.since);
  return { word: "Link lost", shape: "broken", tone: "bad", text, sinceMs };
}
