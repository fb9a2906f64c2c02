/** What a servant can take, moved by the test. */
import type { AuditId } from "../../src/core/assignment.ts";
import { Bell } from "../../src/core/bell.ts";
import type { Intake } from "../../src/core/ports.ts";

export class TestIntake implements Intake {
  actions = true;
  beliefs = true;
  paused = false;
  holds?: readonly AuditId[];
  readonly bell = new Bell();
  startsNow = (_transition: string) => this.actions;
  changed = (signal: AbortSignal) => this.bell.rung(signal);

  set(actions: boolean, beliefs = this.beliefs): void {
    this.actions = actions;
    this.beliefs = beliefs;
    this.bell.ring();
  }

  pause(paused: boolean): void {
    this.paused = paused;
    this.set(!paused);
  }
}
