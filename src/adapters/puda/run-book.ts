/**
 * What the machine is doing as its commanders see it: its run, the one command that runs, and the
 * state that follows from both. Kept in memory alone: a restart forgets runs, as the peers expect.
 */
import type { AuditId } from "../../core/assignment.ts";
import { ended, noRuns, type Runs } from "./runs.ts";
import type { StateTeller } from "./state.ts";

interface Running {
  readonly auditId: AuditId;
  readonly runId: string;
  /** It was called off, and has not ended yet. */
  isCancelled: boolean;
}

export class RunBook {
  readonly #state: StateTeller;
  /** Called when one run gives way to another, or to none. */
  readonly #onTurn: () => void;
  #runs: Runs = noRuns;
  #running: Running | undefined;

  constructor(state: StateTeller, onTurn: () => void = () => {}) {
    this.#state = state;
    this.#onTurn = onTurn;
  }

  get runs(): Runs {
    return this.#runs;
  }

  get running(): Readonly<Running> | undefined {
    return this.#running;
  }

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  /** `clears`: what failed before is over. */
  turn(runs: Runs, clears = false): void {
    const isOther = runs.active?.id !== this.#runs.active?.id;
    this.#runs = runs;
    if (isOther) this.#onTurn();
    this.#state.set({ runId: runs.active?.id ?? null, ...(clears ? { hasFailed: false } : {}) });
  }

  begin(auditId: AuditId, runId: string): void {
    this.#running = { auditId, runId, isCancelled: false };
    this.#state.set({ isBusy: true, hasFailed: false });
  }

  callOff(): void {
    if (this.#running !== undefined) this.#running.isCancelled = true;
  }

  /** A command of this run could not be done. */
  fail(runId: string): void {
    this.turn(ended(this.#runs, runId));
    this.#state.set({ hasFailed: true });
  }

  /** The outcome of what runs is known: the next may come. */
  end(auditId: AuditId, isSuccess: boolean): void {
    const running = this.#running;
    if (running?.auditId !== auditId) return;
    this.#running = undefined;
    if (isSuccess) this.#state.set({ isBusy: false });
    else {
      this.#state.set({ isBusy: false, hasFailed: !running.isCancelled });
      this.turn(ended(this.#runs, running.runId));
    }
  }
}
