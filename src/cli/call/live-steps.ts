/** Draws a step list on a terminal and lets it advance by what the backend logs meanwhile. */
import type { LogEntry } from "../../client/answers.ts";
import type { RemoteOrchestrator } from "../../client/orchestrator.ts";
import { isJsonObject, type Json } from "../../core/json.ts";
import { LiveBlock } from "../live-block.ts";
import type { CallContext, Notices } from "./context.ts";
import { drawSteps, type Step, StepList } from "./step-list.ts";

const LOG_POLL_MS = 250;

export class LiveSteps {
  readonly #orchestrator: RemoteOrchestrator;
  readonly #notices: Notices;
  readonly #list = new StepList();
  readonly #block: LiveBlock;
  readonly #timer: Timer;
  #newestS: number;
  #isAsking = false;

  private constructor({ orchestrator, out, notices }: CallContext, newestS: number) {
    this.#orchestrator = orchestrator;
    this.#notices = notices;
    this.#newestS = newestS;
    this.#block = new LiveBlock(out, () =>
      drawSteps(this.#list.steps, performance.now(), out.paint, out.columns),
    );
    notices.leaveTo((text) => this.#block.above(text));
    this.#timer = setInterval(() => this.#ask(), LOG_POLL_MS);
  }

  /** Starts drawing; only what the backend logs from now on counts. */
  static async open(context: CallContext, planned: readonly string[]): Promise<LiveSteps> {
    const logs = await context.orchestrator.getLogs().catch(() => []); // a display may do without
    const live = new LiveSteps(context, logs.at(-1)?.timestamp ?? 0);
    live.#list.planned(planned);
    const [first] = planned;
    // The first step begins at once; a backend that logs says so again.
    if (first !== undefined) live.#list.started(first, performance.now());
    live.#block.draw();
    return live;
  }

  get steps(): readonly Step[] {
    return this.#list.steps;
  }

  /** Draws once more, the given lines instead of its own, and lets go of the terminal. */
  end(lines?: readonly string[]): void {
    clearInterval(this.#timer);
    this.#notices.leaveTo(undefined);
    this.#block.end(lines);
  }

  /** Takes in what was logged up to now. A display may miss a beat: this never rejects. */
  async catchUp(): Promise<void> {
    const entries = await this.#orchestrator.getLogs().catch(() => []);
    for (const entry of entries) {
      if (entry.timestamp <= this.#newestS) continue;
      this.#newestS = entry.timestamp;
      advance(this.#list, entry, performance.now());
    }
  }

  #ask(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    void this.catchUp().finally(() => {
      this.#isAsking = false;
    });
  }
}

/**
 * Takes one log entry into the list, by the fields that `agent host` gives to what it logs of a
 * step. Other entries, and other backends', change nothing: the results tell in the end.
 */
export function advance(
  list: StepList,
  entry: Pick<LogEntry, "message" | "timestamp"> & { readonly fields?: Json | undefined },
  nowMs: number,
): void {
  const fields = isJsonObject(entry.fields) ? entry.fields : {};
  const step = typeof fields.step === "string" ? fields.step : "";
  const stampMs = entry.timestamp * 1_000;
  if (fields.event === "replanning") list.planned([]);
  else if (fields.event === "step.started") list.started(step, nowMs, stampMs);
  else if (fields.event === "step.finished") {
    const reason = typeof fields.reason === "string" ? fields.reason : "";
    list.finished(step, fields.success === true, reason, stampMs);
  }
}
