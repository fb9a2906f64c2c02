/**
 * A simulated pipettor over a plate of 96 wells: it moves at a real speed, draws and gives liquid by
 * and by, waits while it is paused and stops where it is when it is cancelled.
 * `PIPETTOR_TIME_SCALE` makes its time run faster: at 60 a minute takes a second (default 1).
 */
import { type ActionContext, action, type SafeContext, safe, z } from "servant-agent";

const SPEED_MM_S = 150;
/** Milliseconds between two looks at the clock. */
const TICK_MS = 10;
/** Less than this is a rounding error, not liquid. */
const NOTHING_UL = 1e-6;

interface Position {
  readonly x_mm: number;
  readonly y_mm: number;
  readonly z_mm: number;
}
const HOME: Position = { x_mm: 0, y_mm: 0, z_mm: 0 };
const RACK: Position = { x_mm: 200, y_mm: 20, z_mm: -40 };
const BIN: Position = { x_mm: 250, y_mm: 120, z_mm: -10 };
const WELL_A1: Position = { x_mm: 30, y_mm: 20, z_mm: -50 };
const WELL_PITCH_MM = 9;

const Tip = z.strictObject({
  capacity_ul: z.number().min(1).max(1_000).default(200).describe("how much the tip can hold"),
});
const Liquid = z.strictObject({
  well: z
    .string()
    .regex(/^[A-H]([1-9]|1[0-2])$/, "a well is A1 to H12")
    .describe("A1 to H12"),
  volume_ul: z.number().positive().max(1_000),
  speed_ul_s: z.number().min(1).max(1_000).default(100),
});
type Liquid = z.infer<typeof Liquid>;
const OPTIONS = { uses: ["gantry"] };

export class Pipettor {
  readonly #timeScale: number;
  #position = HOME;
  /** Where it is, is known: not so after a start, a crash or a reset. */
  #isHomed = false;
  #capacityUl: number | undefined;
  #heldUl = 0;

  constructor(timeScale = Number(process.env.PIPETTOR_TIME_SCALE ?? 1)) {
    if (!(timeScale > 0)) {
      throw new Error(`Cannot run at time scale ${timeScale}: give a number above 0`);
    }
    this.#timeScale = timeScale;
  }

  setup({ telemetry }: SafeContext) {
    telemetry.stream("pos", () => (this.#isHomed ? this.#position : null), 500);
  }

  @action("home", { ...OPTIONS, params: z.strictObject({}), description: "Finds where it is." })
  async home(_params: object, ctx: ActionContext) {
    await this.#move(HOME, ctx);
    this.#isHomed = true;
    return this.#done();
  }

  @action("pick_up_tip", { ...OPTIONS, params: Tip, description: "Takes a new tip of the rack." })
  async pickUpTip({ capacity_ul }: z.infer<typeof Tip>, ctx: ActionContext) {
    if (!this.#isHomed) return failure("it must home first");
    if (this.#capacityUl !== undefined) return failure("it has a tip already");
    await this.#move(RACK, ctx);
    this.#capacityUl = capacity_ul;
    return this.#done();
  }

  @action("aspirate", { ...OPTIONS, params: Liquid, description: "Draws liquid from a well." })
  async aspirate({ well, volume_ul, speed_ul_s }: Liquid, ctx: ActionContext) {
    if (!this.#isHomed) return failure("it must home first");
    if (this.#capacityUl === undefined) return failure("it has no tip");
    const roomUl = this.#capacityUl - this.#heldUl;
    if (volume_ul > roomUl + NOTHING_UL) {
      return failure(`its tip has room for ${rounded(roomUl)} ul`);
    }
    await this.#move(positionOf(well), ctx);
    await this.#pump(volume_ul, speed_ul_s, ctx);
    return this.#done();
  }

  @action("dispense", { ...OPTIONS, params: Liquid, description: "Gives liquid into a well." })
  async dispense({ well, volume_ul, speed_ul_s }: Liquid, ctx: ActionContext) {
    if (!this.#isHomed) return failure("it must home first");
    if (volume_ul > this.#heldUl + NOTHING_UL) {
      return failure(`its tip holds ${rounded(this.#heldUl)} ul`);
    }
    await this.#move(positionOf(well), ctx);
    await this.#pump(-volume_ul, speed_ul_s, ctx);
    return this.#done();
  }

  @action("eject_tip", {
    ...OPTIONS,
    params: z.strictObject({}),
    description: "Drops the tip into the bin, and what is in it.",
  })
  async ejectTip(_params: object, ctx: ActionContext) {
    if (!this.#isHomed) return failure("it must home first");
    if (this.#capacityUl === undefined) return failure("it has no tip");
    await this.#move(BIN, ctx);
    if (this.#heldUl > NOTHING_UL) {
      ctx.events.alert("liquid_discarded", "low", { volume_ul: rounded(this.#heldUl) });
    }
    this.#capacityUl = undefined;
    this.#heldUl = 0;
    return this.#done();
  }

  /** The motors are off: somebody may push it, so that nobody knows where it is. */
  @safe()
  stop({ log }: SafeContext) {
    this.#isHomed = false;
    log.warn("motors off, it must home first");
  }

  /** Whoever begins a new run finds it as after a start. Its tip stays: it cannot fall off. */
  reset(ctx: SafeContext) {
    this.stop(ctx);
  }

  async #move(to: Position, ctx: ActionContext): Promise<void> {
    const from = this.#position;
    const [dx, dy, dz] = [to.x_mm - from.x_mm, to.y_mm - from.y_mm, to.z_mm - from.z_mm];
    await this.#spend(Math.hypot(dx, dy, dz) / SPEED_MM_S, ctx, (share) => {
      this.#position = {
        x_mm: rounded(from.x_mm + share * dx),
        y_mm: rounded(from.y_mm + share * dy),
        z_mm: rounded(from.z_mm + share * dz),
      };
    });
  }

  /** A negative volume leaves the tip. What was pumped before a cancel stays pumped. */
  async #pump(volumeUl: number, speedUlS: number, ctx: ActionContext): Promise<void> {
    const beforeUl = this.#heldUl;
    await this.#spend(Math.abs(volumeUl) / speedUlS, ctx, (share) => {
      this.#heldUl = beforeUl + share * volumeUl;
      ctx.progress(share);
    });
  }

  /** Lets simulated seconds pass, none of them during a pause; throws where it is when told to stop. */
  async #spend(seconds: number, ctx: ActionContext, step: (share: number) => void): Promise<void> {
    let leftMs = (seconds * 1_000) / this.#timeScale;
    const wholeMs = leftMs;
    while (leftMs > 0) {
      await ctx.untilResumed();
      ctx.signal.throwIfAborted();
      const beganAtMs = performance.now();
      await new Promise((resolve) => setTimeout(resolve, Math.min(TICK_MS, leftMs)));
      leftMs -= performance.now() - beganAtMs;
      step(Math.min(1 - leftMs / wholeMs, 1));
    }
  }

  #done() {
    const telemetry = { ...this.#position, volume_ul: rounded(this.#heldUl) };
    return { success: true, telemetry };
  }
}

function failure(message: string) {
  return { success: false, message };
}

function positionOf(well: string): Position {
  const row = well.charCodeAt(0) - "A".charCodeAt(0);
  const column = Number(well.slice(1)) - 1;
  return {
    x_mm: WELL_A1.x_mm + column * WELL_PITCH_MM,
    y_mm: WELL_A1.y_mm + row * WELL_PITCH_MM,
    z_mm: WELL_A1.z_mm,
  };
}

/** To a hundredth, as a person reads it. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
