/** The language an agent speaks with its backend, as `serve` needs it: what is said elsewhere alike. */
import { dynosBackend } from "../adapters/dynos-http.ts";
import type { OrchestratorCall } from "../core/handlers.ts";
import type { Backend, Bus, Clock } from "../core/ports.ts";
import type { Connection } from "../wire/connection.ts";

export interface DialectPorts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly version: string;
  /** It is this agent's alone by now. */
  readonly stateDir: string;
  /** Told of each poll that ended, how long it was under way. */
  onPolled(tookMs: number): void;
}

export interface OpenDialect {
  readonly backend: Backend;
  /** Rejects when it cannot be opened at all; absent where that is known later. */
  readonly opened?: Promise<unknown>;
  /** After everything that could be delivered is. */
  close(): Promise<void>;
}

export interface Dialect {
  /** What no line of a log may show. */
  readonly secrets: readonly (string | undefined)[];
  /** A handler's `ctx.orchestrator`. */
  readonly call: OrchestratorCall;
  /** What takes its time may begin here, while the plugin loads. */
  open(ports: DialectPorts): OpenDialect;
}

export interface DynosChoice {
  readonly pollIntervalMs: number;
  readonly quickPoll: boolean;
  readonly assignmentMaxBytes: number;
}

/** DYNOS over HTTP: it is polled. */
export function dynosDialect(connection: Connection, choice: DynosChoice): Dialect {
  return {
    secrets: [connection.target.token],
    // Calls go through the agent, so that the plugin never holds the token.
    async call(method, args) {
      const { callOrchestrator } = await import("./orchestrator-call.ts");
      return await callOrchestrator(connection, method, args);
    },
    open({ bus, clock, onPolled }) {
      const onSessionEnding = (inS: number) => bus.publish({ type: "session.ending", inS });
      const backend = dynosBackend(connection, { ...choice, clock, onPolled, onSessionEnding });
      return { backend, close: () => Promise.resolve() };
    },
  };
}
