/**
 * Runs a plugin inside the agent's own process, for debugging: a crash or an endless loop of the
 * plugin then takes the agent with it, and what does not heed its signal goes on. What it prints is
 * told as that of a process is, within the same limits; only `process.stdout` stays as it is.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { AuditId } from "../core/assignment.ts";
import type { ChildTelling, SpawnChild } from "../core/child.ts";
import { toServantError } from "../core/errors.ts";
import type { AgentEvent } from "../core/events.ts";
import type { LogLine, OrchestratorCall } from "../core/handlers.ts";
import { type Additions, extended, type PluginClass, readPlugin } from "../core/plugin.ts";
import { loadedOf, PluginHost } from "./host.ts";
import { Quotas } from "./line-quota.ts";
import { loadPlugin, type ProvidedModules } from "./load.ts";
import { captureConsole, piecesOf, tellingText } from "./print.ts";
import type { PluginReference } from "./reference.ts";

export interface InlineOptions {
  readonly modules: ProvidedModules;
  readonly call: OrchestratorCall;
  readonly publish: (event: AgentEvent) => void;
  /** Actions of the agent's own, beside the plugin's. */
  readonly additions?: Additions | undefined;
}

/** A child that is no process: it cannot be killed. A class is run as it is. */
export function inlineChild(
  reference: PluginReference | PluginClass,
  { modules, call, publish, additions = [] }: InlineOptions,
): SpawnChild {
  return (hear) => {
    let host: PluginHost | undefined;
    const running = new AsyncLocalStorage<AuditId>();
    const quotas = new Quotas(publish);
    const log = (whole: LogLine) => {
      for (const { line, text } of piecesOf(whole)) {
        if (quotas.takes(text)) publish({ type: "plugin.log", ...line });
      }
    };
    const tell = (telling: ChildTelling) => {
      if (quotas.takes(tellingText(telling))) hear(telling);
    };
    const giveBack = captureConsole(() => running.getStore(), log);
    const end = () => {
      host?.closeStreams();
      giveBack();
      quotas.tell();
      queueMicrotask(() => hear({ type: "ended", how: "no more", isHeardOut: true }));
    };
    const loading =
      typeof reference === "function"
        ? readPlugin(reference, reference.name)
        : loadPlugin(reference, modules);
    const ready = async () => {
      try {
        const plugin = extended(await loading, additions);
        host = new PluginHost(plugin, {
          call,
          report: hear,
          tell,
          starting: (id) => hear({ type: "started", id }),
          within: (auditId, work) => running.run(auditId, work),
          log,
          closed: end,
        });
        await host.setUp();
        hear({ type: "ready", loaded: loadedOf(plugin) });
      } catch (cause) {
        const { code, message } = toServantError(cause);
        hear({ type: "broken", code, message });
      }
    };
    void ready();
    return {
      tell: (order) => void host?.take(order),
      signal: end, // it was broken and never ran, or shuts down for too long
      letGo: end,
    };
  };
}
