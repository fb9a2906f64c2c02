/** What became of an assignment, as a word and a shape: colour alone tells nothing to some. */
import type { AssignmentSummary } from "../../wire/local.ts";
import type { Outcome } from "../parts/tone.ts";

type Told = Pick<AssignmentSummary, "phase" | "success" | "cancelled">;

export function outcomeOf({ phase, success, cancelled }: Told): Outcome {
  const isOpen = phase === "accepted" || phase === "started";
  if (isOpen && cancelled !== undefined) return { word: "cancelling", shape: "stop", tone: "warn" };
  if (phase === "accepted") return { word: "waits", shape: "ring", tone: "idle" };
  if (phase === "started") return { word: "runs", shape: "play", tone: "busy" };
  if (success === true) return { word: "done", shape: "check", tone: "good" };
  if (cancelled !== undefined) return { word: "cancelled", shape: "stop", tone: "warn" };
  return { word: "failed", shape: "alert", tone: "bad" };
}

type Noted = Pick<AssignmentSummary, "phase" | "code" | "interruption" | "starts">;

/** What else is worth knowing of it at a glance. */
export function notesOf({ phase, code, interruption, starts }: Noted): string[] {
  return [
    ...(phase === "finished" ? ["result waits"] : []),
    ...(phase === "refused" ? ["result refused"] : []),
    ...(interruption === undefined ? [] : [`cut off, ${interruption}`]),
    ...(starts > 1 ? [`${starts} starts`] : []),
    ...(code === undefined ? [] : [code]),
  ];
}
