/** A plugin's process: handlers that succeed, fail, crash, hang or take their time. */
import { type Assignment, emptyResult, type Result } from "../../src/core/assignment.ts";
import type { Atom } from "../../src/core/atom.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { Reconciled } from "../../src/core/handlers.ts";
import type { Offer, Runner } from "../../src/core/ports.ts";
import { domain } from "../../src/core/vocabulary.ts";
import { frozen } from "./content.ts";
import { type Life, never } from "./life.ts";
import type { Surroundings } from "./surroundings.ts";

/** How long a silent event loop is waited for before its process is killed, in milliseconds. */
const HANG_TIMEOUT_MS = 15_000;

const offer: Offer = {
  transitions: ["move"],
  fluents: ["robot_at"],
  domainModules: [],
  vocabulary: domain("simulated", {}),
  startState: [],
  startGoal: [],
};

export class SimRunner implements Runner {
  readonly offer = offer;
  readonly rules = {};
  readonly isReady = true;
  readonly #life: Life;
  readonly #world: Surroundings;
  readonly #running = new Set<Assignment>();
  /** Makes every outcome its own: a second run would be seen by its result. */
  readonly #nextRun: () => number;

  constructor(life: Life, world: Surroundings, nextRun: () => number) {
    this.#life = life;
    this.#world = world;
    this.#nextRun = nextRun;
  }

  run(assignment: Assignment, signal: AbortSignal): Promise<Result> {
    const { auditId, kind } = assignment;
    if (!this.#life.touch(`run ${kind} ${auditId}`)) return never();
    const { faults, oracle, random } = this.#world;
    const running = [...this.#running].map((each) => each.kind);
    oracle.starts(assignment, running);
    this.#running.add(assignment);
    const telemetry = { run: this.#nextRun() };
    return new Promise((resolve, reject) => {
      const end = (ms: number, settle: () => void) => {
        const leave = () => {
          callOff();
          signal.removeEventListener("abort", cancel);
          this.#running.delete(assignment);
        };
        const cancel = () => {
          leave();
          reject(signal.reason);
        };
        const callOff = this.#life.after(ms, () => {
          leave();
          settle();
        });
        signal.addEventListener("abort", cancel, { once: true });
      };
      const tookMs = random.between(1, 3_000);
      if (faults.strikes("child: crashes")) {
        const crash = new ServantError("handler.crashed", "Cannot go on: the process ended");
        return end(tookMs, () => reject(crash));
      }
      if (faults.strikes("child: hangs until killed")) {
        const hang = new ServantError("handler.hung", "Cannot go on: the process was silent");
        return end(HANG_TIMEOUT_MS, () => reject(hang));
      }
      const slowMs = faults.strikes("child: is slow") ? random.between(5_000, 120_000) : 0;
      const success = !faults.strikes("child: reports failure");
      const observed =
        kind === "belief" ? [{ atom: `robot_at(room_${telemetry.run})` as Atom, holds: true }] : [];
      const result = frozen({ ...emptyResult(auditId, success), telemetry, observed });
      end(tookMs + slowMs, () => resolve(result));
    });
  }

  changed(): Promise<void> {
    return never();
  }

  reconcile(): Promise<Reconciled> {
    return never();
  }

  setPaused(): void {}

  async close(): Promise<void> {}
}
