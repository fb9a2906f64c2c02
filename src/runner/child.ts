/**
 * The child side: this process loads one plugin and runs its handlers. It talks to the agent by
 * IPC frames; everything printed goes to its standard output, where the agent reads lines.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { AuditId } from "../core/assignment.ts";
import { ServantError, toServantError } from "../core/errors.ts";
import type { LogLine } from "../core/handlers.ts";
import type { Json } from "../core/json.ts";
import { stackOf } from "../core/perform.ts";
import { type Additions, extended, type Plugin } from "../core/plugin.ts";
import type { FromChild, ToChild } from "./frames.ts";
import { loadedOf, PluginHost } from "./host.ts";
import { loadPlugin, type ProvidedModules } from "./load.ts";
import { captureConsole, captureStreams, printLine, printStart, printTelling } from "./print.ts";
import type { PluginReference } from "./reference.ts";

/**
 * Runs until the agent closes the channel; `onWork` is told of the start and of each result.
 * `additions`: actions of the agent's own, beside the plugin's.
 */
export async function runChild(
  { path, className }: PluginReference,
  modules: ProvidedModules,
  onWork: () => void,
  additions?: () => Promise<Additions>,
): Promise<void> {
  const running = new AsyncLocalStorage<AuditId>();
  captureConsole(() => running.getStore(), printLine);
  captureStreams(() => running.getStore());
  reportStrayErrors(running);
  reportExits(running);
  process.on("disconnect", () => exit(0));
  let plugin: Plugin;
  try {
    const loaded = await loadPlugin({ path, className }, modules);
    plugin = extended(loaded, (await additions?.()) ?? []);
  } catch (cause) {
    return sendBroken(cause);
  }
  const calls = new PendingCalls();
  const host = new PluginHost(plugin, {
    report: send,
    tell: printTelling,
    starting: printStart,
    within: (auditId, work) => running.run(auditId, work),
    log: printLine,
    call: (method, args) => calls.start(method, args),
    closed: () => exit(0),
  });
  process.on("message", (frame: ToChild) => {
    switch (frame.type) {
      case "answer":
        return calls.settle(frame.id, (call) => call.resolve(frame.value));
      case "refusal":
        return calls.settle(frame.id, (call) =>
          call.reject(new ServantError(frame.code, frame.message)),
        );
      default:
        return void host.take(frame).then(onWork);
    }
  });
  try {
    await host.setUp();
  } catch (cause) {
    return sendBroken(cause);
  }
  send({ type: "ready", loaded: loadedOf(plugin) });
  onWork();
}

interface PendingCall {
  resolve(value: Json): void;
  reject(error: ServantError): void;
}

/** Calls of `ctx.orchestrator` that the agent has not answered yet. */
class PendingCalls {
  readonly #calls = new Map<number, PendingCall>();
  #count = 0;

  start(method: string, args: readonly Json[]): Promise<Json> {
    this.#count += 1;
    const id = this.#count;
    return new Promise((resolve, reject) => {
      send({ type: "call", id, method, args });
      this.#calls.set(id, { resolve, reject });
    });
  }

  settle(id: number, how: (call: PendingCall) => void): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (call !== undefined) how(call);
  }
}

// Held from the start: a plugin may replace them.
const toAgent = process.send?.bind(process);
const exit = process.exit.bind(process);

function send(frame: FromChild): void {
  toAgent?.(frame);
}

function sendBroken(cause: unknown): void {
  const { code, message } = toServantError(cause);
  send({ type: "broken", code: code === "agent.internal" ? "plugin.load-failed" : code, message });
}

/**
 * A rejection nobody awaited is told and survived; an exception outside every handler leaves the
 * plugin in an unknown state, so it is told and ends the process, as it would without us.
 */
function reportStrayErrors(running: AsyncLocalStorage<AuditId>): void {
  const report = (what: string, cause: unknown) => {
    const auditId = running.getStore();
    const line: LogLine = { level: "error", message: `${what}: ${stackOf(cause)}`, fields: {} };
    printLine(auditId === undefined ? line : { ...line, auditId });
  };
  process.on("unhandledRejection", (cause) => report("unhandled rejection", cause));
  process.on("uncaughtException", (cause) => {
    report("uncaught exception", cause);
    exit(1);
  });
}

/** What runs beside a handler that ends its process ends with it: the log says which one it was. */
function reportExits(running: AsyncLocalStorage<AuditId>): void {
  process.exit = (code) => {
    const auditId = running.getStore();
    if (auditId !== undefined) {
      const message = `it ends the plugin's process: process.exit(${String(code ?? "")})`;
      printLine({ level: "error", message, fields: {}, auditId });
    }
    return exit(code);
  };
}
