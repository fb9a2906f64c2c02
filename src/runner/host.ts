/** Carries out the agent's orders on a loaded plugin, in whatever process that is. */

import { makeSafe, reconcile } from "../core/after-cut.ts";
import type { AuditId } from "../core/assignment.ts";
import { Bell } from "../core/bell.ts";
import type { ChildOrder, ChildReport, ChildTelling, ChildWork, Loaded } from "../core/child.ts";
import { ServantError, toServantError } from "../core/errors.ts";
import type { LogLine, OrchestratorCall } from "../core/handlers.ts";
import { callHook, hasShutdown, hooksOf, setUp, shutDown } from "../core/hooks.ts";
import { perform } from "../core/perform.ts";
import { actionRules, type Plugin } from "../core/plugin.ts";
import { type ContextPorts, handlerContext, safeContext } from "./context.ts";
import { Streams } from "./streams.ts";

type Report = Exclude<
  ChildReport,
  ChildTelling | { type: "ready" | "broken" | "started" | "ended" }
>;
type Work = ChildWork & { readonly id: number };

export interface HostPorts {
  report(report: Report): void;
  tell(telling: ChildTelling): void;
  /** Called right before a method is; when it throws the method is not called. */
  starting(id: number): void;
  /** Runs it as the work of this assignment: what it prints belongs to that. */
  within<T>(auditId: AuditId, work: () => T): T;
  log(line: LogLine): void;
  readonly call: OrchestratorCall;
  /** The plugin has shut down: nothing keeps its process any more. */
  closed(): void;
}

/** Of what the agent did not give it to do. */
const NO_WORK = 0;

/** What a plugin says of itself. */
export function loadedOf(plugin: Plugin): Loaded {
  return {
    offer: plugin.offer,
    rules: actionRules(plugin),
    hasSafe: plugin.safe !== undefined,
    hooks: hooksOf(plugin),
    hasShutdown: hasShutdown(plugin),
  };
}

export class PluginHost {
  readonly #plugin: Plugin;
  readonly #ports: HostPorts;
  readonly #aborts = new Map<number, AbortController>();
  readonly #bell = new Bell();
  readonly #streams: Streams;
  readonly #closing = new AbortController();
  #isPaused = false;
  #started = 0;

  constructor(plugin: Plugin, ports: HostPorts) {
    this.#plugin = plugin;
    this.#ports = ports;
    this.#streams = new Streams({
      tell: ports.tell,
      warn: (message) => ports.log({ level: "warn", message, fields: {} }),
    });
  }

  /** Before anything else. @throws {ServantError} `plugin.load-failed` */
  async setUp(): Promise<void> {
    await setUp(this.#plugin, safeContext(this.#closing.signal, this.#contextPorts(NO_WORK)));
  }

  /** What it measures ends. */
  closeStreams(): void {
    this.#streams.closeAll();
  }

  async #close(): Promise<void> {
    const reason = new ServantError("agent.draining", "Cannot go on: the agent stops");
    this.#closing.abort(reason);
    for (const abort of this.#aborts.values()) abort.abort(reason);
    this.closeStreams();
    const { signal } = new AbortController(); // its end is the agent's to set
    await shutDown(this.#plugin, safeContext(signal, this.#contextPorts(NO_WORK)));
    this.#ports.closed();
  }

  /** Resolves when the order is carried out; never rejects. */
  async take(order: ChildOrder): Promise<void> {
    switch (order.type) {
      case "ping":
        return this.#ports.report({ type: "pong", started: this.#started });
      case "abort":
        return this.#aborts.get(order.id)?.abort(new ServantError(order.code, order.reason));
      case "pause":
        this.#isPaused = order.isPaused;
        return this.#bell.ring();
      case "close":
        return await this.#close();
      default:
        return await this.#work(order);
    }
  }

  async #work(work: Work): Promise<void> {
    const abort = new AbortController();
    this.#aborts.set(work.id, abort);
    const report = await this.#answer(work, abort.signal);
    this.#aborts.delete(work.id);
    this.#ports.report(report);
  }

  async #answer(work: Work, signal: AbortSignal): Promise<Report> {
    const { id } = work;
    const starting = () => {
      this.#ports.starting(id);
      this.#started = id;
    };
    const ports = this.#contextPorts(id);
    try {
      if (work.type === "safe") {
        await makeSafe(this.#plugin, safeContext(signal, ports), starting);
        return { type: "secured", id };
      }
      if (work.type === "hook") {
        starting();
        await callHook(this.#plugin, work.name, safeContext(signal, ports));
        return { type: "hooked", id };
      }
      const { assignment } = work;
      const ctx = handlerContext(assignment, signal, ports);
      return await this.#ports.within(assignment.auditId, async () =>
        work.type === "run"
          ? { type: "result", id, result: await perform(this.#plugin, assignment, ctx, starting) }
          : {
              type: "reconciled",
              id,
              reconciled: await reconcile(this.#plugin, work.assignment, ctx, starting),
            },
      );
    } catch (cause) {
      const { code, message } = toServantError(cause);
      return { type: "failed", id, code, message };
    }
  }

  #contextPorts(id: number): ContextPorts {
    const { log, tell, call, report } = this.#ports;
    return {
      log,
      tell,
      telemetry: this.#streams,
      call,
      progress: (fraction, message) => report({ type: "progress", id, fraction, message }),
      isPaused: () => this.#isPaused,
      untilResumed: async (signal) => {
        while (this.#isPaused && !signal.aborted) await this.#bell.rung(signal);
      },
    };
  }
}
