/**
 * Runs a plugin inside the agent's own process, for debugging: a crash or an endless loop of the
 * plugin then takes the agent with it, and what does not heed its signal goes on.
 */
import type { SpawnChild } from "../core/child.ts";
import { toServantError } from "../core/errors.ts";
import type { AgentEvent } from "../core/events.ts";
import type { OrchestratorCall } from "../core/handlers.ts";
import { loadedOf, PluginHost } from "./host.ts";
import { loadPlugin, type ProvidedModules } from "./load.ts";
import type { PluginReference } from "./reference.ts";

export interface InlineOptions {
  readonly modules: ProvidedModules;
  readonly call: OrchestratorCall;
  readonly publish: (event: AgentEvent) => void;
}

/** A child that is no process: it cannot be killed. */
export function inlineChild(
  reference: PluginReference,
  { modules, call, publish }: InlineOptions,
): SpawnChild {
  return (hear) => {
    let host: PluginHost | undefined;
    const end = () =>
      queueMicrotask(() => hear({ type: "ended", how: "no more", isHeardOut: true }));
    loadPlugin(reference, modules).then(
      (plugin) => {
        host = new PluginHost(plugin, {
          call,
          report: hear,
          starting: (id) => hear({ type: "started", id }),
          within: (_auditId, work) => work(),
          log: (line) => publish({ type: "plugin.log", ...line }),
        });
        hear({ type: "ready", loaded: loadedOf(plugin) });
      },
      (cause) => {
        const { code, message } = toServantError(cause);
        hear({ type: "broken", code, message });
      },
    );
    return {
      tell: (order) => void host?.take(order),
      signal: end, // it was broken and never ran
      letGo: end,
    };
  };
}
