/**
 * One fault on one servant: a hostile backend behind a wire that can be cut, the assignments it
 * hands out with what their answers must be, and the verdict.
 */
import { HostileBackend, type Received } from "../hostile-backend.ts";
import { Link } from "./link.ts";
import { type Make, type Running, type StartOptions, Workplace } from "./servants.ts";

export interface Answer {
  readonly audit_id: string;
  readonly success: boolean;
  readonly message: string;
  readonly telemetry?: { readonly done?: string; readonly code?: string };
  readonly observed_state?: Readonly<Record<string, boolean>>;
}

/** Whether an answer is right, by what the handler of it did. */
export type Right = (answer: Answer, did: { began: number; ended: number }) => boolean;

/** It was done wholly, and its own telemetry says so. */
export const done: Right = ({ audit_id, success, telemetry }, { ended }) =>
  success && telemetry?.done === audit_id && ended > 0;
/** It was not done, or not to its end, and the answer does not claim otherwise. */
export const failed: Right = ({ success }) => !success;

export interface Verdict {
  readonly fault: string;
  readonly servant: string;
  /**
   * Nothing lost, doubled or late; it lives, or ended as it was asked to, and no other way; and an
   * assignment that came after the fault was done as always.
   */
  readonly survived: boolean;
  /** Assignments handed out and not answered, or with another content than is right, or two. */
  readonly lost: number;
  /** Assignments whose handler began more than once. */
  readonly doubled: number;
  /** How often it ended without being asked to; it was started again, as systemd does. */
  readonly deaths: number;
  /** What else kept it from surviving. */
  readonly problems: readonly string[];
}

const LOOK_EVERY_MS = 5;
/** A servant that dies so often is not started again. */
const DEATHS_MAX = 20;

export class Scene {
  readonly backend: HostileBackend;
  readonly link: Link;
  readonly workplace: Workplace;
  readonly problems: string[] = [];
  readonly #make: Make;
  readonly #patienceMs: number;
  /** What the answers to all that was handed out must be. */
  readonly #asked = new Map<string, Right>();
  #options: StartOptions = {};
  #running: Running | undefined;
  #deaths = 0;
  #count = 0;

  private constructor(make: Make, patienceMs: number, backend: HostileBackend, link: Link) {
    this.#make = make;
    this.#patienceMs = patienceMs;
    this.backend = backend;
    this.link = link;
    this.workplace = new Workplace();
  }

  static async set(make: Make, patienceMs: number): Promise<Scene> {
    const backend = new HostileBackend();
    return new Scene(make, patienceMs, backend, await Link.to(backend.port));
  }

  async clear(): Promise<void> {
    await this.#running?.end("SIGKILL");
    await this.link.down();
    await this.backend.stop();
    this.workplace[Symbol.dispose]();
  }

  /** Starts the servant; resolves when it asks for work. */
  async start(options: StartOptions = {}): Promise<void> {
    const polls = () => this.backend.requests("/next_assignment").length;
    const before = polls();
    this.#options = options;
    this.#running = this.#make.start(this.link.url, this.workplace, options);
    if (await this.until(() => polls() > before)) return;
    throw new Error(`${this.#make.name} never asked for work:\n${this.workplace.log()}`);
  }

  /** Ends it, which is no death; resolves to its exit code. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const code = await this.#running?.end(signal);
    this.#running = undefined;
    return code ?? null;
  }

  /** Hands out a new assignment that does `what` (see `recorder.ts`). */
  assign(what: string, right: Right, ms = 0, padding?: string): string {
    const auditId = this.#newId(what, ms);
    this.handOut(auditId, right, padding);
    return auditId;
  }

  handOut(auditId: string, right: Right, padding?: string): void {
    const params = { start: "room_one", end: "room_two", ...(padding ? { padding } : {}) };
    const body = { kind: "action", transition_name: "move", params_json: params };
    this.poll(JSON.stringify({ ...body, audit_id: auditId }), auditId, right);
  }

  /** Hands out a question for a belief. */
  ask(right: Right): string {
    const auditId = this.#newId("belief", 0);
    const body = { kind: "belief", fluent_name: "robot_at", audit_id: auditId };
    this.poll(JSON.stringify(body), auditId, right);
    return auditId;
  }

  /** Answers a coming poll with this; what it says of an audit id must be answered. */
  poll(body: string, auditId?: string, right?: Right): void {
    this.backend.polls.push(() => {
      if (auditId !== undefined && right !== undefined) this.#asked.set(auditId, right);
      return new Response(body);
    });
  }

  /** Answers a request by resetting its connection; the servant gets not a byte. */
  readonly reset = (status: number) => (received: Received) => {
    this.link.reset(received.fromPort);
    return new Response(null, { status });
  };

  answers(auditId: string): readonly Answer[] {
    return this.backend.taken.filter((each) => each.audit_id === auditId) as unknown as Answer[];
  }

  count(auditId: string, effect: "began" | "ended"): number {
    return this.workplace.count(`${auditId} ${effect}`);
  }

  answered(...auditIds: string[]): Promise<boolean> {
    return this.until(() => auditIds.every((each) => this.answers(each).length > 0));
  }

  began(auditId: string): Promise<boolean> {
    return this.until(() => this.count(auditId, "began") > 0);
  }

  /** False when it does not come in time. Meanwhile a servant that dies is started again. */
  async until(holds: () => boolean): Promise<boolean> {
    const lateAt = performance.now() + this.#patienceMs;
    while (!holds()) {
      if (performance.now() > lateAt) return holds();
      this.#startAgain();
      await Bun.sleep(LOOK_EVERY_MS);
    }
    return true;
  }

  async judge(fault: string): Promise<Verdict> {
    const { polls } = this.backend;
    const unanswered = () =>
      [...this.#asked].filter(([auditId, right]) => !this.#isRight(auditId, right));
    await this.until(() => polls.length === 0 && unanswered().length === 0);
    const lost = unanswered();
    const next = this.assign("work", done);
    if (!(await this.until(() => this.#isRight(next, done)))) {
      this.problems.push("the next assignment does not work");
      this.#asked.delete(next);
    }
    this.#startAgain();
    const doubled = [...this.#asked.keys()].filter((each) => this.count(each, "began") > 1);
    const harm = lost.length + doubled.length + this.#deaths + this.problems.length;
    return {
      fault,
      servant: this.#make.name,
      survived: harm === 0,
      lost: lost.length,
      doubled: doubled.length,
      deaths: this.#deaths,
      problems: this.problems,
    };
  }

  #newId(what: string, ms: number): string {
    this.#count += 1;
    return `${what}-${ms}-${this.#count}`;
  }

  #isRight(auditId: string, right: Right): boolean {
    const [first, ...others] = this.answers(auditId);
    if (first === undefined) return false;
    const did = { began: this.count(auditId, "began"), ended: this.count(auditId, "ended") };
    return (
      right(first, did) && others.every((each) => JSON.stringify(each) === JSON.stringify(first))
    );
  }

  #startAgain(): void {
    if (this.#running === undefined || this.#running.isAlive) return;
    this.#deaths += 1;
    const { link, workplace } = this;
    this.#running =
      this.#deaths < DEATHS_MAX ? this.#make.start(link.url, workplace, this.#options) : undefined;
  }
}
