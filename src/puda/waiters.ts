/**
 * Who waits for which response. A response is found by the subject it came on and what it echoes: way,
 * machine, run and step. Two that wait for the same could not be told apart, so a second is refused.
 */
import { ServantError } from "../core/errors.ts";
import type { ResponseMessage } from "../wire/puda.ts";
import type { Way } from "../wire/puda-subjects.ts";

export interface Awaited {
  readonly way: Way;
  readonly machine: string;
  readonly runId: string;
  readonly step: number;
  /** A late answer to another command of the same step must not be taken for its own. */
  readonly name: string;
}

interface Waiter {
  readonly name: string;
  readonly settle: (message: ResponseMessage) => void;
}

export class Waiters {
  readonly #waiting = new Map<string, Waiter>();

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Calls `settle` with the response, once. Returns the function that ends the waiting.
   *
   * @throws {ServantError} `command.duplicate`
   */
  add(awaited: Awaited, settle: (message: ResponseMessage) => void): () => void {
    const { way, machine, runId, step, name } = awaited;
    const key = keyOf(way, machine, runId, step);
    if (this.#waiting.has(key)) {
      const problem = `Cannot send "${name}" to "${machine}": step ${step} of the run "${runId}" already waits for its answer`;
      throw new ServantError("command.duplicate", problem);
    }
    const waiter = { name, settle };
    this.#waiting.set(key, waiter);
    return () => {
      if (this.#waiting.get(key) === waiter) this.#waiting.delete(key);
    };
  }

  /** False when nobody waits for it. */
  settle(way: Way, machine: string, message: ResponseMessage): boolean {
    const { run_id: runId } = message.header;
    const { step_number: step, name } = message.command ?? {};
    if (!runId || step === undefined || step === null) return false;
    const key = keyOf(way, machine, runId, step);
    const waiter = this.#waiting.get(key);
    if (waiter === undefined || (name && name !== waiter.name)) return false;
    this.#waiting.delete(key);
    waiter.settle(message);
    return true;
  }
}

function keyOf(way: Way, machine: string, runId: string, step: number): string {
  return `${way} ${machine} ${step} ${runId}`; // the run last: it may be any text
}
