/**
 * Keeps the model up to date: asks again when the run tells something, now and then in any case, and
 * never so often that asking is what the backend does most.
 */
import type { KeptPlan } from "../../wire/direct.ts";
import type { ShownRun } from "../parts/run-rows.ts";
import { door, runSocket } from "./door.ts";
import type { Model } from "./model.ts";

/** How often is asked while nothing happens, and at most, in milliseconds. */
const REST_MS = 2_000;
const BUSY_MS = 300;
/** Between two rounds at least so many times as long as the last one took. */
const PAUSE_PER_ROUND = 4;

export class Live {
  readonly #model: Model;
  readonly #draw: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  #isNews = false;
  #tookMs = 0;
  #endedAtMs = 0;
  #socket: { readonly id: string; readonly socket: WebSocket } | undefined;
  /** What objects and map were asked for with. */
  #objectsAt: number | undefined;
  #mapOf = "";
  /** What the list of runs was asked for with. */
  #runsOf = "";

  constructor(model: Model, draw: () => void) {
    this.#model = model;
    this.#draw = draw;
    document.addEventListener("visibilitychange", () => this.news());
  }

  /** Asks soon. */
  news(): void {
    this.#isNews = true;
    if (!this.#isAsking) this.#plan();
  }

  #plan(): void {
    clearTimeout(this.#timer);
    if (document.hidden && this.#endedAtMs > 0) return; // it asks when somebody looks again
    const pauseMs = Math.max(this.#tookMs * PAUSE_PER_ROUND, this.#isNews ? BUSY_MS : REST_MS);
    const waitMs = Math.max(0, this.#endedAtMs + pauseMs - performance.now());
    this.#timer = setTimeout(() => void this.#ask(), this.#endedAtMs === 0 ? 0 : waitMs);
  }

  async #ask(): Promise<void> {
    const fromMs = performance.now();
    this.#isAsking = true;
    this.#isNews = false;
    try {
      await this.#round();
      this.#model.silentSinceMs = undefined;
    } catch {
      this.#model.silentSinceMs ??= Date.now();
    }
    this.#draw();
    this.#endedAtMs = performance.now();
    this.#tookMs = this.#endedAtMs - fromMs; // to draw a large world takes its time, too
    this.#isAsking = false;
    this.#plan();
  }

  async #round(): Promise<void> {
    const model = this.#model;
    const [health, newest, state, goal, modifiedAt, actions] = await Promise.all([
      door.health(),
      door.newestRun(),
      door.state(),
      door.goal(),
      door.modifiedAt(),
      door.actions(),
    ]);
    model.health = health;
    model.actions = actions;
    model.scene = { goal, state, atoms: state.length };
    model.newest = newest;
    await this.#askForRuns();
    model.run = await this.#shownRun();
    if (modifiedAt !== this.#objectsAt) model.objects = await door.objects();
    this.#objectsAt = modifiedAt;
    await this.#askForMap(`${modifiedAt} ${state.join()}`);
    this.#listen();
  }

  async #askForRuns(): Promise<void> {
    const model = this.#model;
    const of = `${model.newest?.run_id} ${model.newest?.status}`;
    if (of !== this.#runsOf) model.runs = await door.runs();
    this.#runsOf = of;
    if (!model.runs.some(({ run_id }) => run_id === model.chosen)) model.chosen = undefined;
  }

  async #shownRun(): Promise<ShownRun | undefined> {
    const { newest, chosen } = this.#model;
    if (chosen !== undefined) return await door.run(chosen);
    if (newest?.status === "running") return await door.run(newest.run_id);
    const { plan, made } = await door.kept();
    // What a run has followed stays kept when it changed nothing.
    if (plan !== null && (made ?? 0) > (newest?.ended ?? 0)) return planned(plan);
    return newest && (await door.run(newest.run_id));
  }

  /** Only when something of it may be another: a leg that begins may have made ways and places. */
  async #askForMap(world: string): Promise<void> {
    const { run, newest } = this.#model;
    const of = `${run?.run_id} ${run?.plan?.number} ${newest?.run_id} ${newest?.attempts} ${world}`;
    if (of === this.#mapOf) return;
    const hasWays = run !== undefined && run.status !== "planned";
    const [features, ways] = await Promise.all([
      door.features(),
      hasWays ? door.ways(run.run_id) : [],
    ]);
    this.#model.features = [...features, ...ways];
    this.#mapOf = of;
  }

  #listen(): void {
    const { newest } = this.#model;
    if (newest?.status !== "running" || this.#socket?.id === newest.run_id) return;
    const socket = runSocket(newest.run_id);
    if (socket === undefined) return;
    this.#socket = { id: newest.run_id, socket };
    socket.addEventListener("message", () => this.news());
    socket.addEventListener("close", () => {
      if (this.#socket?.socket === socket) this.#socket = undefined;
      this.news();
    });
  }
}

/** What is planned and has not begun, to be shown like a run. */
function planned(steps: NonNullable<KeptPlan["plan"]>): ShownRun {
  return { run_id: "", status: "planned", plan: { number: 1, steps }, results: [] };
}
