/**
 * What is believed after a step: what the step should do, what the action observed, what the beliefs
 * of the touched fluents say; the later of them wins.
 */
import type { Result } from "../core/assignment.ts";
import { atomParts } from "../core/atom.ts";
import type { Scene } from "../core/domain.ts";
import type { GroundStep } from "../core/outcome.ts";
import { faultsOf, sayings, take } from "./observed.ts";
import { stepText } from "./progress.ts";
import { effectsOf } from "./scene.ts";
import type { Log, Servants } from "./servants.ts";
import type { World } from "./world.ts";

export interface BeliefPorts {
  readonly world: World;
  readonly log: Log;
}
/** A step that was answered. */
export interface Done {
  readonly step: GroundStep;
  /** In which it was begun: what it does is judged in it. */
  readonly before: Scene;
  readonly result: Result;
}
export interface Belief {
  readonly fluent: string;
  readonly result: Result;
}

/** Asks what holds of the fluents that the step may touch, of the servants that observe them. */
export function askBeliefs(servants: Servants, step: GroundStep): Promise<Belief[]> {
  const touched = [step, ...(step.effects ?? [])].flatMap(({ adds, removes }) => [
    ...adds,
    ...removes,
  ]);
  const fluents = new Set(touched.map((text) => atomParts(text).fluent));
  const asked = [...fluents].flatMap((fluent) => {
    const observer = servants.observerOf(fluent);
    if (observer === undefined) return [];
    return [servants.observe(observer, fluent).then((result): Belief => ({ fluent, result }))];
  });
  return Promise.all(asked);
}

export interface Doubt {
  readonly reason: string;
  /** It was reported done, and seen not to be. */
  readonly isContradicted: boolean;
}

/** Changes the world by what is known now; returns why the step does not count, if it does not. */
export function believe(
  ports: BeliefPorts,
  { step, before, result }: Done,
  beliefs: readonly Belief[],
): Doubt | undefined {
  const { world } = ports;
  const doubts = beliefs.flatMap(({ fluent, result: { success, message } }) =>
    success ? [] : [`${fluent} could not be observed: ${message}`],
  );
  const unreadable = beliefs.filter(({ result: belief }) => faultsOf(world, belief).length > 0);
  for (const { fluent, result: belief } of unreadable) {
    doubts.push(`${fluent} could not be observed: ${faultsOf(world, belief).join("; ")}`);
  }
  for (const fault of faultsOf(world, result)) {
    ports.log("warn", `set aside what ${stepText(step)} observed: ${fault}`, {
      auditId: result.auditId,
    });
  }
  const readable = beliefs.filter(
    (each) => each.result.success && !each.result.unchecked && !unreadable.includes(each),
  );
  const observations = [result, ...readable.map((each) => each.result)];
  const { adds, removes } = effectsOf(world, step, before);
  const said = sayings(world, observations);
  const missing = adds.filter((text) => said(text) === false);
  const left = removes.filter((text) => said(text) === true);
  const isContradicted = missing.length + left.length > 0;
  // Of a step that was seen not to do what it should, nothing is believed but what was seen.
  if (result.success && doubts.length === 0 && !isContradicted) world.apply(adds, removes);
  for (const each of observations) take(world, each);
  if (!result.success) {
    return { reason: result.message || "the servant could not do it", isContradicted: false };
  }
  if (doubts.length > 0) {
    const reason = `${stepText(step)} is not confirmed: ${doubts.join("; ")}`;
    return { reason, isContradicted: false };
  }
  if (!isContradicted) return undefined;
  const seen = [...missing.map((text) => `not ${text}`), ...left];
  const reason = `reported done, but it was observed that ${seen.join(", ")}`;
  return { reason, isContradicted };
}
