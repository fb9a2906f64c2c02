/** What the backend is going to ask for in one run, and when. */
import type { Assignment, AuditId } from "../../src/core/assignment.ts";
import type { SimBackend } from "./backend.ts";
import { frozen } from "./content.ts";
import { transitions } from "./plugin.ts";
import type { Surroundings } from "./surroundings.ts";
import { MINUTE_MS } from "./weather.ts";

/** A quiet run and a busy one, in assignments. */
const COUNT = { least: 20, most: 300 } as const;

export class Orders {
  /** How many are still to come. */
  pending = 0;
  readonly #world: Surroundings;
  readonly #backend: SimBackend;

  /** Told of each assignment as it is made. */
  readonly #onAssigned: (auditId: AuditId) => void;

  constructor(world: Surroundings, backend: SimBackend, onAssigned: (auditId: AuditId) => void) {
    this.#world = world;
    this.#backend = backend;
    this.#onAssigned = onAssigned;
  }

  /** Spreads assignments over `ms`; `count` of them, or as many as chance wants. */
  plan(ms: number, count = this.#anyCount()): void {
    const { faults, random } = this.#world;
    for (let number = 1; number <= count; number += 1) {
      const atMs = random.between(0, ms);
      const assignment = this.#newAssignment(`a${number}`);
      this.#assign(assignment, atMs);
      if (assignment.kind === "invalid" || !faults.strikes("backend: reuses an audit id")) continue;
      const { auditId } = assignment;
      const params = { to: "elsewhere" };
      const other = frozen({ kind: "action", transition: "move", params, auditId } as const);
      this.#assign(other, atMs + random.between(0, 5 * MINUTE_MS));
    }
  }

  /** Many quiet runs and some busy ones: each power of ten as often as the other. */
  #anyCount(): number {
    const { least, most } = COUNT;
    return Math.round(least * (most / least) ** this.#world.random.next());
  }

  #assign(assignment: Assignment, atMs: number): void {
    this.pending += 1;
    this.#world.timeline.after(atMs, () => {
      this.pending -= 1;
      this.#backend.assign(assignment);
      this.#onAssigned(assignment.auditId);
    });
  }

  #newAssignment(name: string): Assignment {
    const auditId = name as AuditId;
    const kind = this.#world.random.next();
    if (kind < 0.04) {
      const code = "assignment.malformed";
      return frozen({ kind: "invalid", auditId, code, problem: "unreadable" });
    }
    if (kind < 0.3) return frozen({ kind: "belief", auditId, fluent: "robot_at" });
    const transition = this.#world.random.pick(transitions);
    return frozen({ kind: "action", auditId, transition, params: { to: name } });
  }
}
