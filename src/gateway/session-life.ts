/**
 * One session: what it is, how far it is, and who is in it. What takes time is done in turns, one after
 * the other: a reset that comes during a stop finds nothing left to do.
 */
import type { Session, SessionStatus } from "../core/gateway.ts";
import type { Clock } from "../core/ports.ts";
import type { ProcessMark, SessionProcess } from "../core/session-process.ts";
import type { KeptSession, Phase } from "./session-record.ts";

const STATUS = {
  creating: "running",
  running: "running",
  resetting: "running",
  dead: "dead",
  ending: "stopped",
} as const satisfies Record<Phase, SessionStatus>;

export interface LifeParts {
  readonly id: string;
  readonly kept: KeptSession;
  readonly clock: Clock;
  readonly logPath: string;
}

export class Life {
  readonly id: string;
  readonly owner: string;
  readonly label: string;
  /** Of its process: another one has another. */
  secret: string;
  readonly config: KeptSession["config"];
  phase: Phase;
  port: number;
  timeoutS: number;
  mark: ProcessMark | undefined;
  /** Absent while it is started, and once it has ended. */
  process: SessionProcess | undefined;
  /** It was asked to end by somebody else: kept as running, though it is dead here. */
  isAsleep = false;
  /** Its activity is not yet kept. */
  isStale = false;
  readonly #clock: Clock;
  readonly #createdAtMs: number;
  readonly #logPath: string;
  #lastActiveAtMs: number;
  /** By the monotonic clock: wall time jumps, and no jump is to end a session. */
  #idleSinceMs: number;
  #inFlight = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ id, kept, clock, logPath }: LifeParts) {
    this.id = id;
    this.owner = kept.owner;
    this.label = kept.label;
    this.secret = kept.secret;
    this.config = kept.config;
    this.phase = kept.phase;
    this.port = kept.port;
    this.timeoutS = kept.timeoutS;
    this.mark = kept.mark ?? undefined;
    this.#clock = clock;
    this.#createdAtMs = kept.createdAtMs;
    this.#logPath = logPath;
    this.#lastActiveAtMs = kept.lastActiveAtMs;
    this.#idleSinceMs = clock.monotonic() - Math.max(0, clock.now() - kept.lastActiveAtMs);
  }

  /** False for what nobody has been told of yet, and for what is about to go. */
  get isKnown(): boolean {
    return this.phase !== "creating" && this.phase !== "ending";
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get session(): Session {
    return {
      id: this.id,
      owner: this.owner,
      label: this.label,
      timeoutS: this.timeoutS,
      config: this.config,
      createdAtMs: this.#createdAtMs,
      // Who is in it is active.
      lastActiveAtMs: this.#inFlight > 0 ? this.#clock.now() : this.#lastActiveAtMs,
      expiresInMs: this.#expiresInMs,
      status: STATUS[this.phase],
      port: this.port,
      logPath: this.#logPath,
    };
  }

  get kept(): KeptSession {
    const { owner, label, secret, config, port, timeoutS, mark } = this;
    return {
      ...{ owner, label, secret, config, port, timeoutS },
      phase: this.phase === "dead" && this.isAsleep ? "running" : this.phase,
      createdAtMs: this.#createdAtMs,
      lastActiveAtMs: this.session.lastActiveAtMs,
      mark: mark ?? null,
    };
  }

  get isOverdue(): boolean {
    return this.#expiresInMs === 0;
  }

  get #expiresInMs(): number {
    const idleMs = this.#inFlight > 0 ? 0 : this.#clock.monotonic() - this.#idleSinceMs;
    return Math.max(0, this.timeoutS * 1_000 - idleMs);
  }

  /** Gives it at least this long from now on. */
  spare(ms: number): void {
    const latest = this.#clock.monotonic() - Math.max(0, this.timeoutS * 1_000 - ms);
    this.#idleSinceMs = Math.max(this.#idleSinceMs, latest);
  }

  touch(): void {
    this.#lastActiveAtMs = this.#clock.now();
    this.#idleSinceMs = this.#clock.monotonic();
    this.isStale = true;
  }

  /** A request comes in; returns what is called when it has left, once or more. */
  enter(): () => void {
    this.touch();
    this.#inFlight += 1;
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      this.#inFlight -= 1;
      this.touch();
    };
  }

  /** Does something once everything that was begun before is done. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {}); // whoever began it is told
    return result;
  }
}
