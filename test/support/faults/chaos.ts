/**
 * Kills a servant at random moments, over and over, under a steady stream of assignments, and
 * starts it again at once. Then it counts, from the effects that the handlers left on the disk and
 * from the answers that the backend got:
 *
 * - an outcome is **lost** when the handler began and the backend learns nothing of it unless it
 *   asks again, or when the answer is wrong (a success whose effect is not whole, another
 *   assignment's telemetry, a failure that is not `handler.interrupted`, two answers that differ),
 *   or when no answer comes at all;
 * - an effect is **doubled** when a handler began more than once for one audit id.
 *
 * What the servant never began is handed out again after a while, as a real backend does: a plain
 * one has no acknowledgement for a poll's answer, so nobody can tell whether it arrived.
 */
import { Random } from "../../sim/random.ts";
import { type Make, type Running, Workplace } from "./servants.ts";
import { type Handed, SteadyBackend } from "./steady-backend.ts";

export interface ChaosOptions {
  readonly make: Make;
  readonly kills: number;
  readonly seed: number;
  readonly onProgress?: (done: number) => void;
}

export interface ChaosReport {
  readonly servant: string;
  readonly version: string;
  readonly seed: number;
  readonly kills: number;
  /** Of these, before it had registered. */
  readonly killsInStartUp: number;
  /** How often the servant ended without having been killed. */
  readonly deaths: number;
  readonly assignments: number;
  readonly handedOutAgain: number;
  readonly interrupted: number;
  readonly lost: number;
  readonly doubled: number;
  /** What was lost or doubled, and how: for whoever looks for the reason. */
  readonly findings: readonly string[];
}

const HANDLER_MS = 60;
/** The share of kills that come while the servant starts. */
const IN_START_UP = 0.25;
/** After its registration a servant lives this long at the most, in milliseconds ... */
const LIFE_MAX_MS = 600;
/** ... but one in ten lives for so many answers: what is overdue is handed out again meanwhile. */
const LONG_LIFE_ANSWERS = 16;
const LONG_LIFE_EVERY = 10;
/** How long anything that must happen is waited for, in milliseconds: a busy machine's share. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 5;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  using workplace = new Workplace();
  const chaos = new Chaos(options, workplace);
  try {
    return await chaos.run();
  } finally {
    await chaos.stop();
  }
}

class Chaos {
  readonly #options: ChaosOptions;
  readonly #workplace: Workplace;
  readonly #backend: SteadyBackend;
  readonly #random: Random;
  #running: Running | undefined;
  /** From the start to the registration, as the last life took that came so far. */
  #startUpMs = 0;
  #killsInStartUp = 0;
  #deaths = 0;

  constructor(options: ChaosOptions, workplace: Workplace) {
    this.#options = options;
    this.#workplace = workplace;
    this.#random = new Random(options.seed);
    this.#backend = new SteadyBackend({
      handlerMs: HANDLER_MS,
      hasBegun: (auditId) => workplace.count(`${auditId} began`) > 0,
    });
  }

  async run(): Promise<ChaosReport> {
    const { kills, onProgress } = this.#options;
    await this.#firstLife();
    for (let done = 1; done <= kills; done += 1) {
      await this.#oneLife(done % LONG_LIFE_EVERY === 0);
      onProgress?.(done);
    }
    await this.#settle();
    return this.#report();
  }

  async stop(): Promise<void> {
    await this.#running?.end("SIGKILL");
    await this.#backend.stop();
  }

  #start(): void {
    const { make } = this.#options;
    this.#running = make.start(this.#backend.url, this.#workplace);
  }

  async #firstLife(): Promise<void> {
    this.#start();
    if (!(await this.#registered(0))) {
      throw new Error(`${this.#options.make.name} never registered:\n${this.#workplace.log()}`);
    }
    await this.#until(() => this.#backend.answered > 0);
    await this.#running?.end("SIGKILL");
  }

  async #oneLife(isLong: boolean): Promise<void> {
    const backend = this.#backend;
    const before = backend.registrations;
    this.#start();
    if (!isLong && this.#random.chance(IN_START_UP)) {
      await Bun.sleep(this.#random.next() * this.#startUpMs);
    } else {
      await this.#registered(before);
      if (isLong) await this.#until(() => backend.answered >= LONG_LIFE_ANSWERS);
      else await Bun.sleep(this.#random.next() * LIFE_MAX_MS);
    }
    if (backend.registrations === before) this.#killsInStartUp += 1;
    if (this.#running?.isAlive === false) this.#deaths += 1;
    await this.#running?.end("SIGKILL");
  }

  async #registered(before: number): Promise<boolean> {
    const startedAt = performance.now();
    const isThere = await this.#until(() => this.#backend.registrations > before);
    this.#startUpMs = performance.now() - startedAt;
    return isThere;
  }

  /** One more life without a kill, until everything that was handed out is answered. */
  async #settle(): Promise<void> {
    const backend = this.#backend;
    const open = [...backend.unanswered];
    this.#start();
    // The stream goes on meanwhile: only what later ones overtake is handed out again.
    await this.#until(() => open.every(({ answers }) => answers.length > 0));
    backend.isSupplying = false;
    await this.#until(() => backend.unanswered.length === 0);
    if (this.#running?.isAlive === false) this.#deaths += 1;
    await this.#running?.end("SIGTERM");
  }

  /** False when it does not come in time, or when the servant has ended before. */
  async #until(holds: () => boolean): Promise<boolean> {
    const lateAt = performance.now() + PATIENCE_MS;
    while (!holds()) {
      if (performance.now() > lateAt || this.#running?.isAlive === false) return holds();
      await Bun.sleep(LOOK_EVERY_MS);
    }
    return true;
  }

  #report(): ChaosReport {
    const { make, seed, kills } = this.#options;
    const all = [...this.#backend.handed.values()];
    const lost = all.flatMap((each) => this.#whyLost(each) ?? []);
    const doubled = all.filter(({ auditId }) => this.#workplace.count(`${auditId} began`) > 1);
    return {
      servant: make.name,
      version: make.version,
      seed,
      kills,
      killsInStartUp: this.#killsInStartUp,
      deaths: this.#deaths,
      assignments: all.length,
      handedOutAgain: all.filter(({ times }) => times > 1).length,
      interrupted: all.filter(({ answers }) => answers[0]?.code === INTERRUPTED).length,
      lost: lost.length,
      doubled: doubled.length,
      findings: [...lost, ...doubled.map(({ auditId }) => `${auditId}: its handler began again`)],
    };
  }

  #whyLost({ auditId, answers, isMissed }: Handed): string | undefined {
    const [first, ...others] = answers;
    if (first === undefined) return `${auditId}: no answer`;
    if (others.some((each) => JSON.stringify(each) !== JSON.stringify(first))) {
      return `${auditId}: its answers differ: ${JSON.stringify(answers)}`;
    }
    const isWhole = first.done === auditId && this.#workplace.count(`${auditId} ended`) > 0;
    if (first.success ? !isWhole : first.code !== INTERRUPTED) {
      return `${auditId}: a wrong answer: ${JSON.stringify(first)}`;
    }
    return isMissed ? `${auditId}: begun, and no word of it until asked again` : undefined;
  }
}

const INTERRUPTED = "handler.interrupted";
