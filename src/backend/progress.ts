/** What an execution tells of itself as it goes, for displays. Nothing depends on who listens. */
import type { AuditId } from "../core/assignment.ts";
import type { StepDef } from "../core/domain.ts";
import type { JsonObject } from "../core/json.ts";
import type { PlanMade } from "./reasons.ts";

/** One ground transition of a plan or a trigger: object names by parameter, in declared order. */
export type Step = StepDef;

interface StepNews {
  readonly auditId: AuditId;
  readonly step: Step;
  /** The step whose script it is part of. */
  readonly parent?: AuditId;
}
export type Progress =
  /** A plan was made, or taken from the cache: these steps remain. */
  | ({ readonly type: "planned" } & PlanMade)
  | (StepNews & {
      readonly type: "step.started";
      /** The servant that has it; absent when it is a script. */
      readonly servantId?: string;
    })
  /** A step that is a script was laid out as so many legs. */
  | (StepNews & { readonly type: "script.begun"; readonly legs: number })
  | (StepNews & {
      readonly type: "step.finished";
      readonly success: boolean;
      readonly message: string;
    })
  | { readonly type: "replanning"; readonly reason: string }
  /** A block of a mission, in words. */
  | { readonly type: "block.started"; readonly block: string }
  | {
      readonly type: "block.finished";
      readonly block: string;
      readonly success: boolean;
      readonly message: string;
    }
  | { readonly type: "done"; readonly success: boolean; readonly message: string };

/** `move(start=room_one, end=room_two)` */
export function stepText({ transition, parameters }: Step): string {
  const given = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return `${transition}(${given.join(", ")})`;
}

/** A step as a PrimitiveAction. */
export function describeStep({ transition, parameters }: Step): JsonObject {
  return { action_name: transition, parameters };
}
