/** What an execution tells of itself as it goes, for displays. Nothing depends on who listens. */
import type { AuditId } from "../core/assignment.ts";
import type { StepDef } from "../core/domain.ts";
import type { JsonObject } from "../core/json.ts";

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
  | { readonly type: "planned"; readonly steps: readonly Step[] }
  | (StepNews & {
      readonly type: "step.started";
      /** The servant that has it; absent when it is a script. */
      readonly servantId?: string;
    })
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

/** The same as clients read it. */
export function describeProgress(progress: Progress): JsonObject {
  if (progress.type === "planned") {
    return { type: progress.type, steps: progress.steps.map(describeStep) };
  }
  if (progress.type !== "step.started" && progress.type !== "step.finished") return { ...progress };
  const { auditId, step, parent, type, ...more } = progress;
  const { servantId, ...rest } = { servantId: undefined, ...more };
  return {
    type,
    audit_id: auditId,
    ...describeStep(step),
    ...(parent === undefined ? {} : { parent }),
    ...(servantId === undefined ? {} : { servant_id: servantId }),
    ...rest,
  };
}

/** A step as a PrimitiveAction. */
export function describeStep({ transition, parameters }: Step): JsonObject {
  return { action_name: transition, parameters };
}
