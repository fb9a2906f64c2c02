/** A plan's steps with their reasons: what each needs and serves, as displays and records tell it. */
import { conditionText } from "../core/condition.ts";
import type { JsonObject } from "../core/json.ts";
import type { CausalLinks } from "../planner/causal-links.ts";
import { describeStep, type Step } from "./progress.ts";

/** Of the reasons of one step, so many of each kind are told. */
const REASONS_MAX = 20;

/** A plan, as it was made. */
export interface PlanMade {
  /** The how manieth of its run. */
  readonly number: number;
  /** Why it was made although there was one before. */
  readonly replanned?: string;
  readonly steps: readonly (Step & { readonly links?: CausalLinks })[];
}
/** Why a step is tried, beyond words: its place in a plan. */
export interface Place {
  readonly plan: PlanMade;
  /** From 0. */
  readonly index: number;
}

/** A step of a plan and its reasons as clients read them; steps count from 1. */
export function describePlanned({ links, ...step }: PlanMade["steps"][number]): JsonObject {
  return { ...describeStep(step), ...(links === undefined ? {} : describeLinks(links)) };
}

export function describePlan({ number, replanned, steps }: PlanMade): JsonObject {
  const again = replanned === undefined ? {} : { replanned };
  return { number, ...again, steps: steps.map(describePlanned) };
}

/** Where in which plan a step stands, and why it is there. */
export function describePlace({ plan, index }: Place): JsonObject {
  const { number, replanned, steps } = plan;
  const links = steps[index]?.links;
  return {
    ...{ plan: number, step: index + 1 },
    ...(replanned === undefined || index > 0 ? {} : { replanned }),
    ...(links === undefined ? {} : describeLinks(links)),
  };
}

export function describeLinks({ needs, serves }: CausalLinks): JsonObject {
  const told = needs.slice(0, REASONS_MAX).map(({ from, ...literal }): JsonObject => {
    return { atom: conditionText(literal), from: from === undefined ? null : from + 1 };
  });
  const served = serves.slice(0, REASONS_MAX).map(({ to, ...literal }): JsonObject => {
    return { atom: conditionText(literal), to: to === undefined ? null : to + 1 };
  });
  return { needs: told, serves: served };
}
