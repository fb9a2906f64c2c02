/** What is told of a vocabulary that cannot be used. */
import type { Problem } from "../../core/domain.ts";
import { ServantError } from "../../core/errors.ts";

/** Of more mistakes in one file, only the first are told. */
const TOLD_MAX = 10;

/** The failure that tells of these. */
export function unusable(from: string, problems: readonly Problem[]): ServantError {
  const lines = problems.slice(0, TOLD_MAX).map(problemText);
  if (problems.length > TOLD_MAX) lines.push(`and ${problems.length - TOLD_MAX} more`);
  const reason = lines.length === 1 ? ` ${lines[0]}` : lines.map((line) => `\n  ${line}`).join("");
  return new ServantError("domain.invalid", `Cannot use domain "${from}":${reason}`);
}

export function problemText({ place, reason }: Problem): string {
  return place === "" ? reason : `${place}: ${reason}`;
}
