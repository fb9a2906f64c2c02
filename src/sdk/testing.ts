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
  type HookName,
  handlerLog,
  type LogLine,
  type Orchestrator,
  type Reconciled,
  type SafeContext,
} from "../core/handlers.ts";
import { callHook, setUp, shutDown } from "../core/hooks.ts";
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
  /** Calls the plugin's own `pause`, `resume`, `cancel` or `reset`, if it has it; rejects when it throws. */
  hook(name: HookName): Promise<void>;
  /** Calls its `shutdown`, if it has one. */
  shutdown(): Promise<void>;
  /** What `ctx.paused` says from here on; false wakes those who wait for it. */
  setPaused(isPaused: boolean): void;
}

export interface TestEvent {
  readonly kind: EventKind;
  readonly auditId?: AuditId;
  readonly fields: JsonObject;
}

/**
 * Registers the class as the agent would, and calls its `setup`. `orchestrator` answers `ctx.orchestrator`; a method it
 * lacks throws.
 */
export async function testPlugin(
  cls: PluginClass,
  orchestrator: Partial<Orchestrator> = {},
): Promise<TestPlugin> {
  const plugin = await readPlugin(cls, cls.name);
  const told = new Told();
  const progress: { fraction: number; message: string }[] = [];
  const bell = new Bell();
  let isPaused = false;
  let count = 0;
  const plain = (signal = new AbortController().signal, auditId?: AuditId): SafeContext => ({
    signal,
    orchestrator: strict(orchestrator),
    ...told.context(auditId),
  });
  const context = (transition: string, signal = new AbortController().signal): HandlerContext => {
    count += 1;
    const auditId = `test-${count}` as AuditId;
    return {
      ...plain(signal, auditId),
      auditId,
      transition,
      progress: (fraction, message = "") => void progress.push({ fraction, message }),
      get paused() {
        return isPaused;
      },
      async untilResumed() {
        while (isPaused && !signal.aborted) await bell.rung(signal);
      },
    };
  };
  await setUp(plugin, plain());
  return {
    offer: plugin.offer,
    progress,
    logs: told.logs,
    events: told.events,
    get streams() {
      return told.intervals();
    },
    sample: (stream) => told.sample(stream),
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
    safe: (signal) => makeSafe(plugin, plain(signal)),
    hook: (name) => callHook(plugin, name, plain()),
    shutdown: () => shutDown(plugin, plain()),
    setPaused(paused) {
      isPaused = paused;
      bell.ring();
    },
  };
}

/** What a plugin logs and tells, kept for the test; nothing is measured by itself. */
class Told {
  readonly logs: LogLine[] = [];
  readonly events: TestEvent[] = [];
  readonly #streams = new Map<string, { readonly read: Read; readonly intervalMs: number }>();

  context(auditId?: AuditId): Pick<SafeContext, "log" | "telemetry" | "events"> {
    const whose = auditId === undefined ? {} : { auditId };
    return {
      log: handlerLog((level, message, fields) => {
        this.logs.push({ ...whose, level, message, fields });
      }),
      telemetry: { stream: (...stream) => this.#open(...stream) },
      events: eventsOver((kind, fields) => void this.events.push({ ...whose, kind, fields })),
    };
  }

  intervals(): Record<string, number> {
    return Object.fromEntries(
      [...this.#streams].map(([name, { intervalMs }]) => [name, intervalMs]),
    );
  }

  async sample(name: string): Promise<JsonObject | undefined> {
    const stream = this.#streams.get(name);
    if (stream !== undefined) return sampleOf(await stream.read());
    const names = [...this.#streams.keys()].join(", ") || "none";
    const problem = `Cannot read stream "${name}": it is not open (open: ${names})`;
    throw new ServantError("usage.invalid", problem);
  }

  #open(name: string, read: Read, intervalMs: number): () => void {
    checkStream(name, read, intervalMs);
    const stream = { read, intervalMs };
    this.#streams.set(name, stream);
    return () => void (this.#streams.get(name) === stream && this.#streams.delete(name));
  }
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
