/**
 * What moves machines, one run at a time: a goal, the blocks of a mission, a script that was
 * triggered. A client that goes away ends nothing: a run is ended by itself, by a cancel or a reset.
 */
import type { AuditId } from "../core/assignment.ts";
import { ServantError } from "../core/errors.ts";
import type { Block } from "../core/mission.ts";
import { type GroundStep, groundStep } from "../core/outcome.ts";
import { type AttemptPorts, attemptStep } from "./attempt.ts";
import { runBlocks } from "./blocks.ts";
import { Effort, REPLANS_MAX } from "./effort.ts";
import { checkedParams } from "./ground-step.ts";
import { keepOuts } from "./keep-out.ts";
import type { LateAnswers } from "./late-answers.ts";
import type { Plans } from "./plans.ts";
import { type Progress, stepText } from "./progress.ts";
import { goalText, Pursuit, type PursuitPorts } from "./pursuit.ts";
import { type Ending, endingOf } from "./results.ts";
import { Run, type RunKind } from "./run.ts";
import type { Runs } from "./runs.ts";
import { isScripted } from "./script.ts";

export interface ExecutorPorts extends Omit<AttemptPorts, "quiet"> {
  readonly plans: Plans;
  readonly lateAnswers: LateAnswers;
  readonly runs: Runs;
  readonly now: () => number;
  readonly observe: (progress: Progress) => void;
  /** `REPLANS_MAX` unless given. */
  readonly replansMax?: number | undefined;
}
/** A run that was begun; `ended` never rejects. */
export interface Begun {
  readonly run: Run;
  readonly ended: Promise<Ending>;
}

const TRIGGERED = "is triggered: preconditions are not looked at";

export class Executor {
  readonly #ports: ExecutorPorts;
  readonly #pursuit: PursuitPorts;
  #current: Begun | undefined;
  #stop = new AbortController();
  /** What was triggered and is not over: the next step is judged by the state after it. */
  readonly #triggers = new Set<Promise<Ending>>();

  constructor(ports: ExecutorPorts) {
    this.#ports = ports;
    this.#pursuit = {
      ...ports,
      replansMax: ports.replansMax ?? REPLANS_MAX,
      note: (run) => ports.runs.note(run),
      quiet: async (halted, transition) => {
        await Promise.allSettled(this.#triggers);
        await ports.lateAnswers.settled(halted, transition);
      },
    };
  }

  /** What runs now, in words; undefined when nothing does. */
  get running(): string | undefined {
    const { run } = this.#current ?? {};
    return run === undefined ? undefined : `${run.what}: ${run.now}`;
  }

  /**
   * Begins to reach the goal. It is the one of now: a later one is for the next execution.
   *
   * @throws {ServantError} `execution.running`
   */
  execute(): Begun {
    const { world, plans, lateAnswers } = this.#ports;
    const { goal } = world;
    return this.#begin("goal", goalText(goal) || "no goal", async (run) => {
      await lateAnswers.settled(run.halted);
      const { warning } = lateAnswers;
      const why = warning === undefined ? "to execute it" : `to execute it; ${warning}`;
      const planned = plans.current({ signal: run.halted, why, runId: run.id });
      return await new Pursuit(this.#pursuit, run, goal, run.outcomes).reach(planned);
    });
  }

  /**
   * Begins to carry out blocks, of a mission if it has a name.
   *
   * @throws {ServantError} `execution.running`
   */
  executeBlocks(blocks: readonly Block[], mission?: string): Begun {
    const what = mission === undefined ? `${blocks.length} blocks` : `mission ${mission}`;
    return this.#begin(mission === undefined ? "blocks" : "mission", what, (run) =>
      runBlocks(this.#pursuit, run, blocks, run),
    );
  }

  /**
   * Begins one transition, without planning and whatever its preconditions say. Keep-outs hold. A
   * script is a run of its own, and not beside another; a step that a servant has is listed by
   * `/runs` when nobody waits for its answer.
   *
   * @throws {ServantError} `transition.unknown`, `assignment.bad-params`, `provider.missing`,
   *   `step.keep-out`, `execution.running`
   */
  trigger(
    name: string,
    params: Readonly<Record<string, string>>,
    { isListed = false }: { readonly isListed?: boolean } = {},
  ): Begun {
    const { world, servants, runs, log } = this.#ports;
    const step = this.#triggered(name, params);
    const reason = keepOuts(world)(step);
    if (reason !== undefined) {
      const problem = `Cannot trigger ${stepText(step)}: ${reason}`;
      throw new ServantError("step.keep-out", problem);
    }
    log("info", `${stepText(step)} ${TRIGGERED}`, {});
    const act = (run: Run, note: () => void) => {
      const effort = new Effort(this.#pursuit.replansMax);
      const task = { run, into: run.outcomes, why: TRIGGERED, effort, note };
      return attemptStep(this.#pursuit, step, task);
    };
    const what = stepText(step);
    const listed = (run: Run) => act(run, () => runs.note(run));
    if (servants.providerOf(name) === undefined) return this.#begin("trigger", what, listed);
    const { now, observe } = this.#ports;
    const options = { kind: "trigger", what, stopped: this.#stop.signal, observe } as const;
    const run = isListed ? runs.begin(options) : new Run({ ...options, now });
    const work = isListed ? listed : (each: Run) => act(each, () => {});
    const ended = this.#carryOut(run, work).then((ending) => {
      this.#triggers.delete(ended);
      if (isListed) {
        run.end(ending);
        runs.note(run);
      }
      return ending;
    });
    this.#triggers.add(ended);
    return { run, ended };
  }

  /**
   * Lets the run end after the step that is under way, whose outcome counts as ever; for an audit
   * id, only if it is that step's: after a cancel nothing moves on unasked. False when there is
   * none.
   */
  cancel(auditId: AuditId | undefined, reason: string): boolean {
    const { run } = this.#current ?? {};
    if (run === undefined || (auditId !== undefined && !run.open.has(auditId))) return false;
    run.cancel(reason);
    return true;
  }

  /**
   * Ends what runs: its open steps fail, the world is left alone; with `isTold` servants are told to
   * call off what they have in hand. Resolves when it has ended.
   */
  async stop(reason: string, told: { readonly isTold: boolean }): Promise<void> {
    this.#stop.abort(reason);
    this.#stop = new AbortController();
    this.#ports.servants.stopAll(reason, told);
    await this.#current?.ended;
  }

  #triggered(name: string, params: Readonly<Record<string, string>>): GroundStep {
    const { world, servants } = this.#ports;
    const def = world.vocabulary.transitions.get(name);
    if (servants.providerOf(name) === undefined && !isScripted(world, name)) {
      if (def === undefined) world.vocabulary.transition(name); // throws: it is not known at all
      const problem = `Cannot trigger "${name}": no servant provides it`;
      throw new ServantError("provider.missing", problem);
    }
    if (def === undefined) return { transition: name, parameters: params, adds: [], removes: [] };
    const checked = checkedParams(def, params, world);
    return groundStep(def, checked);
  }

  #begin(kind: RunKind, what: string, work: (run: Run) => Promise<Ending>): Begun {
    if (this.#current !== undefined) {
      const { run } = this.#current;
      const problem = `Cannot execute: an execution is running (${this.running}), run ${run.id}`;
      throw new ServantError("execution.running", problem);
    }
    const { runs, observe, log } = this.#ports;
    const run = runs.begin({ kind, what, stopped: this.#stop.signal, observe });
    const { warning } = this.#ports.lateAnswers;
    if (warning !== undefined) log("warn", warning, { runId: run.id });
    const ended = this.#carryOut(run, work).then((outcome) => {
      const ending = this.#warned(outcome);
      this.#current = undefined;
      run.end(ending);
      runs.note(run);
      const { success, message } = ending;
      log(success ? "info" : "warn", `execution ended: ${message}`, { success, runId: run.id });
      return ending;
    });
    this.#current = { run, ended };
    return this.#current;
  }

  /** Without a plan nothing waits for what may still be under way: whoever asks is told of it. */
  #warned(ending: Ending): Ending {
    const { warning } = this.#ports.lateAnswers;
    if (ending.code !== "plan.none" || warning === undefined) return ending;
    return { ...ending, message: `${ending.message}; ${warning}` };
  }

  async #carryOut(run: Run, work: (run: Run) => Promise<Ending>): Promise<Ending> {
    try {
      return await work(run);
    } catch (cause) {
      return endingOf(cause); // what was done is listed all the same
    }
  }
}
