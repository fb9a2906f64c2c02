/** `agent call goal`: prints the goal, or sets it. */
import { parseGoalAtom } from "../../core/expression.ts";
import { printable } from "../output.ts";
import { type CallOptions, withBackend } from "./context.ts";

export async function goal(texts: readonly string[], options: CallOptions): Promise<number> {
  const wanted = texts.map(parseGoalAtom); // before anything is asked of the backend
  return withBackend(options, async ({ orchestrator, out, json }) => {
    if (wanted.length > 0) await orchestrator.setGoal(wanted);
    const atoms = wanted.length > 0 ? wanted : await orchestrator.getGoal();
    if (json) out.json(atoms);
    else if (wanted.length > 0) out.line(`Goal set: ${atoms.map(printable).join(", ")}`);
    else if (atoms.length === 0) out.line(out.paint.dim("no goal set"));
    else for (const atom of atoms) out.line(printable(atom));
    return 0;
  });
}
