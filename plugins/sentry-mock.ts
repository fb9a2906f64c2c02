/**
 * A simulated Sentry: flies each leg at a real speed, holds for as long as it is told, says where it
 * is. `SENTRY_TIME_SCALE` makes its time run faster: at 60 a minute takes a second (default 1).
 */
import { type ActionContext, action, BeliefResult, belief } from "servant-agent";
import {
  type AltitudeTarget,
  at,
  type Coordinate,
  type DepthTarget,
  fullAbort,
  goto,
  holdAltitudeTo,
  holdDepthTo,
  type StationTarget,
  stationKeep,
  takeoverControl,
} from "servant-agent/domains/sentry";

/** Metres a second where no zone says how fast. */
const SPEED_M_S = 1;
/** Simulated seconds that taking over and going down take, and giving up. */
const TAKEOVER_S = 60;
const ABORT_S = 60;
/** Milliseconds between two looks at the clock. */
const TICK_MS = 200;
const EARTH_M = 6_371_008.8;
const OPTIONS = { uses: ["vehicle"] };

type Fields = Readonly<Record<string, unknown>>;
/** Degrees or metres, as its frame has it; metres below the surface. */
interface Position {
  readonly frame: string;
  readonly x: number;
  readonly y: number;
  readonly depth: number;
}

export class SentryMock {
  readonly #timeScale: number;
  #position: Position | undefined;
  /** The coordinate at which it arrived last; undefined on the way. */
  #coordinate: string | undefined;
  /** The coordinate that it left last. */
  #left: string | undefined;

  constructor(timeScale = Number(process.env.SENTRY_TIME_SCALE ?? 1)) {
    if (!(timeScale > 0))
      throw new Error(`Cannot run at time scale ${timeScale}: give a number above 0`);
    this.#timeScale = timeScale;
  }

  static getDomainModules() {
    return ["dynos_sentry.sentry"];
  }

  @action(goto, OPTIONS)
  async fly({ start, end }: { start: Coordinate; end: Coordinate }, ctx: ActionContext) {
    const places = await fieldsByName(ctx, "coordinate");
    const from = this.#position ?? positionOf(places.get(start.name), 0);
    const to = positionOf(places.get(end.name), from?.depth ?? 0);
    if (to === undefined) return { success: false, message: `${end} does not say where it is` };
    const origin = from?.frame === to.frame ? from : to; // where it starts is not known: it is there
    const metres = metresBetween(origin, to);
    const speed = speedBetween(origin, to, await fieldsByName(ctx, "zone"));
    this.#left = this.#coordinate ?? this.#left;
    this.#coordinate = undefined;
    const what = `flying ${Math.round(metres)} m to ${end} at ${speed} m/s`;
    await this.#spend(metres / speed, what, ctx, (share) => {
      this.#position = between(origin, to, share);
    });
    this.#position = to;
    this.#coordinate = end.name;
    return { success: true, telemetry: { metres, seconds: metres / speed, ...shown(to) } };
  }

  @action(holdDepthTo, OPTIONS)
  async holdDepth({ target }: { target: DepthTarget }, ctx: ActionContext) {
    return await this.#hold(await fieldsOf(ctx, "depthtarget", target.name), `${target}`, ctx);
  }

  @action(holdAltitudeTo, OPTIONS)
  async holdAltitude({ target }: { target: AltitudeTarget }, ctx: ActionContext) {
    return await this.#hold(await fieldsOf(ctx, "altitudetarget", target.name), `${target}`, ctx);
  }

  @action(stationKeep, OPTIONS)
  async keepStation({ target }: { target: StationTarget }, ctx: ActionContext) {
    return await this.#hold(await fieldsOf(ctx, "stationtarget", target.name), `${target}`, ctx);
  }

  @action(takeoverControl, OPTIONS)
  async takeOver(_params: object, ctx: ActionContext) {
    await this.#spend(TAKEOVER_S, "taking over and going down", ctx);
    return true;
  }

  @action(fullAbort, OPTIONS)
  async abort(_params: object, ctx: ActionContext) {
    await this.#spend(ABORT_S, "giving up and coming up", ctx);
    this.#left = this.#coordinate ?? this.#left;
    this.#coordinate = undefined;
    return true;
  }

  @belief(at)
  where() {
    if (this.#coordinate !== undefined) return BeliefResult.sole(`at(${this.#coordinate})`);
    // On the way: not where it was any more, and not yet anywhere that has a name.
    return this.#left === undefined
      ? BeliefResult.unchecked("it has not been anywhere that has a name")
      : BeliefResult.acquired({ [`at(${this.#left})`]: false });
  }

  async #hold(fields: Fields, name: string, ctx: ActionContext) {
    const seconds = numberOf(fields.hold_duration_s) ?? 0;
    await this.#spend(seconds, `holding ${name} for ${seconds} s`, ctx);
    const depth = numberOf(fields.depth_m);
    if (this.#position !== undefined && depth !== undefined && depth > 0) {
      this.#position = { ...this.#position, depth };
    }
    return { success: true, telemetry: { held_s: seconds } };
  }

  /** Lets simulated seconds pass; stops where it is when it is told to. */
  async #spend(
    seconds: number,
    what: string,
    ctx: ActionContext,
    move: (share: number) => void = () => {},
  ): Promise<void> {
    const wholeMs = (seconds * 1_000) / this.#timeScale;
    const startedAtMs = performance.now();
    ctx.log.info(what);
    let told = 0;
    for (;;) {
      const passedMs = performance.now() - startedAtMs;
      if (ctx.signal.aborted) throw ctx.signal.reason;
      const share = wholeMs === 0 ? 1 : Math.min(1, passedMs / wholeMs);
      move(share);
      if (share === 1) return;
      ctx.progress(share, what);
      if (share >= told + 0.1) {
        told = Math.floor(share * 10) / 10;
        ctx.log.info(`${what}: ${Math.round(told * 100)} %`);
      }
      await passed(Math.min(TICK_MS, wholeMs - passedMs), ctx.signal);
    }
  }
}

function passed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms);
    function end() {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    }
    signal.addEventListener("abort", end, { once: true });
  });
}

/** What the backend knows of the objects of one type: a servant is sent their names alone. */
async function fieldsByName(ctx: ActionContext, type: string): Promise<Map<string, Fields>> {
  const objects = await ctx.orchestrator.listObjects(type);
  return new Map(
    objects.map(({ name, value_fields }) => [String(name), Object(value_fields) as Fields]),
  );
}

async function fieldsOf(ctx: ActionContext, type: string, name: string): Promise<Fields> {
  return (await fieldsByName(ctx, type)).get(name) ?? {};
}

function positionOf(fields: Fields | undefined, depth: number): Position | undefined {
  const [x, y] = [numberOf(fields?.longitude), numberOf(fields?.latitude)];
  if (x === undefined || y === undefined) return undefined;
  const frame = String(fields?.coordinate_frame ?? "geographic");
  return { frame, x, y, depth: numberOf(fields?.depth) ?? depth };
}

function between(from: Position, to: Position, share: number): Position {
  const mixed = (a: number, b: number) => a + share * (b - a);
  // The short way across the antimeridian; a mock may be off by a little on a long leg.
  const far = to.frame === "geographic" && Math.abs(to.x - from.x) > 180;
  const x = far ? to.x + (to.x < from.x ? 360 : -360) : to.x;
  return { ...to, x: mixed(from.x, x), y: mixed(from.y, to.y), depth: mixed(from.depth, to.depth) };
}

function metresBetween(from: Position, to: Position): number {
  const down = to.depth - from.depth;
  if (to.frame === "local_enu") return Math.hypot(to.x - from.x, to.y - from.y, down);
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const half = (degrees: number) => Math.sin(radians(degrees) / 2) ** 2;
  const cosines = Math.cos(radians(from.y)) * Math.cos(radians(to.y));
  const haversine = half(to.y - from.y) + cosines * half(to.x - from.x);
  return Math.hypot(2 * EARTH_M * Math.asin(Math.sqrt(Math.min(1, haversine))), down);
}

/** A leg over a zone is flown as fast as the zone says. */
function speedBetween(from: Position, to: Position, zones: ReadonlyMap<string, Fields>): number {
  const middle = between(from, to, 0.5);
  for (const { speed, vertices, coordinate_frame: frame = "geographic" } of zones.values()) {
    const metresASecond = numberOf(speed) ?? 0;
    if (metresASecond <= 0 || frame !== to.frame || !Array.isArray(vertices)) continue;
    const [xs, ys] = [0, 1].map((axis) =>
      vertices.flatMap((each) => (Array.isArray(each) ? [Number(each[axis])] : [])),
    );
    if (isWithin(middle.x, xs ?? []) && isWithin(middle.y, ys ?? [])) return metresASecond;
  }
  return SPEED_M_S;
}

/** A way between two tracks runs along the edge of the zone, or a little outside. */
function isWithin(value: number, bounds: readonly number[]): boolean {
  const [least, most] = [Math.min(...bounds), Math.max(...bounds)];
  const margin = (most - least) / 20;
  return value >= least - margin && value <= most + margin;
}

function shown({ frame, x, y, depth }: Position) {
  return frame === "local_enu"
    ? { east: x, north: y, depth }
    : { longitude: x, latitude: y, depth };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
