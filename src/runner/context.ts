/** What a running handler is given: its log, its progress, its way to the backend. */
import type { Assignment } from "../core/assignment.ts";
import type { ChildTelling } from "../core/child.ts";
import { messageOf, ServantError } from "../core/errors.ts";
import {
  type HandlerContext,
  type HandlerLog,
  handlerLog,
  type LogLine,
  type Orchestrator,
  type OrchestratorCall,
  orchestratorMethods,
  type SafeContext,
} from "../core/handlers.ts";
import type { Json } from "../core/json.ts";
import { plainFields, textOf } from "../core/plain-fields.ts";
import { eventsOver, type Telemetry } from "../core/telemetry.ts";

export interface ContextPorts {
  log(line: LogLine): void;
  tell(event: Extract<ChildTelling, { type: "event" }>): void;
  readonly telemetry: Telemetry;
  progress(fraction: number, message: string): void;
  isPaused(): boolean;
  untilResumed(signal: AbortSignal): Promise<void>;
  readonly call: OrchestratorCall;
}

export function handlerContext(
  assignment: Assignment,
  signal: AbortSignal,
  ports: ContextPorts,
): HandlerContext {
  const { auditId } = assignment;
  return {
    auditId,
    transition: nameOf(assignment),
    signal,
    log: logOver((line) => ports.log({ ...line, auditId })),
    telemetry: ports.telemetry,
    events: eventsOver((kind, fields) => ports.tell({ type: "event", kind, auditId, fields })),
    progress(fraction, message = "") {
      const share = typeof fraction === "number" ? Math.min(Math.max(fraction || 0, 0), 1) : 0;
      ports.progress(share, textOf(message));
    },
    get paused() {
      return ports.isPaused();
    },
    untilResumed: () => ports.untilResumed(signal),
    orchestrator: orchestratorOver(ports.call),
  };
}

export function safeContext(signal: AbortSignal, ports: ContextPorts): SafeContext {
  return {
    signal,
    log: logOver(ports.log),
    telemetry: ports.telemetry,
    events: eventsOver((kind, fields) => ports.tell({ type: "event", kind, fields })),
    orchestrator: orchestratorOver(ports.call),
  };
}

function logOver(write: (line: LogLine) => void): HandlerLog {
  return handlerLog((level, message, fields) =>
    write({ level, message: textOf(message), fields: plainFields(fields) }),
  );
}

function nameOf(assignment: Assignment): string {
  if (assignment.kind === "action") return assignment.transition;
  return assignment.kind === "belief" ? assignment.fluent : "";
}

function orchestratorOver(call: OrchestratorCall): Orchestrator {
  const methods = orchestratorMethods.map((method) => [
    method,
    async (...args: readonly unknown[]) => call(method, plainArguments(method, args)),
  ]);
  return Object.fromEntries(methods) as Orchestrator;
}

/** As they cross to the agent: objects by their names, nothing left out but what was left out. */
function plainArguments(method: string, args: readonly unknown[]): readonly Json[] {
  const count = args.findLastIndex((each) => each !== undefined) + 1;
  try {
    return JSON.parse(JSON.stringify(args.slice(0, count))) as Json[];
  } catch (cause) {
    throw new ServantError(
      "usage.invalid",
      `Cannot call orchestrator.${method}: ${messageOf(cause)}`,
    );
  }
}
