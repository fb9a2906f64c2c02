/**
 * Says what is wrong with a value that a peer sent. `zod/mini` brings no words for it, and its
 * dictionary is larger than the few that are needed here.
 */
import type * as z from "zod/mini";

/** What the schemas' types are called by those who write JSON. */
const JSON_TYPES: Readonly<Record<string, string>> = { record: "object", int: "integer" };

/** The first thing that is wrong, and where in the value it is; "" when it is the whole value. */
export function problemOf({ issues }: Pick<z.core.$ZodError, "issues">): {
  readonly where: string;
  readonly reason: string;
} {
  const [issue] = issues;
  if (issue === undefined) return { where: "", reason: "not as declared" };
  return { where: issue.path.join("."), reason: reasonOf(issue) };
}

function reasonOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "unrecognized_keys":
      return `there is no ${issue.keys.map((key) => `"${key}"`).join(", ")}`.slice(0, 200);
    case "invalid_value":
      return `none of ${issue.values.join(", ")}`;
    case "invalid_type":
      return `not of type ${JSON_TYPES[issue.expected] ?? issue.expected}`;
    case "too_big":
      return `more than ${issue.maximum}${lengthOf(issue.origin)}`;
    case "too_small":
      return `less than ${issue.minimum}${lengthOf(issue.origin)}`;
    default:
      return issue.message;
  }
}

function lengthOf(origin: string): string {
  return origin === "string" ? " characters" : "";
}
