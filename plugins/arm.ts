/**
 * A simulated robot arm: it moves its tip along straight lines at a real speed, tells how far it is,
 * and stops where it is when it is cancelled. `ARM_TIME_SCALE` makes its time run faster: at 60 a
 * minute takes a second (default 1). Everything is in SI units, as scenarios send it.
 */
import { type ActionContext, action, type SafeContext, safe, z } from "servant-agent";

/** How far the tip gets from the foot. */
const REACH_M = 1.2;
/** What it can carry. */
const PAYLOAD_KG = 3;
/** Milliseconds between two looks at the clock. */
const TICK_MS = 10;

const metres = () => z.number().meta({ unit: "m" });
const seconds = () => z.number().min(0).max(3_600).meta({ unit: "s" });

const Point = z.object({ x: metres(), y: metres(), z: metres() }).meta({ title: "arm_point" });
type Point = z.infer<typeof Point>;
const Pose = z
  .object({
    at: Point,
    yaw: z.number().default(0).meta({ unit: "rad", description: "of the tip, about the vertical" }),
  })
  .meta({ title: "arm_pose" });
const Grip = z.enum(["hold", "open", "shut"]);

const MoveTo = z.object({
  pose: Pose,
  pace: z.number().positive().max(1).default(0.25).meta({ unit: "m/s", description: "of the tip" }),
  via: z.array(Pose).max(100).default([]).describe("where it passes on its way"),
  gripper: Grip.default("hold").describe("what the gripper does there"),
  dwell: seconds().optional().describe("how long it stays there"),
});
const Sweep = z.object({
  to: Point,
  strokes: z.int().min(1).max(100).default(2).describe("there and back"),
  press: z.number().min(0).max(50).default(5).meta({ unit: "N", description: "on the surface" }),
});
const Check = z.object({
  load: z.number().min(0).meta({ unit: "kg", description: "what it shall carry" }),
  allow_overload: z.boolean().default(false),
  note: z.string().optional().describe("for the log"),
});
const USES = { uses: ["arm"] };

export class Arm {
  readonly #timeScale: number;
  #tip: Point = { x: 0.4, y: 0, z: 0.3 };
  #yaw = 0;
  #isOpen = true;

  constructor(timeScale = Number(process.env.ARM_TIME_SCALE ?? 1)) {
    if (!(timeScale > 0)) throw new Error(`Cannot run at time scale ${timeScale}`);
    this.#timeScale = timeScale;
  }

  @action("arm.move_to", { ...USES, params: MoveTo, description: "Moves the tip to a pose." })
  async moveTo(
    { pose, pace, via, gripper, dwell = 0 }: z.infer<typeof MoveTo>,
    ctx: ActionContext,
  ) {
    const stops = [...via, pose];
    const far = stops.find(({ at: { x, y, z } }) => Math.hypot(x, y, z) > REACH_M);
    if (far !== undefined) return { success: false, message: "it is out of reach" };
    const tell = inTenths((share) => ctx.progress(share));
    for (const [index, { at, yaw }] of stops.entries()) {
      await this.#move(at, pace, ctx, (share) => tell((index + share) / stops.length));
      this.#yaw = yaw;
    }
    if (gripper !== "hold") this.#isOpen = gripper === "open";
    await this.#spend(dwell, ctx);
    return { success: true, telemetry: this.#state() };
  }

  @action("arm.sweep", { ...USES, params: Sweep, description: "Wipes from where it is, and back." })
  async sweep({ to, strokes, press }: z.infer<typeof Sweep>, ctx: ActionContext) {
    const from = this.#tip;
    for (let stroke = 0; stroke < strokes; stroke += 1) {
      await this.#move(stroke % 2 === 0 ? to : from, 0.1, ctx);
      ctx.progress((stroke + 1) / strokes);
    }
    return { success: true, telemetry: { ...this.#state(), press_n: press } };
  }

  @action("check_payload", { params: Check, description: "Fails when a load is too heavy." })
  checkPayload({ load, allow_overload, note }: z.infer<typeof Check>, { log }: ActionContext) {
    if (note !== undefined) log.info(note, { load_kg: load });
    if (load <= PAYLOAD_KG || allow_overload) return true;
    return { success: false, message: `it carries ${PAYLOAD_KG} kg at most` };
  }

  /** Its motions end with their handlers: there is only the brake to set. */
  @safe()
  brake({ log }: SafeContext) {
    log.warn("the brakes are on");
  }

  async #move(to: Point, paceMps: number, ctx: ActionContext, step?: (share: number) => void) {
    const from = this.#tip;
    const [dx, dy, dz] = [to.x - from.x, to.y - from.y, to.z - from.z];
    await this.#spend(Math.hypot(dx, dy, dz) / paceMps, ctx, (share) => {
      this.#tip = { x: from.x + share * dx, y: from.y + share * dy, z: from.z + share * dz };
      step?.(share);
    });
    this.#tip = to;
  }

  /** Lets simulated seconds pass, none of them during a pause; throws where it is when told to stop. */
  async #spend(seconds: number, ctx: ActionContext, step?: (share: number) => void) {
    const wholeMs = (seconds * 1_000) / this.#timeScale;
    for (let leftMs = wholeMs; leftMs > 0; ) {
      await ctx.untilResumed();
      ctx.signal.throwIfAborted();
      const beganAtMs = performance.now();
      await new Promise((resolve) => setTimeout(resolve, Math.min(TICK_MS, leftMs)));
      leftMs -= performance.now() - beganAtMs;
      step?.(Math.min(1 - leftMs / wholeMs, 1));
    }
  }

  #state() {
    return { ...this.#tip, yaw: this.#yaw, is_open: this.#isOpen };
  }
}

/** Tells ten times in all: each call of `ctx.progress` is a line of the log. */
function inTenths(tell: (share: number) => void): (share: number) => void {
  let told = 0;
  return (share) => {
    const tenths = Math.floor(share * 10);
    if (tenths <= told) return;
    told = tenths;
    tell(share);
  };
}
