/**
 * All that the page knows. Whoever learns something says `changed`; the views are drawn once in
 * the next frame, however much came.
 */
import type { AssignmentSummary, Status, World } from "../../wire/local.ts";
import { LogBook } from "./log-book.ts";
import { Samples } from "./samples.ts";

/** What a person asked of an assignment, and what came of it. */
export interface CancelWish {
  readonly auditId: string;
  readonly what: string;
  /** Absent: it is still open. */
  readonly end?: { readonly word: string; readonly text: string };
}

export class Model {
  /** Whether this browser may look at all. */
  access: "asking" | "in" | "out" = "asking";
  status: Status | undefined;
  /** The agent's clock minus this page's, in milliseconds. */
  clockAheadMs = 0;
  /** Epoch milliseconds of this page since when nothing was heard; absent while all is live. */
  staleSinceMs: number | undefined;
  /** The agent said that it stops; until it is heard again. */
  isStopped = false;
  assignments: readonly AssignmentSummary[] = [];
  /** Where the next older page begins; absent: there is none. */
  olderBefore: number | undefined;
  world: World | undefined;
  readonly cancels = new Map<string, CancelWish>();
  readonly log = new LogBook();
  readonly samples = new Samples();
  isStreaming = false;
  /** Lines that came and lines that were lost since the page was opened. */
  linesHeard = 0;
  linesLost = 0;
  readonly #draws: ((model: Model) => void)[] = [];
  #isScheduled = false;

  /** The present by the agent's clock; it stands still while nothing is heard from it. */
  get nowMs(): number {
    return (this.staleSinceMs ?? Date.now()) + this.clockAheadMs;
  }

  onDraw(draw: (model: Model) => void): void {
    this.#draws.push(draw);
  }

  changed(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      for (const draw of this.#draws) draw(this);
    });
  }
}
