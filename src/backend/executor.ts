/**
 * Carries plans out, one at a time: dispatches each step, and plans again from what is believed
 * then when a step fails, an observation contradicts it, or the state changed from outside.
 */

import type { AuditId } from "../core/assignment.ts";
import type { Atom } from "../core/atom.ts";
import { bindCondition, conditionText, isMet } from "../core/condition.ts";
import { type ErrorCode, ServantError } from "../core/errors.ts";
import { fingerprint } from "../core/fingerprint.ts";
import { type GroundStep, groundStep } from "../core/outcome.ts";
import { type Attempt, type AttemptPorts, attemptStep } from "./attempt.ts";
import { checkedParams } from "./ground-step.ts";
import { keptOut } from "./keep-out.ts";
import type { Planned, Plans } from "./plans.ts";
import { stepText } from "./progress.ts";

/** Plans made in a row without a confirmed step that led to a state not seen before. */
export const REPLANS_MAX = 5;

export interface ExecutorPorts extends AttemptPorts {
  readonly plans: Plans;
}
export interface Execution {
  /** Every attempt in order, failed ones too. */
  readonly attempts: readonly Attempt[];
  readonly success: boolean;
  /** Why it ended. */
  readonly message: string;
  /** `execution.cancelled` or `execution.stopped`, when it did not end by itself. */
  readonly code?: ErrorCode;
}
/** What an execution is at now. */
interface Run {
  readonly goal: readonly Atom[];
  readonly attempts: Attempt[];
  /** Its end at once: the world is left alone. */
  readonly stopped: AbortSignal;
  /** Its end after the step that is under way: what that one does is believed. */
  readonly cancelled: AbortController;
  /** Either of them. */
  readonly halted: AbortSignal;
  /** The step that is under way. */
  auditId: AuditId | undefined;
  /** States that were seen: going back to one is no progress. */
  readonly seen: Set<string>;
  now: string;
  fruitless: number;
}

export class Executor {
  readonly #ports: ExecutorPorts;
  #run: Run | undefined;
  /** Resolves when the last execution has ended. */
  #ended: Promise<void> = Promise.resolve();
  #stop = new AbortController();
  /** What was triggered and is not over: the next step is judged by the state after it. */
  readonly #triggers = new Set<Promise<Attempt>>();

  constructor(ports: ExecutorPorts) {
    this.#ports = ports;
  }

  /** What runs now, in words; undefined when nothing does. */
  get running(): string | undefined {
    return this.#run === undefined ? undefined : `${this.#run.goal.join(", ")}: ${this.#run.now}`;
  }

  /**
   * Reaches the goal, or finds out that it cannot. The goal is the one of now: a later one is for
   * the next execution.
   *
   * @throws {ServantError} `execution.running`, or `plan.none` with the planner's reason when
   *   there was no plan to begin with.
   */
  async execute(): Promise<Execution> {
    if (this.running !== undefined) {
      throw new ServantError(
        "execution.running",
        `Cannot execute: an execution is running (${this.running})`,
      );
    }
    const { world, plans } = this.#ports;
    const run = begun(world.goal, this.#stop.signal);
    this.#run = run;
    const ending = Promise.withResolvers<void>();
    this.#ended = ending.promise;
    try {
      const planned = await plans.current({ signal: run.halted });
      if (planned.plan === null && !run.halted.aborted) throw noPlan(planned);
      const execution = await this.#carryOut(run, planned.plan ?? []);
      const { success, message } = execution;
      this.#ports.log(success ? "info" : "warn", `execution ended: ${message}`, { success });
      this.#ports.observe({ type: "done", success, message });
      return execution;
    } finally {
      this.#run = undefined;
      ending.resolve();
    }
  }

  /**
   * Does one transition, without planning and whatever its preconditions say. Keep-outs hold.
   *
   * @throws {ServantError} `transition.unknown`, `assignment.bad-params`, `provider.missing`,
   *   `step.keep-out`
   */
  async trigger(name: string, params: Readonly<Record<string, string>>): Promise<Attempt> {
    const { world, servants, log } = this.#ports;
    const def = world.vocabulary.transitions.get(name);
    if (servants.providerOf(name) === undefined) {
      if (def === undefined) world.vocabulary.transition(name); // throws: it is not known at all
      throw new ServantError(
        "provider.missing",
        `Cannot trigger "${name}": no servant provides it`,
      );
    }
    const step =
      def === undefined
        ? { transition: name, parameters: params, adds: [], removes: [] }
        : groundStep(
            def,
            checkedParams(def, params, (object) => world.object(object)?.type),
          );
    const place = keptOut(step, world.state());
    if (place !== undefined) {
      throw new ServantError(
        "step.keep-out",
        `Cannot trigger ${stepText(step)}: no_entry(${place}) holds`,
      );
    }
    log("info", `triggered ${stepText(step)}: preconditions are not looked at`, {});
    const attempt = attemptStep(this.#ports, step, this.#stop.signal);
    this.#triggers.add(attempt);
    return await attempt.finally(() => this.#triggers.delete(attempt));
  }

  /**
   * Lets the execution end after the step that is under way, whose outcome counts as ever; for an
   * audit id, only if it is that step's: after a cancel nothing moves on unasked. False when there
   * is none.
   */
  cancel(auditId: AuditId | undefined, reason: string): boolean {
    const run = this.#run;
    if (run === undefined || (auditId !== undefined && run.auditId !== auditId)) return false;
    run.cancelled.abort(reason);
    return true;
  }

  /**
   * Ends what runs: its open steps fail, the world is left alone; with `isTold` servants are told to
   * call off what they have in hand. Resolves when it has ended.
   */
  stop(reason: string, told: { readonly isTold: boolean }): Promise<void> {
    this.#stop.abort(reason);
    this.#stop = new AbortController();
    this.#ports.servants.stopAll(reason, told);
    return this.#ended;
  }

  async #carryOut(run: Run, first: readonly GroundStep[]): Promise<Execution> {
    const { log, observe, plans } = this.#ports;
    let steps = first;
    for (;;) {
      if (run.halted.aborted) return halted(run);
      observe({ type: "planned", steps });
      const reason = await this.#follow(run, steps);
      const last = run.attempts.at(-1);
      if (run.stopped.aborted) return halted(run);
      if (this.#isReached(run.goal)) return ended(run, "the goal is reached", true);
      if (run.halted.aborted) return halted(run);
      run.fruitless += 1;
      if (run.fruitless > REPLANS_MAX) {
        return ended(run, `gave up after ${REPLANS_MAX} plans without progress: ${reason}`);
      }
      log("info", `planning again: ${reason}`, { event: "replanning" });
      observe({ type: "replanning", reason });
      run.now = "planning again";
      const planned = await plans.for(run.goal, {
        signal: run.halted,
        allowed: this.#providedAfter(last),
      });
      if (planned.plan === null && !run.halted.aborted) {
        return ended(run, `${reason}; ${planned.reason}`);
      }
      steps = planned.plan ?? [];
    }
  }

  /** Takes the steps until the goal holds; returns why the rest of the plan is of no use. */
  async #follow(run: Run, steps: readonly GroundStep[]): Promise<string> {
    const { world } = this.#ports;
    run.seen.add(fingerprintOf(world.state()));
    for (const [index, step] of steps.entries()) {
      await Promise.allSettled(this.#triggers);
      if (run.halted.aborted) return "it was halted";
      const obstacle = this.#obstacle(step);
      if (obstacle !== undefined) return `${stepText(step)} is not possible now: ${obstacle}`;
      run.now = `step ${index + 1} of ${steps.length}, ${stepText(step)}`;
      run.auditId = crypto.randomUUID() as AuditId;
      const attempt = await attemptStep(this.#ports, step, run.stopped, run.auditId);
      run.auditId = undefined;
      run.attempts.push(attempt);
      if (!attempt.success) return attempt.message;
      const state = fingerprintOf(world.state());
      if (!run.seen.has(state)) run.fruitless = 0;
      run.seen.add(state);
      if (this.#isReached(run.goal)) break;
    }
    return "the plan ended and the goal does not hold";
  }

  /** A provider that was missing will be missing again: plan around what nobody provides. */
  #providedAfter(last: Attempt | undefined): (step: GroundStep) => boolean {
    if (last?.code !== "provider.missing" && last?.code !== "servant.lost") return () => true;
    return (step) => this.#ports.servants.providerOf(step.transition) !== undefined;
  }

  /** What stands against a step in the present state: it may not be what was planned for. */
  #obstacle(step: GroundStep): string | undefined {
    const { world } = this.#ports;
    const { preconditions } = world.vocabulary.transition(step.transition);
    const unmet = preconditions
      .map((condition) => bindCondition(condition, step.parameters))
      .find((condition) => !isMet(condition, (atom) => world.holds(atom)));
    if (unmet !== undefined) return `${conditionText(unmet)} is required`;
    const place = keptOut(step, world.state());
    return place === undefined ? undefined : `no_entry(${place}) holds`;
  }

  #isReached(goal: readonly Atom[]): boolean {
    return goal.every((text) => this.#ports.world.holds(text));
  }
}

function begun(goal: readonly Atom[], stopped: AbortSignal): Run {
  const cancelled = new AbortController();
  const halted = AbortSignal.any([stopped, cancelled.signal]);
  const fresh = { attempts: [], auditId: undefined, seen: new Set<string>(), fruitless: 0 };
  return { goal, stopped, cancelled, halted, now: "planning", ...fresh };
}

function halted(run: Run): Execution {
  const { stopped, cancelled } = run;
  return stopped.aborted
    ? { ...ended(run, `stopped: ${stopped.reason}`), code: "execution.stopped" }
    : { ...ended(run, `cancelled: ${cancelled.signal.reason}`), code: "execution.cancelled" };
}

function ended({ attempts }: Run, message: string, success = false): Execution {
  return { attempts, success, message };
}

function noPlan({ reason, detail }: Planned): ServantError {
  return new ServantError("plan.none", `Cannot execute: ${reason}: ${detail}`);
}

function fingerprintOf(state: ReadonlySet<Atom>): string {
  return fingerprint([...state].sort().join(" "));
}
