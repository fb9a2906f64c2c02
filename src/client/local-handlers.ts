/**
 * Handlers in the client's own process, for a servant that a program writes around
 * `pollServantAssignment`. `agent connect` is the servant that loses nothing: this one is simple. Of a
 * plugin's plain methods it calls none; the program says so where one would be missed.
 */
import type { AuditId, Result } from "../core/assignment.ts";
import { ServantError } from "../core/errors.ts";
import {
  type HandlerContext,
  type HandlerMark,
  handlerLog,
  type Orchestrator,
} from "../core/handlers.ts";
import type { JsonObject } from "../core/json.ts";
import { perform } from "../core/perform.ts";
import { type Handler, handlerMarks, type PluginClass } from "../core/plugin.ts";
import { checkStream, eventsOver } from "../core/telemetry.ts";

/** What belongs to one call. */
export interface CallOptions {
  readonly auditId?: string;
  readonly signal?: AbortSignal;
}

export class LocalHandlers {
  readonly actions = new Map<string, Handler>();
  readonly beliefs = new Map<string, Handler>();
  readonly #orchestrator: Orchestrator;

  constructor(orchestrator: Orchestrator) {
    this.#orchestrator = orchestrator;
  }

  /** @throws {ServantError} `plugin.no-handlers` */
  register(cls: PluginClass): void {
    const marks = handlerMarks(cls);
    if (marks.length === 0) {
      const problem = `Cannot register class "${cls.name}": it has no handlers`;
      throw new ServantError("plugin.no-handlers", problem);
    }
    const instance = new cls();
    const missed = ["setup", "shutdown"].filter((name) => isPlainMethod(instance, marks, name));
    if (missed.length > 0) {
      const names = missed.map((name) => `${name}()`).join(" and ");
      console.warn(`${cls.name} has ${names}, called by \`agent connect\` and not here`);
    }
    for (const mark of marks) {
      if (mark.kind === "action") this.actions.set(mark.name, { mark, instance });
      if (mark.kind === "belief") this.beliefs.set(mark.name, { mark, instance });
    }
  }

  /** @throws {ServantError} `assignment.unknown` */
  act(transition: string, params: JsonObject, options: CallOptions): Promise<Result> {
    this.#require(this.actions, transition, "action");
    const ctx = this.#context(transition, options);
    return perform(this, { kind: "action", auditId: ctx.auditId, transition, params }, ctx);
  }

  /** @throws {ServantError} `assignment.unknown` */
  observe(fluent: string, options: CallOptions): Promise<Result> {
    this.#require(this.beliefs, fluent, "belief");
    const ctx = this.#context(fluent, options);
    return perform(this, { kind: "belief", auditId: ctx.auditId, fluent }, ctx);
  }

  #require(handlers: ReadonlyMap<string, Handler>, name: string, kind: string): void {
    if (handlers.has(name)) return;
    const known = [...handlers.keys()].join(", ") || "none";
    const problem = `Cannot do "${name}": no class registered here has this ${kind} (${known})`;
    throw new ServantError("assignment.unknown", problem);
  }

  #context(transition: string, options: CallOptions): HandlerContext {
    const { auditId = crypto.randomUUID(), signal = new AbortController().signal } = options;
    return {
      auditId: auditId as AuditId,
      transition,
      signal,
      orchestrator: this.#orchestrator,
      paused: false,
      progress: () => {},
      untilResumed: async () => {},
      // Nobody follows measurements here.
      telemetry: {
        stream(...stream) {
          checkStream(...stream);
          return () => {};
        },
      },
      events: eventsOver((kind, fields) => {
        const tell = kind === "alert" ? console.warn : console.info;
        tell(`${kind}:`, fields);
      }),
      log: handlerLog((level, message, fields) => {
        const tell = level === "debug" || level === "info" ? console.info : console.warn;
        tell(`${level}: ${message}`, fields);
      }),
    };
  }
}

/** One that is a handler is called as such. */
function isPlainMethod(instance: object, marks: readonly HandlerMark[], name: string): boolean {
  const isMarked = marks.some(({ method }) => method === name);
  return !isMarked && typeof (instance as Record<string, unknown>)[name] === "function";
}
