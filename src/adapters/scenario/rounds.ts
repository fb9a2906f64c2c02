/**
 * The rounds of all actions: each `execute` is one, and an assignment for the servant. Here they wait
 * for room, and what was called off waits to be told.
 */
import { type AuditId, failedResult, type Result } from "../../core/assignment.ts";
import type { ErrorCode } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Directive, Intake } from "../../core/ports.ts";
import type { Ended } from "../../wire/scenario-answers.ts";

/** Who has it: an audit id that came from a client would be another round's after a restart. */
export interface Round {
  readonly auditId: AuditId;
  readonly transition: string;
  readonly params: JsonObject;
  /** What a client is told of it; once it is called off, at once. */
  state: "running" | Ended;
  /** How long it has been here without a turn, in milliseconds. */
  waitedMs: number;
  /** Its handler may be at work, also of one that was called off. */
  isOut: boolean;
  /** The one before it of the same action: it has to stop first, whatever they occupy. */
  readonly before: AuditId | undefined;
  /** Its client has terminated it: it wants to hear no more. */
  isOver: boolean;
}

export class Rounds {
  readonly #ring: () => void;
  readonly #waiting = new Set<Round>();
  readonly #out = new Map<AuditId, Round>();
  readonly #cancels: Extract<Directive, { type: "cancel" }>[] = [];
  #via = "";
  /** Why none is handed out any more. */
  #over: string | undefined;

  /** `ring` is called when there is something new for `next`. */
  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** `before`: a round of the same action that may be at work. */
  begin(transition: string, params: JsonObject, before?: AuditId): Round {
    const round = newRound(transition, params, before);
    if (this.#over === undefined) {
      this.#waiting.add(round);
      this.#ring();
    } else end(round, "agent.draining", this.#over);
    return round;
  }

  /** Never to start, or to be told to stop; of what has ended it changes nothing. */
  callOff(round: Round, reason: string): void {
    if (round.state !== "running") return;
    this.#waiting.delete(round);
    end(round, "handler.cancelled", `Called off: ${reason}`);
    if (!round.isOut) return;
    this.#cancels.push({ type: "cancel", auditId: round.auditId, reason });
    this.#ring();
  }

  /** Cancels go first. A round that has to wait for another's end lets later ones pass. */
  next(intake: Intake): Directive | undefined {
    const cancel = this.#cancels.shift();
    if (cancel !== undefined) return cancel;
    const round = this.#first(intake);
    if (round === undefined) return undefined;
    this.#waiting.delete(round);
    this.#out.set(round.auditId, round);
    round.isOut = true;
    const { auditId, transition, params } = round;
    const assignment = { kind: "action", auditId, transition, params } as const;
    return { type: "assign", assignment, via: this.#via };
  }

  /** Nothing to be known of those of an earlier life: who executed them is gone. */
  ended({ auditId, success, message, code }: Result): void {
    const round = this.#out.get(auditId);
    if (round === undefined) return;
    this.#out.delete(auditId);
    round.isOut = false;
    round.state = { success, message, ...(code === undefined ? {} : { code }) };
    this.#ring(); // the next one of its action may wait for it
  }

  /** `via`: the registration that hands them out. */
  open(via: string): void {
    this.#via = via;
    this.#over = undefined;
  }

  /** Those that wait never start, nor do new ones. */
  close(reason: string): void {
    this.#over = reason;
    for (const round of this.#waiting) end(round, "agent.draining", reason);
    this.#waiting.clear();
  }

  #first(intake: Intake): Round | undefined {
    const cannot = new Set<string>(); // a crowd waits for the same few as a rule
    for (const round of this.#waiting) {
      const isBehind = round.before !== undefined && this.#out.has(round.before);
      if (isBehind || cannot.has(round.transition)) continue;
      if (intake.startsNow(round.transition)) return round;
      cannot.add(round.transition);
    }
    return undefined;
  }
}

/** A round that is refused before it could wait. */
export function refusedRound(
  transition: string,
  code: ErrorCode,
  problem: string,
  before: AuditId | undefined,
): Round {
  const round = newRound(transition, {}, before);
  end(round, code, problem);
  return round;
}

function newRound(transition: string, params: JsonObject, before?: AuditId): Round {
  const auditId = crypto.randomUUID() as AuditId;
  const begun = { state: "running", waitedMs: 0, isOut: false, isOver: false } as const;
  return { auditId, transition, params, before, ...begun };
}

function end(round: Round, code: ErrorCode, problem: string): void {
  round.state = failedResult(round.auditId, code, problem);
}
