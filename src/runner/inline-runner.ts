/**
 * Runs a plugin inside the agent's own process, for debugging: a crash or an endless loop of the
 * plugin then takes the agent with it, and time limits only abort the handler's signal.
 */
import type { Assignment, Result } from "../core/assignment.ts";
import { ServantError } from "../core/errors.ts";
import type { AgentEvent } from "../core/events.ts";
import type { OrchestratorCall } from "../core/handlers.ts";
import { perform } from "../core/perform.ts";
import type { Runner } from "../core/ports.ts";
import { type ContextPorts, handlerContext } from "./context.ts";
import { loadPlugin, type ProvidedModules } from "./load.ts";
import type { PluginReference } from "./reference.ts";
import { TimeLimit, timeoutsOf } from "./time-limit.ts";

export interface InlineOptions {
  readonly modules: ProvidedModules;
  readonly call: OrchestratorCall;
  readonly publish: (event: AgentEvent) => void;
}

/** @throws {ServantError} `plugin.*` */
export async function openInlineRunner(
  reference: PluginReference,
  { modules, call, publish }: InlineOptions,
): Promise<Runner> {
  const plugin = await loadPlugin(reference, modules);
  const timeouts = timeoutsOf(plugin);
  const ports: ContextPorts = {
    call,
    log: (line) => publish({ type: "plugin.log", ...line }),
    progress: (auditId, fraction, message) =>
      publish({ type: "assignment.progress", auditId, fraction, message }),
  };
  return {
    offer: plugin.offer,
    rules: {},
    isReady: true,
    changed: () => new Promise(() => {}),
    reconcile: () => Promise.reject(new ServantError("agent.internal", "")),
    setPaused: () => {},
    async run(assignment: Assignment, signal: AbortSignal): Promise<Result> {
      const limit = new TimeLimit({ assignment, timeouts, signal });
      try {
        return await perform(plugin, assignment, handlerContext(assignment, limit.signal, ports));
      } finally {
        limit.end();
      }
    },
    close: () => Promise.resolve(),
  };
}
