/**
 * A simulated laboratory balance: it settles after each change of its load, its readings have noise,
 * and it says when there is too much on its pan. `BALANCE_SEED` (default 1) begins its noise.
 */
import { type ActionContext, action, type SafeContext, z } from "servant-agent";

/** The most that it weighs. */
const CAPACITY_G = 220;
/** The noise of one reading, as a standard deviation. */
const NOISE_G = 0.000_5;
/** A reading that is so near to the load has settled. */
const STABLE_WITHIN_G = 0.001;
/** How many readings one weighing takes the mean of. */
const READINGS = 8;

const Settling = z.strictObject({
  settle_ms: z.number().min(0).max(60_000).default(500).describe("how long it waits before"),
});
const Load = z.strictObject({
  mass_g: z.number().min(0).max(1_000).describe("what lies on the pan from now on"),
});

export class Balance {
  /** In which time two thirds of a change have gone by. */
  readonly #timeConstantMs: number;
  readonly #noise: () => number;
  #loadG = 0;
  #tareG = 0;
  /** What it showed when the load changed, and when that was. */
  #before = { grossG: 0, atMs: Number.NEGATIVE_INFINITY };

  constructor({ seed = Number(process.env.BALANCE_SEED ?? 1), timeConstantMs = 40 } = {}) {
    this.#noise = noiseOf(seed);
    this.#timeConstantMs = timeConstantMs;
  }

  setup({ telemetry }: SafeContext) {
    telemetry.stream("weight", () => this.#reading(), 500);
  }

  @action("tare", { params: Settling, description: "Takes what lies on the pan for nothing." })
  async tare({ settle_ms }: z.infer<typeof Settling>, ctx: ActionContext) {
    await passed(settle_ms, ctx.signal);
    this.#tareG = this.#grossG();
    return { success: true, telemetry: { tare_g: rounded(this.#tareG) } };
  }

  @action("weigh", { params: Settling, description: "Weighs what was added since the tare." })
  async weigh({ settle_ms }: z.infer<typeof Settling>, ctx: ActionContext) {
    await passed(settle_ms, ctx.signal);
    if (this.#loadG > CAPACITY_G) {
      return { success: false, message: `more than ${CAPACITY_G} g lie on the pan` };
    }
    const readings = Array.from({ length: READINGS }, () => this.#reading());
    const mass_g = rounded(readings.reduce((sum, each) => sum + each.mass_g, 0) / READINGS);
    return { success: true, telemetry: { mass_g, stable: readings.every(({ stable }) => stable) } };
  }

  @action("load", { params: Load, description: "Puts a mass on the pan: only a simulation can." })
  load({ mass_g }: z.infer<typeof Load>, { events }: ActionContext) {
    this.#before = { grossG: this.#settledG(), atMs: performance.now() };
    this.#loadG = mass_g;
    if (mass_g > CAPACITY_G) events.alert("overload", "high", { mass_g, capacity_g: CAPACITY_G });
  }

  /** Whoever begins a new run wants no tare of the last one. */
  reset() {
    this.#tareG = 0;
  }

  #reading() {
    const stable = Math.abs(this.#settledG() - this.#loadG) < STABLE_WITHIN_G;
    return { mass_g: rounded(this.#grossG() - this.#tareG), stable };
  }

  #grossG(): number {
    return this.#settledG() + NOISE_G * this.#noise();
  }

  /** What it would show without noise. */
  #settledG(): number {
    const { grossG, atMs } = this.#before;
    const left = Math.exp((atMs - performance.now()) / this.#timeConstantMs);
    return this.#loadG + (grossG - this.#loadG) * left;
  }
}

/** To a tenth of a milligram, as its display has it. */
function rounded(grams: number): number {
  return Math.round(grams * 10_000) / 10_000;
}

/** About normal, the same for the same seed. */
function noiseOf(seed: number): () => number {
  let state = seed >>> 0;
  const share = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return () => Array.from({ length: 12 }, share).reduce((sum, each) => sum + each, -6);
}

/** Waits, and stops at once when it is told to. */
function passed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
