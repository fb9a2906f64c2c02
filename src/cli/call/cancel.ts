/** `agent call cancel`: calls off the execution and what is handed out, or one assignment. */
import type { CancelAnswer } from "../../client/answers.ts";
import { printable } from "../output.ts";
import { type CallOptions, withBackend } from "./context.ts";

export type CancelOptions = CallOptions & { readonly reason?: string };

export function cancel(auditId: string | undefined, options: CancelOptions): Promise<number> {
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const answer = await orchestrator.cancel(auditId, options.reason);
    if (json) {
      out.json(answer);
      return 0;
    }
    const { cancelled, execution } = answer;
    if (execution) out.line("the execution ends");
    for (const one of cancelled) out.line(`${printable(one.what)}: ${fate(one)}`);
    if (!execution && cancelled.length === 0) out.line("nothing runs: nothing to cancel");
    return 0;
  });
}

/** What becomes of it: cancelling is not cancelled. */
function fate({ handed_out, servant_id, told }: CancelAnswer["cancelled"][number]): string {
  const servant = `servant ${printable(servant_id)}`;
  if (!handed_out) return "never handed out";
  return told ? `${servant} is told` : `${servant} cannot be told and may go on`;
}
