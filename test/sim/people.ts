/** People beside the machine and at the backend: they call off, pause, resume, stop and lose patience. */
import type { AuditId } from "../../src/core/assignment.ts";
import type { SimBackend } from "./backend.ts";
import type { Lives } from "./lives.ts";
import type { Surroundings } from "./surroundings.ts";
import { MINUTE_MS } from "./weather.ts";

export class People {
  readonly #world: Surroundings;
  readonly #backend: SimBackend;
  readonly #lives: Lives;

  constructor(world: Surroundings, backend: SimBackend, lives: Lives) {
    this.#world = world;
    this.#backend = backend;
    this.#lives = lives;
  }

  /** Now and then for `ms`; whoever paused resumes in the end. */
  begin(ms: number): void {
    const { random, timeline } = this.#world;
    timeline.after(ms, () => this.#resumeForGood());
    for (let atMs = random.between(0, MINUTE_MS); atMs < ms; atMs += random.between(0, MINUTE_MS)) {
      timeline.after(atMs, () => this.#act());
    }
  }

  /** What was just assigned is called off soon: before it is handed out, while it waits or runs. */
  mayCallOff(auditId: AuditId): void {
    const { faults, random, timeline } = this.#world;
    if (this.#backend.isPlain || !faults.strikes("person: calls off")) return;
    const soonMs = random.pick([100, 3_000, 60_000]) * random.next();
    timeline.after(soonMs, () => this.#backend.cancel(auditId));
    if (!faults.strikes("person: calls off twice")) return;
    timeline.after(soonMs + random.between(0, MINUTE_MS), () => this.#backend.cancel(auditId));
  }

  #act(): void {
    const { faults, random, timeline } = this.#world;
    if (faults.strikes("person: calls off what is unknown") && !this.#backend.isPlain) {
      this.#backend.cancel(`unknown-${random.count(1, 9)}` as AuditId);
    }
    if (faults.strikes("person: pauses")) {
      this.#lives.setPaused(true);
      timeline.after(random.between(0, 2 * MINUTE_MS), () => this.#resume());
    }
    if (faults.strikes("person: stops the agent")) {
      this.#lives.askToStop();
      const isImpatient = faults.strikes("person: stops it in a hurry");
      if (isImpatient) timeline.after(random.between(0, 30_000), () => this.#lives.hurry());
    }
  }

  /** Asks again while nobody is there to heed it. */
  #resume(): void {
    if (this.#lives.setPaused(false)) return;
    this.#world.timeline.after(2 * MINUTE_MS, () => this.#resume());
  }

  /** Asks until it is written down: a power cut may undo it. */
  #resumeForGood(): void {
    if (this.#world.oracle.motion.isPaused) this.#lives.setPaused(false);
    this.#world.timeline.after(5 * MINUTE_MS, () => this.#resumeForGood());
  }
}
