/**
 * A goal, pursued: plans, dispatches each step, and plans again from what is believed then when a
 * step fails, an observation contradicts it, or the state changed from outside.
 */
import type { Atom } from "../core/atom.ts";
import { fingerprint } from "../core/fingerprint.ts";
import type { GroundStep } from "../core/outcome.ts";
import type { CausalLinks } from "../planner/causal-links.ts";
import { type AttemptPorts, attemptStep } from "./attempt.ts";
import { Effort } from "./effort.ts";
import { prepare } from "./obstacle.ts";
import type { Planned, Plans } from "./plans.ts";
import { stepText } from "./progress.ts";
import type { Place, PlanMade } from "./reasons.ts";
import type { Attempt, Attempts, Ending } from "./results.ts";
import type { Run } from "./run.ts";
import { afterStep, sceneOf } from "./scene.ts";
import { isScripted } from "./script.ts";

export interface PursuitPorts extends AttemptPorts {
  readonly plans: Plans;
  /** Plans made in a row without progress, at most. */
  readonly replansMax: number;
  /** What a run has come to is kept. */
  readonly note: (run: Run) => void;
}

export class Pursuit {
  readonly #ports: PursuitPorts;
  readonly #run: Run;
  readonly #goal: readonly Atom[];
  readonly #into: Attempts;
  readonly #effort: Effort;
  /** Transitions that cannot be done, unless somebody comes who provides them. */
  readonly #barren = new Set<string>();
  /** Scripts that cannot be laid out, each with the world's revision in which that was seen. */
  readonly #refused: { readonly step: GroundStep; readonly revision: number }[] = [];
  /** The state as it was when the plan was made, and as each step of it should have left it. */
  #expected: ReadonlySet<Atom> = new Set();

  constructor(ports: PursuitPorts, run: Run, goal: readonly Atom[], into: Attempts) {
    this.#ports = ports;
    this.#run = run;
    this.#goal = goal;
    this.#into = into;
    this.#effort = new Effort(ports.replansMax);
  }

  /**
   * Reaches the goal, or finds out that it cannot: code `plan.none` when there was no plan to begin
   * with. Never rejects.
   */
  async reach(first: Promise<Planned>): Promise<Ending> {
    const run = this.#run;
    this.#expected = this.#ports.world.state();
    let planned = await first;
    let reason = "";
    for (;;) {
      if (run.halted.aborted) return run.halt();
      if (planned.plan === null) return none(planned, reason);
      reason = await this.#follow(
        planned.plan,
        this.#tellPlan(planned.plan, planned.links, reason),
      );
      if (run.stopped.aborted) return run.halt();
      if (this.#isReached()) return { success: true, message: "the goal is reached" };
      if (run.halted.aborted) return run.halt();
      if (!this.#effort.again()) {
        const plans = `${this.#ports.replansMax} plans without progress`;
        return { success: false, message: `gave up after ${plans}: ${reason}` };
      }
      planned = await this.#again(reason);
    }
  }

  #tellPlan(
    plan: readonly GroundStep[],
    links: readonly CausalLinks[],
    replanned: string,
  ): PlanMade {
    const steps = plan.map(({ transition, parameters }, index) => {
      const why = links[index];
      return { transition, parameters, ...(why === undefined ? {} : { links: why }) };
    });
    return this.#run.follow({ steps, ...(replanned === "" ? {} : { replanned }) });
  }

  async #again(reason: string): Promise<Planned> {
    const { log, plans } = this.#ports;
    const run = this.#run;
    log("info", `planning again: ${reason}`, { event: "replanning" });
    run.tell({ type: "replanning", reason });
    run.now = "planning again";
    const why = `planning again: ${reason}`;
    const wish = { signal: run.halted, allowed: this.#allowed(), why, runId: run.id };
    this.#expected = this.#ports.world.state();
    return await plans.for(this.#goal, wish);
  }

  /** Takes the steps until the goal holds; returns why the rest of the plan is of no use. */
  async #follow(steps: readonly GroundStep[], plan: PlanMade): Promise<string> {
    const { world, quiet } = this.#ports;
    const run = this.#run;
    this.#effort.reached(fingerprintOf(world.state()));
    for (const [index, step] of steps.entries()) {
      await quiet(run.halted, step.transition);
      if (run.halted.aborted) return "it was halted";
      const change = changeText(this.#expected, world.state());
      if (change !== "") {
        if (this.#isReached()) break;
        const fault = this.#faultAhead(steps.slice(index));
        if (fault !== undefined) return `the state is not as planned (${change}): ${fault}`;
      }
      const prepared = prepare(world, step);
      if ("obstacle" in prepared) return prepared.obstacle.message;
      const place = `step ${index + 1} of ${steps.length}`;
      run.now = `${place}, ${stepText(prepared.step)}`;
      this.#expected = afterStep(world, prepared.step, world.scene());
      const why = `${place} to ${goalText(this.#goal)}`;
      const ending = await this.#attempt(prepared.step, why, { plan, index });
      if (!ending.success) return ending.message;
      this.#effort.reached(fingerprintOf(world.state()));
      if (this.#isReached()) break;
    }
    return "the plan ended and the goal does not hold";
  }

  async #attempt(step: GroundStep, why: string, place: Place): Promise<Ending> {
    const run = this.#run;
    const tried: Attempt[] = [];
    const into = {
      push: (attempt: Attempt) => {
        tried.push(attempt);
        this.#into.push(attempt);
      },
    };
    const ending = await attemptStep(this.#ports, step, {
      ...{ run, why, place, into, effort: this.#effort },
      note: () => this.#ports.note(run),
    });
    const { code } = ending;
    if (code !== undefined && BARREN.has(code)) this.#barren.add(step.transition);
    // One that was laid out is laid out anew from where things are then.
    const wasLaidOut = tried.some(({ course }) => course !== undefined);
    if (code !== undefined && REFUSED.has(code) && !wasLaidOut) {
      this.#refused.push({ step, revision: this.#ports.world.revision });
    }
    return ending;
  }

  /**
   * A provider that was missing will be missing again: plan around what nobody provides, and around
   * what could not be laid out in the world as it still is.
   */
  #allowed(): (step: GroundStep) => boolean {
    const { servants, world } = this.#ports;
    const isBarren = ({ transition }: GroundStep) =>
      servants.providerOf(transition) === undefined &&
      (!isScripted(world, transition) || this.#barren.has(transition));
    const refused = this.#refused.filter(({ revision }) => revision === world.revision);
    const isRefused = (step: GroundStep) => refused.some((each) => isSame(each.step, step));
    return (step) =>
      !(this.#barren.size > 0 && isBarren(step)) && !(refused.length > 0 && isRefused(step));
  }

  /** Why the steps no longer lead to the goal, on paper; undefined when they still do. */
  #faultAhead(steps: readonly GroundStep[]): string | undefined {
    const { world } = this.#ports;
    let state = world.state();
    for (const planned of steps) {
      const scene = sceneOf(world, state);
      const prepared = prepare(world, planned, scene);
      if ("obstacle" in prepared) return `on paper ${prepared.obstacle.message}`;
      state = afterStep(world, prepared.step, scene);
    }
    const missed = this.#goal.find((text) => !state.has(text));
    return missed === undefined ? undefined : `${missed} would not be reached`;
  }

  #isReached(): boolean {
    return this.#goal.every((text) => this.#ports.world.holds(text));
  }
}

/** Another plan with the same step would end the same way. */
const BARREN: ReadonlySet<string> = new Set(["provider.missing", "servant.lost", "domain.invalid"]);

/** The world as it is does not let the step be done: not before something changes. */
const REFUSED: ReadonlySet<string> = new Set(["step.keep-out", "object.invalid"]);

/** A planner may see a step with further parameters than its transition declares. */
function isSame(step: GroundStep, planned: GroundStep): boolean {
  return (
    step.transition === planned.transition &&
    Object.entries(step.parameters).every(([name, value]) => planned.parameters[name] === value)
  );
}

const CHANGES_SHOWN = 4;
/** What is at most shown of a goal in one line, in characters. */
const GOAL_CHARACTERS = 200;

export function goalText(goal: readonly string[]): string {
  const text = goal.join(", ");
  return text.length > GOAL_CHARACTERS ? `${text.slice(0, GOAL_CHARACTERS)}...` : text;
}

/** What differs, at most the first few atoms of it: `+at(a) -at(b)`. */
function changeText(expected: ReadonlySet<Atom>, actual: ReadonlySet<Atom>): string {
  const came = [...actual].filter((text) => !expected.has(text)).map((text) => `+${text}`);
  const went = [...expected].filter((text) => !actual.has(text)).map((text) => `-${text}`);
  return [...came, ...went].slice(0, CHANGES_SHOWN).join(" ");
}

function none({ reason, detail }: Planned, before: string): Ending {
  if (before === "") return { success: false, message: `${reason}: ${detail}`, code: "plan.none" };
  return { success: false, message: `${before}; ${reason}` };
}

function fingerprintOf(state: ReadonlySet<Atom>): string {
  return fingerprint([...state].sort().join(" "));
}
