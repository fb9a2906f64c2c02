/** What a run tells as it goes, as clients read it. */
import type { JsonObject } from "../core/json.ts";
import { describeStep, type Progress } from "./progress.ts";
import { describePlan } from "./reasons.ts";

export function describeProgress(progress: Progress): JsonObject {
  if (progress.type === "planned") return { type: progress.type, ...describePlan(progress) };
  if (!("auditId" in progress)) return { ...progress };
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
