/** Draws a step list on a terminal and lets it advance by what the backend logs meanwhile. */
import type { LogEntry } from "../../client/answers.ts";
import type { RemoteOrchestrator } from "../../client/orchestrator.ts";
import type { Output } from "../output.ts";
import { drawSteps, type Step, StepList } from "./step-list.ts";

const DRAW_MS = 100;
const LOG_POLL_MS = 250;

export class LiveSteps {
  readonly #orchestrator: RemoteOrchestrator;
  readonly #out: Output;
  readonly #list = new StepList();
  readonly #timers: Timer[];
  #newestS: number;
  #drawnLines = 0;
  #isAsking = false;

  private constructor(orchestrator: RemoteOrchestrator, out: Output, newestS: number) {
    this.#orchestrator = orchestrator;
    this.#out = out;
    this.#newestS = newestS;
    this.#timers = [
      setInterval(() => this.#draw(), DRAW_MS),
      setInterval(() => this.#ask(), LOG_POLL_MS),
    ];
  }

  /** Starts drawing; only what the backend logs from now on counts. */
  static async open(
    orchestrator: RemoteOrchestrator,
    out: Output,
    planned: readonly string[],
  ): Promise<LiveSteps> {
    const logs = await orchestrator.getLogs().catch(() => []); // a display may do without
    const live = new LiveSteps(orchestrator, out, logs.at(-1)?.timestamp ?? 0);
    live.#list.planned(planned);
    const [first] = planned;
    // The first step begins at once; a backend that logs says so again.
    if (first !== undefined) live.#list.started(first, performance.now());
    live.#draw();
    return live;
  }

  get steps(): readonly Step[] {
    return this.#list.steps;
  }

  /** Draws once more, the given lines instead of its own, and lets go of the terminal. */
  end(lines?: readonly string[]): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#draw(lines);
  }

  #draw(lines?: readonly string[]): void {
    const { paint, columns } = this.#out;
    const drawn = lines ?? drawSteps(this.#list.steps, performance.now(), paint, columns);
    const up = this.#drawnLines === 0 ? "" : `\u001b[${this.#drawnLines}A`;
    this.#out.write(`${up}\r\u001b[J${drawn.map((line) => `${line}\n`).join("")}`);
    this.#drawnLines = drawn.length;
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
 * Takes one log entry into the list, by the sentences that `agent host` logs of a step. Entries
 * about other things, and other backends' wording, change nothing: the results tell in the end.
 */
export function advance(
  list: StepList,
  { message, timestamp }: Pick<LogEntry, "message" | "timestamp">,
  nowMs: number,
): void {
  const stampMs = timestamp * 1_000;
  if (message.startsWith("planning again")) list.planned([]);
  const started = STARTED.exec(message)?.[1];
  if (started !== undefined) list.started(started, nowMs, stampMs);
  const [, text, outcome, why = ""] = FINISHED.exec(message) ?? [];
  if (text !== undefined) list.finished(text, outcome === "done", why, stampMs);
}

const STARTED = /^started (\w+\(.*\))$/;
const FINISHED = /^(\w+\([^)]*\)) (done|failed)(?:: (.*))?$/s;
