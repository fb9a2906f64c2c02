/**
 * One step, attempted: handed to its provider or, when nobody provides it, carried out leg by leg;
 * its answer awaited, the touched fluents observed, and only then believed. A step counts when its
 * servant says so, no observation failed and none contradicts what the step should have made true
 * or false.
 */
import type { AuditId } from "../core/assignment.ts";
import type { GroundStep } from "../core/outcome.ts";
import { askBeliefs, believe, type Done } from "./belief.ts";
import type { Effort } from "./effort.ts";
import { type Step, stepText } from "./progress.ts";
import { describePlace, type Place } from "./reasons.ts";
import { type Attempt, type Attempts, type Ending, endingOf } from "./results.ts";
import type { Run } from "./run.ts";
import { effectsOf } from "./scene.ts";
import { fly, isScripted, type ScriptPorts } from "./script.ts";
import type { Servants } from "./servants.ts";
import type { Traces } from "./traces.ts";
import type { GivenStep, Unanswered } from "./unanswered.ts";
import type { World } from "./world.ts";

export interface AttemptPorts extends ScriptPorts {
  readonly unanswered: Unanswered;
  readonly servants: Servants;
  readonly traces: Traces;
}
/** What a step is attempted for. */
export interface Task {
  readonly run: Run;
  /** The attempt is listed here from its first moment on. */
  readonly into: Attempts;
  readonly why: string;
  readonly place?: Place;
  readonly effort: Effort;
  /** The step whose script it is part of. */
  readonly parent?: AuditId;
  /** When it is done, so much of a script is. */
  readonly completes?: GivenStep["completes"];
  /** Scripts that it is part of. */
  readonly depth?: number;
  /** Before and after every attempt, legs too. */
  readonly note: () => void;
}

/** Attempts a step; never rejects. When the run is stopped, the world is left as it is then. */
export async function attemptStep(
  ports: AttemptPorts,
  step: GroundStep,
  task: Task,
): Promise<Ending> {
  const { world, servants, unanswered } = ports;
  const { run, into, why, place } = task;
  const servantId = servants.providerOf(step.transition)?.id;
  const auditId = crypto.randomUUID() as AuditId;
  const attempt: Attempt = {
    ...{ type: "action", auditId, step: defOf(step), why, legs: [], telemetry: {} },
    ...(servantId === undefined ? {} : { servantId }),
    ...(place === undefined ? {} : { place }),
  };
  into.push(attempt);
  const impossible = impossibility(ports, step, run);
  if (impossible !== undefined) return finish(ports, task, attempt, impossible);
  // What it does is believed of these at its end: they are to be there then.
  const release = world.hold(stepText(step), Object.values(step.parameters));
  const ending = await carriedOut(ports, step, task, attempt).catch(endingOf);
  release();
  unanswered.leave(auditId, { isBelieved: !run.stopped.aborted });
  return finish(ports, task, attempt, ending);
}

async function carriedOut(
  ports: AttemptPorts,
  step: GroundStep,
  task: Task,
  attempt: Attempt,
): Promise<Ending> {
  const { world, servants, unanswered } = ports;
  const { run } = task;
  const { auditId, servantId } = attempt;
  begin(ports, task, attempt);
  const before = world.scene();
  if (servantId !== undefined) {
    const part = task.completes === undefined ? {} : { completes: task.completes };
    const given = { auditId, runId: run.id, servantId, step: defOf(step), ...part };
    unanswered.begin({ ...given, ...effectsOf(world, step, before) });
  }
  const result =
    servantId === undefined
      ? await fly(ports, step, {
          ...{ auditId, halted: run.halted, effort: task.effort, depth: (task.depth ?? 0) + 1 },
          laidOut: (legs) => layOut(task, attempt, legs),
          attempt: (leg, reason, legs) => {
            const { place: _, completes: __, ...rest } = task;
            const part = legs === undefined ? {} : { completes: { of: defOf(step), legs } };
            return attemptStep(ports, leg, {
              ...{ ...rest, ...part, into: attempt.legs, why: reason },
              ...{ parent: auditId, depth: (task.depth ?? 0) + 1 },
            });
          },
        })
      : await servants.act(
          servants.get(servantId),
          {
            ...{ kind: "action", auditId, transition: step.transition },
            params: wireParams(world, step),
          },
          { isRecallable: run.kind !== "trigger" },
        );
  attempt.telemetry = run.remembered(result.telemetry);
  attempt.answer = { success: result.success, message: result.message };
  task.note(); // its servant forgets it now, and the beliefs may take their time
  return await judged(ports, { step, before, result }, task);
}

/** Why it cannot even be begun. */
function impossibility(
  { world, servants }: AttemptPorts,
  { transition, parameters }: GroundStep,
  run: Run,
): Ending | undefined {
  if (!run.mayAttempt()) return run.halt();
  if (servants.providerOf(transition) !== undefined || isScripted(world, transition))
    return undefined;
  const message = `Cannot execute ${stepText({ transition, parameters })}: no servant provides "${transition}"`;
  return { success: false, message, code: "provider.missing" };
}

function layOut({ run, parent }: Task, attempt: Attempt, legs: readonly Step[]): void {
  const { auditId, step } = attempt;
  const part = parent === undefined ? {} : { parent };
  attempt.course = legs;
  run.tell({ type: "script.begun", auditId, step, ...part, legs: legs.length });
}

function begin(
  { log, traces }: AttemptPorts,
  { run, parent, why, note }: Task,
  attempt: Attempt,
): void {
  const { auditId, step, servantId, place } = attempt;
  const text = stepText(step);
  run.open.add(auditId);
  const part = parent === undefined ? {} : { parent };
  const holder = servantId === undefined ? {} : { servantId };
  log("info", `started ${text}`, {
    ...{ event: "step.started", step: text, auditId, why },
    ...part,
    ...holder,
  });
  traces.add("behavior_start", `${text}: ${why}`, {
    ...{ run_id: run.id, audit_id: auditId, action_name: step.transition },
    ...{ parameters: step.parameters, reason: why, servant_id: servantId ?? null },
    ...(place === undefined ? {} : { because: describePlace(place) }),
    ...part,
  });
  run.tell({ type: "step.started", auditId, step, ...part, ...holder });
  note(); // should the backend end now, the next life tells what was under way
}

function finish(
  { log, traces }: AttemptPorts,
  { run, parent, note }: Task,
  attempt: Attempt,
  ending: Ending,
): Ending {
  const { auditId, step } = attempt;
  const { success, message, code } = ending;
  attempt.ending = ending;
  run.open.delete(auditId);
  const text = stepText(step);
  const outcomeText = `${text} ${success ? "done" : "failed"}`;
  const summary = message === "" ? outcomeText : `${outcomeText}: ${message}`;
  const part = parent === undefined ? {} : { parent };
  log(success ? "info" : "warn", summary, {
    ...{ event: "step.finished", step: text, success, reason: message, auditId },
    ...part,
  });
  traces.add("behavior_end", summary, {
    ...{ run_id: run.id, audit_id: auditId, action_name: step.transition },
    ...{ parameters: step.parameters, success, reason: message },
    ...(code === undefined ? {} : { code }),
    ...part,
  });
  run.tell({ type: "step.finished", auditId, step, success, message, ...part });
  note();
  return ending;
}

/** Observes what the step touches, believes what is known then, and says how it ended. */
async function judged(ports: AttemptPorts, done: Done, { run }: Task): Promise<Ending> {
  const beliefs = run.stopped.aborted ? [] : await askBeliefs(ports.servants, done.step);
  if (run.stopped.aborted) {
    return { success: false, message: "the execution was stopped", code: "execution.stopped" };
  }
  const { result, step } = done;
  const doubt = believe(ports, done, beliefs);
  // Confirmed or contradicted: if it is to be done once more, then all of it.
  if (doubt === undefined || doubt.isContradicted) ports.legwork.forget(step);
  const { code } = result;
  return {
    success: doubt === undefined,
    message: doubt?.reason ?? result.message,
    ...(code === undefined ? {} : { code }),
  };
}

/** A Python servant rebuilds its parameters from all that are declared: what is left out is `"None"`. */
function wireParams(
  { vocabulary }: World,
  { transition, parameters }: GroundStep,
): Record<string, string> {
  const { params } = vocabulary.transitions.get(transition) ?? {};
  if (params === undefined) return { ...parameters };
  return Object.fromEntries(params.map(({ name }) => [name, parameters[name] ?? "None"]));
}

function defOf({ transition, parameters }: GroundStep) {
  return { transition, parameters };
}
