/**
 * A simulated warehouse robot: one arm, one set of wheels, and a memory of where things are.
 * `WAREHOUSE_STEP_MS` is how long each movement takes, in milliseconds (default 200).
 */
import { type ActionContext, type Atom, action, BeliefResult, belief } from "servant-agent";
import {
  type Box,
  boxA,
  boxAt,
  boxB,
  boxC,
  handsFree,
  holding,
  move,
  pick,
  place,
  type Room,
  robotAt,
  roomLoadingBay,
  roomOne,
  roomRobotHome,
} from "servant-agent/domains/warehouse";

const STEP_MS = Number(process.env.WAREHOUSE_STEP_MS ?? 200);

export class WarehouseNode {
  #room = roomRobotHome.name;
  #held: Box | undefined;
  readonly #boxRooms = new Map([
    [boxA.name, roomOne.name],
    [boxB.name, roomLoadingBay.name],
    [boxC.name, roomLoadingBay.name],
  ]);

  static getStartState(): Atom[] {
    return [
      robotAt(roomRobotHome),
      handsFree(),
      boxAt(roomOne, boxA),
      boxAt(roomLoadingBay, boxB),
      boxAt(roomLoadingBay, boxC),
    ];
  }

  static getDomainModules() {
    return ["dynos_warehouse.warehouse"];
  }

  @action(move, { timeoutMs: 60_000, uses: ["wheels"] })
  async drive({ start, end }: { start: Room; end: Room }, ctx: ActionContext) {
    if (start.name !== this.#room) {
      return { success: false, message: `the robot is in ${this.#room}, not in ${start}` };
    }
    await this.#work(`driving to ${end}`, ctx);
    this.#room = end.name;
    return { success: true, telemetry: { room: end.name, took_ms: STEP_MS } };
  }

  @action(pick, { timeoutMs: 60_000, uses: ["arm"] })
  async lift({ room, box }: { room: Room; box: Box }, ctx: ActionContext) {
    if (this.#held) return { success: false, message: `the arm already holds ${this.#held}` };
    if (room.name !== this.#room || this.#boxRooms.get(box.name) !== room.name) {
      return { success: false, message: `${box} is not within reach in ${room}` };
    }
    await this.#work(`picking up ${box}`, ctx);
    this.#held = box;
    this.#boxRooms.delete(box.name);
    return { success: true, telemetry: { box: box.name } };
  }

  @action(place, { timeoutMs: 60_000, uses: ["arm"] })
  async lower({ room, box }: { room: Room; box: Box }, ctx: ActionContext) {
    if (this.#held?.name !== box.name || room.name !== this.#room) {
      return { success: false, message: `cannot put ${box} down in ${room}` };
    }
    await this.#work(`putting ${box} down`, ctx);
    this.#held = undefined;
    this.#boxRooms.set(box.name, room.name);
    return { success: true, telemetry: { box: box.name } };
  }

  @belief(robotAt)
  where() {
    return BeliefResult.sole(`robot_at(${this.#room})`);
  }

  @belief(holding)
  whatIsHeld() {
    const seen: Record<Atom, boolean> = {};
    for (const box of [boxA, boxB, boxC]) seen[holding(box)] = box.name === this.#held?.name;
    return BeliefResult.acquired(seen);
  }

  /** Takes the time a real movement takes, and stops at once when told to. */
  async #work(what: string, ctx: ActionContext): Promise<void> {
    ctx.log.info(what);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, STEP_MS);
      ctx.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(ctx.signal.reason);
      });
    });
    ctx.progress(1, what);
  }
}
