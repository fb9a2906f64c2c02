/** `agent call belief`: has a fluent observed, or says what an atom is. */
import { parseGoalAtom } from "../../core/expression.ts";
import { isJsonObject } from "../../core/json.ts";
import { printable } from "../output.ts";
import { type CallOptions, withBackend } from "./context.ts";

export function belief(
  subject: string,
  value: "true" | "false" | undefined,
  options: CallOptions,
): Promise<number> {
  if (value !== undefined) return setBelief(subject, value === "true", options);
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const answer = await orchestrator.queryBelief(subject);
    if (json) {
      out.json(answer);
      return 0;
    }
    const { dim, red } = out.paint;
    const atoms = isJsonObject(answer.atoms) ? Object.entries(answer.atoms) : [];
    const source = answer.observed === true ? "observed" : "from the state: nobody observes it";
    out.line(dim(typeof answer.message === "string" ? printable(answer.message) : source));
    for (const [atom, holds] of atoms) {
      out.line(holds === true ? printable(atom) : red(`not ${printable(atom)}`));
    }
    if (atoms.length === 0) out.line(dim("nothing of it holds"));
    return 0;
  });
}

async function setBelief(text: string, value: boolean, options: CallOptions): Promise<number> {
  const atom = parseGoalAtom(text); // before anything is asked of the backend
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const answer = await orchestrator.setBelief(atom, value);
    if (json) out.json(answer);
    else out.line(`${printable(atom)} is ${value}`);
    return 0;
  });
}
