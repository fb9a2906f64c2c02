/** What an execution tells of itself as it goes, for displays. Nothing depends on who listens. */
import type { AuditId } from "../core/assignment.ts";

/** One ground transition of a plan or a trigger. */
export interface Step {
  readonly transition: string;
  /** Object names by parameter, in declared order. */
  readonly parameters: Readonly<Record<string, string>>;
}

export type Progress =
  /** A plan was made, or taken from the cache: these steps remain. */
  | { readonly type: "planned"; readonly steps: readonly Step[] }
  | {
      readonly type: "step.started";
      readonly auditId: AuditId;
      readonly step: Step;
      /** The servant that has it. */
      readonly servantId: string;
    }
  | {
      readonly type: "step.finished";
      readonly auditId: AuditId;
      readonly step: Step;
      readonly success: boolean;
      readonly message: string;
    }
  | { readonly type: "replanning"; readonly reason: string }
  | { readonly type: "done"; readonly success: boolean; readonly message: string };

/** `move(start=room_one, end=room_two)` */
export function stepText({ transition, parameters }: Step): string {
  const given = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return `${transition}(${given.join(", ")})`;
}
