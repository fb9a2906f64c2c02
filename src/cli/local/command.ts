/** `agent cancel` and `agent drain`: what a person beside the machine asks of its agent. */
import type { AuditId } from "../../core/assignment.ts";
import { openOutput } from "../output.ts";
import { findAgent, type LocalCommandOptions } from "./find-agent.ts";

export type CancelOptions = LocalCommandOptions & { readonly reason?: string };

/** @throws {ServantError} `assignment.absent`, `assignment.not-open`, `local.*` */
export async function cancel(auditId: string, options: CancelOptions): Promise<number> {
  await findAgent(options).cancel(auditId as AuditId, options.reason);
  const out = openOutput(process.stdout, process.env);
  if (options.json) out.json({ status: "ok", auditId });
  else out.line(`${auditId} is called off: what has started is told to stop`);
  return 0;
}

export async function drain(options: LocalCommandOptions): Promise<number> {
  const agent = findAgent(options);
  const { inHand, outbox } = await agent.status();
  await agent.drain();
  const { pid } = agent.target;
  const out = openOutput(process.stdout, process.env);
  if (options.json) out.json({ status: "ok", pid, inHand: inHand.length, outbox: outbox.waiting });
  else out.line(`agent ${pid} stops: ${inHand.length} in hand, ${outbox.waiting} results to go`);
  return 0;
}
