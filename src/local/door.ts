/**
 * What the local door shows and may ask for: whoever composes the agent hands it in. The door
 * decides nothing itself, and the agent goes on the same whether anybody looks or not.
 */
import type { AuditId } from "../core/assignment.ts";
import type { AgentEvent } from "../core/events.ts";
import type {
  AssignmentPage,
  AssignmentQuery,
  AssignmentStory,
  Readiness,
  Status,
  World,
} from "../wire/local.ts";

export interface Door {
  status(): Promise<Status>;
  readiness(): Readiness;
  /** A page of them, newest first. */
  assignments(query: AssignmentQuery): Promise<AssignmentPage>;
  /** Undefined when no assignment was ever accepted under this audit id. */
  assignment(auditId: AuditId): Promise<AssignmentStory | undefined>;
  /**
   * It never starts, or its handler is told to stop.
   *
   * @throws {ServantError} `assignment.not-open`
   */
  cancel(auditId: AuditId, reason: string): Promise<void>;
  /** No action is taken or started until `resume`, over restarts too. */
  pause(reason: string): Promise<void>;
  resume(): Promise<void>;
  /** As a first SIGTERM: what has started is finished, then the agent ends. */
  drain(): void;
  /** Undefined when no backend lives in this agent. */
  world(): Promise<World | undefined>;
  /** Told of every event from now on; returns the function that ends it. */
  listen(listener: (event: AgentEvent) => void): () => void;
}
