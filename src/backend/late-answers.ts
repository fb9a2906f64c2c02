/**
 * Answers that come when nobody waits for them any more: the run was cut off by the end of the
 * backend, stopped, called off, or its servant was given up. What they prove is believed all the
 * same, or the next plan would do once more what was done.
 */
import type { AuditId, Result } from "../core/assignment.ts";
import type { Clock } from "../core/ports.ts";
import { askBeliefs, believe } from "./belief.ts";
import type { Legwork } from "./legwork.ts";
import { stepText } from "./progress.ts";
import type { Runs } from "./runs.ts";
import type { Log, Servants } from "./servants.ts";
import type { Traces } from "./traces.ts";
import type { Unanswered, Unfinished } from "./unanswered.ts";
import type { World } from "./world.ts";

/** How often it is looked at whether a servant's hand is free, in milliseconds. */
const LOOK_MS = 100;

export interface LatePorts {
  readonly clock: Clock;
  readonly world: World;
  readonly servants: Servants;
  readonly runs: Runs;
  readonly legwork: Legwork;
  readonly traces: Traces;
  readonly unanswered: Unanswered;
  readonly log: Log;
}

export class LateAnswers {
  readonly #ports: LatePorts;
  readonly #believing = new Set<Promise<void>>();

  /** What an earlier life was told and had no time to believe is believed now. */
  constructor(ports: LatePorts) {
    this.#ports = ports;
    for (const step of ports.unanswered.unbelieved()) this.#begin(step);
  }

  /** Takes an answer that nobody waits for; false when its step is not known, or was answered. */
  take(auditId: AuditId, result: Result): boolean {
    const { unanswered } = this.#ports;
    const step = unanswered.get(auditId);
    if (step === undefined) return false;
    unanswered.answered(auditId, result);
    this.#begin(step);
    return true;
  }

  /**
   * Resolves when what was answered late is believed and the servant that would do the transition
   * has no earlier step in hand, by what it says; one that was not heard since the backend began
   * is given the time until it counts as lost. Ends early with `halted`.
   */
  async settled(halted: AbortSignal, transition?: string): Promise<void> {
    const { clock, log, servants } = this.#ports;
    let isTold = false;
    for (;;) {
      await Promise.all(this.#believing);
      const servant = transition === undefined ? undefined : servants.providerOf(transition);
      const step = servant === undefined ? undefined : servants.earlierStepOf(servant);
      if (step === undefined || halted.aborted) return;
      if (!isTold) {
        const text = `waiting: servant ${servant?.id} may still be at ${stepText(step.step)}`;
        log("warn", text, { auditId: step.auditId });
      }
      isTold = true;
      await clock.sleep(LOOK_MS, halted);
    }
  }

  /** What may still be under way, in words; undefined when nothing may. */
  get warning(): string | undefined {
    const open = this.#ports.unanswered.open();
    if (open.length === 0) return undefined;
    const shown = open.slice(-3).map(({ step, servantId }) => `${stepText(step)} (${servantId})`);
    const text = open.length > 3 ? `, and ${open.length - 3} more` : "";
    return `an earlier step may still be under way: ${shown.join(", ")}${text}`;
  }

  #begin(step: Unfinished): void {
    const believed = this.#believe(step)
      .catch((cause) => {
        const { auditId } = step;
        this.#ports.log("error", `a late answer is not believed: ${String(cause)}`, { auditId });
      })
      .finally(() => {
        this.#ports.unanswered.forget(step.auditId);
        this.#believing.delete(believed);
      });
    this.#believing.add(believed);
  }

  async #believe(late: Unfinished): Promise<void> {
    const { world, servants, runs, traces, log } = this.#ports;
    const { auditId, runId, answer } = late;
    if (answer === undefined) return;
    const step = { ...late.step, adds: late.adds, removes: late.removes };
    const beliefs = await askBeliefs(servants, step);
    // Judged after the question: meanwhile somebody may have said what holds.
    const isOverruled = late.isOverruled || !this.#isKnown(late);
    const result = isOverruled ? { ...answer, success: false } : answer;
    const doubt = believe(this.#ports, { step, before: world.scene(), result }, beliefs);
    if (doubt === undefined) this.#noteLeg(late);
    const success = isOverruled ? answer.success : doubt === undefined;
    const reason = isOverruled ? answer.message : (doubt?.reason ?? answer.message);
    const note = isOverruled
      ? "the state was set since it was begun: only what was observed is believed"
      : reason;
    const message = note === "" ? "answered late" : `answered late: ${note}`;
    runs.amend(runId, auditId, { success, message }, answer.telemetry);
    const text = `${stepText(step)} ${success ? "done" : "failed"}, ${message}`;
    log(success ? "info" : "warn", text, { auditId, runId, success });
    traces.add("behavior_end", text, {
      ...{ run_id: runId, audit_id: auditId, action_name: step.transition },
      ...{ parameters: step.parameters, success, reason: message, late: true },
    });
  }

  /** A leg that is done is not to be flown again; when the script was begun anew it says nothing. */
  #noteLeg({ completes, step }: Unfinished): void {
    const { legwork } = this.#ports;
    legwork.forget(step); // if it is a script itself: confirmed, it is to be done whole
    if (completes === undefined) return;
    const { of, legs } = completes;
    if ((legwork.of(of)?.done ?? 0) + 1 === legs.done) legwork.note(of, legs);
  }

  /** Objects may have gone since: then it says nothing of this world, which is told with the answer. */
  #isKnown({ adds, removes }: Unfinished): boolean {
    return [...adds, ...removes].every((text) => this.#ports.world.isAtom(text));
  }
}
