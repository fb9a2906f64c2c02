/**
 * Runs a plugin's handlers without an agent, for the plugin's own tests.
 *
 * @example
 * const cart = await testPlugin(Cart);
 * const result = await cart.act("move", { start: "room_one", end: "room_two" });
 * expect(result.success).toBe(true);
 */
import { makeSafe, reconcile } from "../core/after-cut.ts";
import type { AuditId, Result } from "../core/assignment.ts";
import { Bell } from "../core/bell.ts";
import { ServantError } from "../core/errors.ts";
import {
  type HandlerContext,
  handlerLog,
  type LogLine,
  type Orchestrator,
  type Reconciled,
} from "../core/handlers.ts";
import type { JsonObject } from "../core/json.ts";
import { perform } from "../core/perform.ts";
import { type PluginClass, readPlugin } from "../core/plugin.ts";
import type { Offer } from "../core/ports.ts";
import { checkStream, type EventKind, eventsOver, type Read, sampleOf } from "../core/telemetry.ts";

export interface TestPlugin {
  readonly offer: Offer;
  /** What the handlers logged, oldest first. */
  readonly logs: readonly LogLine[];
  /** What the handlers told of their progress, oldest first. */
  readonly progress: readonly { readonly fraction: number; readonly message: string }[];
  /** What the handlers told by `ctx.events`, oldest first. */
  readonly events: readonly TestEvent[];
  /** The intervals of the streams that are open, by name. */
  readonly streams: Readonly<Record<string, number>>;
  /**
   * Reads the stream once, now: nothing is read by itself here. What is told of it, undefined when
   * there is nothing to tell; rejects when its `read` fails, or no such stream is open.
   */
  sample(stream: string): Promise<JsonObject | undefined>;
  /** Carries out an action assignment; parameters are object names, as on the wire. */
  act(transition: string, params?: JsonObject, signal?: AbortSignal): Promise<Result>;
  /** Asks for a belief. */
  observe(fluent: string, signal?: AbortSignal): Promise<Result>;
  /** Asks what became of an action that was cut off; rejects as the agent would see it. */
  reconcile(transition: string, params?: JsonObject, signal?: AbortSignal): Promise<Reconciled>;
  /** Makes the machine safe; rejects when that fails. */
  safe(signal?: AbortSignal): Promise<void>;
  /** What `ctx.paused` says from here on; false wakes those who wait for it. */
  setPaused(isPaused: boolean): void;
}

export interface TestEvent {
  readonly kind: EventKind;
  readonly auditId?: AuditId;
  readonly fields: JsonObject;
}

/**
 * Registers the class as the agent would. `orchestrator` answers `ctx.orchestrator`; a method it
 * lacks throws.
 */
export async function testPlugin(
  cls: PluginClass,
  orchestrator: Partial<Orchestrator> = {},
): Promise<TestPlugin> {
  const plugin = await readPlugin(cls, cls.name);
  const logs: LogLine[] = [];
  const progress: { fraction: number; message: string }[] = [];
  const events: TestEvent[] = [];
  const open = new Map<string, { readonly read: Read; readonly intervalMs: number }>();
  const bell = new Bell();
  let isPaused = false;
  let count = 0;
  const context = (transition: string, signal = new AbortController().signal): HandlerContext => {
    count += 1;
    const auditId = `test-${count}` as AuditId;
    return {
      auditId,
      transition,
      signal,
      orchestrator: strict(orchestrator),
      telemetry: {
        stream(name, read, intervalMs) {
          checkStream(name, read, intervalMs);
          const stream = { read, intervalMs };
          open.set(name, stream);
          return () => void (open.get(name) === stream && open.delete(name));
        },
      },
      events: eventsOver((kind, fields) => void events.push({ kind, auditId, fields })),
      progress: (fraction, message = "") => void progress.push({ fraction, message }),
      get paused() {
        return isPaused;
      },
      async untilResumed() {
        while (isPaused && !signal.aborted) await bell.rung(signal);
      },
      log: handlerLog((level, message, fields) => {
        logs.push({ level, auditId, message, fields });
      }),
    };
  };
  return {
    offer: plugin.offer,
    logs,
    progress,
    events,
    get streams() {
      return Object.fromEntries([...open].map(([name, { intervalMs }]) => [name, intervalMs]));
    },
    async sample(name) {
      const stream = open.get(name);
      if (stream !== undefined) return sampleOf(await stream.read());
      const names = [...open.keys()].join(", ") || "none";
      const problem = `Cannot read stream "${name}": it is not open (open: ${names})`;
      throw new ServantError("usage.invalid", problem);
    },
    act(transition, params = {}, signal) {
      const ctx = context(transition, signal);
      return perform(plugin, { kind: "action", auditId: ctx.auditId, transition, params }, ctx);
    },
    observe(fluent, signal) {
      const ctx = context(fluent, signal);
      return perform(plugin, { kind: "belief", auditId: ctx.auditId, fluent }, ctx);
    },
    reconcile(transition, params = {}, signal) {
      const ctx = context(transition, signal);
      return reconcile(plugin, { kind: "action", auditId: ctx.auditId, transition, params }, ctx);
    },
    safe: (signal) => makeSafe(plugin, context("safe", signal)),
    setPaused(paused) {
      isPaused = paused;
      bell.ring();
    },
  };
}

function strict(orchestrator: Partial<Orchestrator>): Orchestrator {
  return new Proxy(orchestrator, {
    get(target, name) {
      const found = target[name as keyof Orchestrator];
      // A symbol is asked for by whoever prints or compares the context.
      if (found !== undefined || typeof name === "symbol") return found;
      throw new ServantError(
        "usage.invalid",
        `Cannot call orchestrator.${name}: give testPlugin() one that has it`,
      );
    },
  }) as Orchestrator;
}
