/**
 * One step, attempted: handed to its provider, its answer awaited, the touched fluents observed,
 * and only then believed. A step counts when its servant says so, no observation failed and none
 * contradicts what the step should have made true or false.
 */
import type { AuditId, Result } from "../core/assignment.ts";
import { type Atom, atomParts } from "../core/atom.ts";
import { type ErrorCode, messageOf } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { GroundStep } from "../planner/plan.ts";
import { type Progress, stepText } from "./progress.ts";
import type { Log, Servants } from "./servants.ts";
import type { World } from "./world.ts";

export interface Attempt {
  readonly auditId: AuditId;
  readonly step: GroundStep;
  readonly success: boolean;
  readonly message: string;
  readonly code?: ErrorCode;
  readonly telemetry: Json;
  readonly servantId?: string;
}
export interface AttemptPorts {
  readonly world: World;
  readonly servants: Servants;
  readonly log: Log;
  readonly observe: (progress: Progress) => void;
}

/**
 * Attempts a step under `auditId`; never rejects. When `stopped` aborts, the world is left as it is
 * then.
 */
export async function attemptStep(
  ports: AttemptPorts,
  step: GroundStep,
  stopped: AbortSignal,
  auditId = crypto.randomUUID() as AuditId,
): Promise<Attempt> {
  const provider = ports.servants.providerOf(step.transition);
  if (provider === undefined) {
    const message = `Cannot execute ${stepText(step)}: no servant provides "${step.transition}"`;
    return finish(ports, {
      auditId,
      step,
      success: false,
      message,
      code: "provider.missing",
      telemetry: {},
    });
  }
  const servantId = provider.id;
  const text = stepText(step);
  ports.log("info", `started ${text}`, { event: "step.started", step: text, auditId, servantId });
  ports.observe({ type: "step.started", auditId, step, servantId });
  const action = { kind: "action", auditId, transition: step.transition } as const;
  const result = await ports.servants.act(provider, { ...action, params: step.parameters });
  const beliefs = stopped.aborted ? [] : await askBeliefs(ports, step);
  const doubt = stopped.aborted
    ? "the execution was stopped"
    : believe(ports, step, result, beliefs);
  const { code, telemetry } = result;
  return finish(ports, {
    auditId,
    step,
    success: doubt === undefined,
    message: doubt ?? result.message,
    telemetry,
    servantId,
    ...(code === undefined ? {} : { code }),
  });
}

function finish({ log, observe }: AttemptPorts, attempt: Attempt): Attempt {
  const { auditId, step, success, message } = attempt;
  const text = stepText(step);
  const outcome = `${text} ${success ? "done" : "failed"}`;
  log(success ? "info" : "warn", message === "" ? outcome : `${outcome}: ${message}`, {
    ...{ event: "step.finished", step: text, success, reason: message },
    auditId,
  });
  observe({ type: "step.finished", auditId, step, success, message });
  return attempt;
}

interface Belief {
  readonly fluent: string;
  readonly result: Result;
}

/** Asks what holds of the fluents that the step touches, of the servants that observe them. */
function askBeliefs({ servants }: AttemptPorts, step: GroundStep): Promise<Belief[]> {
  const fluents = new Set([...step.adds, ...step.removes].map((text) => atomParts(text).fluent));
  const asked = [...fluents].flatMap((fluent) => {
    const observer = servants.observerOf(fluent);
    if (observer === undefined) return [];
    return [servants.observe(observer, fluent).then((result): Belief => ({ fluent, result }))];
  });
  return Promise.all(asked);
}

/** Changes the world by what is known now; returns why the step does not count, if it does not. */
function believe(
  ports: AttemptPorts,
  step: GroundStep,
  result: Result,
  beliefs: readonly Belief[],
): string | undefined {
  const { world } = ports;
  const doubts = beliefs.flatMap(({ fluent, result: { success, message } }) =>
    success ? [] : [`${fluent} could not be observed: ${message}`],
  );
  const unreadable = beliefs.filter(({ result: belief }) => faultsOf(world, belief).length > 0);
  for (const { fluent, result: belief } of unreadable) {
    doubts.push(`${fluent} could not be observed: ${faultsOf(world, belief).join("; ")}`);
  }
  const isDone = result.success && doubts.length === 0;
  if (isDone) world.apply(step.adds, step.removes);
  for (const fault of faultsOf(world, result)) {
    ports.log("warn", `set aside what ${stepText(step)} observed: ${fault}`, {
      auditId: result.auditId,
    });
  }
  take(world, result);
  for (const belief of beliefs) {
    if (belief.result.success && !belief.result.unchecked && !unreadable.includes(belief)) {
      take(world, belief.result);
    }
  }
  if (!result.success) return result.message || "the servant could not do it";
  if (!isDone) return `${stepText(step)} is not confirmed: ${doubts.join("; ")}`;
  const missing = step.adds.filter((text) => !world.holds(text));
  const left = step.removes.filter((text) => world.holds(text));
  if (missing.length + left.length === 0) return undefined;
  const seen = [...missing.map((text) => `not ${text}`), ...left];
  return `reported done, but it was observed that ${seen.join(", ")}`;
}

/** Believes what was observed: exclusive fluents first lose every grounding. */
function take(world: World, { observed, exclusive }: Result): void {
  for (const fluent of exclusive) if (world.vocabulary.fluents.has(fluent)) world.retract(fluent);
  const readable = observed.filter(({ atom }) => faultOf(world, atom) === undefined);
  const of = (truth: boolean) =>
    readable.filter(({ holds }) => holds === truth).map(({ atom }) => atom);
  if (readable.length > 0) world.apply(of(true), of(false));
}

function faultsOf(world: World, { observed, exclusive }: Result): string[] {
  const unknown = exclusive.filter((fluent) => !world.vocabulary.fluents.has(fluent));
  return [
    ...observed.flatMap(({ atom }) => faultOf(world, atom) ?? []),
    ...unknown.map((fluent) => `there is no fluent "${fluent}"`),
  ];
}

function faultOf(world: World, text: Atom): string | undefined {
  try {
    world.atom(text);
    return undefined;
  } catch (cause) {
    return messageOf(cause);
  }
}
