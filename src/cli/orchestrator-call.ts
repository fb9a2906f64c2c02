/** Carries a handler's `ctx.orchestrator` call to the backend. */
import { RemoteOrchestrator } from "../client/orchestrator.ts";
import { isServantError, messageOf, ServantError } from "../core/errors.ts";
import { type Orchestrator, orchestratorMethods } from "../core/handlers.ts";
import type { Json } from "../core/json.ts";
import type { Connection } from "../wire/connection.ts";

/** @throws {ServantError} `usage.invalid` for a method no handler may call; `backend.*` */
export async function callOrchestrator(
  connection: Connection,
  method: string,
  args: readonly Json[],
): Promise<Json> {
  const name = orchestratorMethods.find((each) => each === method);
  if (name === undefined) {
    throw new ServantError("usage.invalid", `Cannot call orchestrator.${method}: no such method`);
  }
  const orchestrator: Orchestrator = new RemoteOrchestrator(connection);
  const call = orchestrator[name] as (...values: readonly Json[]) => Promise<unknown>;
  try {
    return ((await call.apply(orchestrator, [...args])) ?? null) as Json;
  } catch (cause) {
    if (isServantError(cause)) throw cause;
    // The arguments come from a plugin and may be of any kind.
    throw new ServantError(
      "usage.invalid",
      `Cannot call orchestrator.${name}: ${messageOf(cause)}`,
    );
  }
}
