/** The plugin that the simulated process runs: its actions differ in what they say of themselves. */
import type { Assignment } from "../../src/core/assignment.ts";
import type { Loaded } from "../../src/core/child.ts";
import type { ActionRules } from "../../src/core/handlers.ts";
import { domain } from "../../src/core/vocabulary.ts";
import { frozen } from "./content.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";

export const rules = frozen({
  move: { onInterrupted: "fail", uses: ["wheels"], timeoutMs: 60_000 },
  wave: { onInterrupted: "rerun", uses: ["arm"] },
  probe: { onInterrupted: "reconcile", uses: ["arm", "probe"], progressTimeoutMs: 20_000 },
  photograph: { onInterrupted: "rerun", uses: ["camera"], timeoutMs: 20_000 },
  /** Says nothing of what it occupies: nothing runs beside it. */
  dock: { onInterrupted: "fail" },
  /** Computes for long and honestly. */
  map: { onInterrupted: "fail", uses: ["cpu"], hangTimeoutMs: 60_000 },
} as const satisfies Record<string, ActionRules>);

export type Transition = keyof typeof rules;
export const transitions = Object.keys(rules) as [Transition, ...Transition[]];

/** What all processes of a plugin share. */
export interface PluginState {
  readonly loaded: Loaded;
  /** Until then each of its processes dies at once. */
  brokenUntilMs: number;
  /** Counts what handlers did: a second run would be seen by its result. */
  runs: number;
  pids: number;
  /** The one that lives. */
  present?: { readonly process: Process } | undefined;
}

/** One plugin has a safe method, the other one has not. */
export function anyPlugin(random: Random): Loaded {
  const offer = {
    transitions,
    fluents: ["robot_at"],
    domainModules: [],
    vocabulary: domain("simulated", {}),
    startState: [],
    startGoal: [],
  };
  return { offer, rules, hasSafe: random.chance(0.7), hooks: [], hasShutdown: false };
}

/** What the assignment's action says of itself; undefined for anything else. */
export function rulesFor(assignment: Assignment): ActionRules | undefined {
  return assignment.kind === "action" ? rules[assignment.transition as Transition] : undefined;
}
