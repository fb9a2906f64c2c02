/**
 * Keeps the model up to date: asks again when the run tells something, now and then in any case, and
 * never so often that asking is what the backend does most.
 */
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
    const [health, runId, state, goal, modifiedAt, actions] = await Promise.all([
      door.health(),
      door.lastRun(),
      door.state(),
      door.goal(),
      door.modifiedAt(),
      door.actions(),
    ]);
    model.health = health;
    model.actions = actions;
    model.scene = { goal, state, atoms: state.length };
    model.run = runId === undefined ? undefined : await door.run(runId);
    if (modifiedAt !== this.#objectsAt) model.objects = await door.objects();
    this.#objectsAt = modifiedAt;
    await this.#askForMap(`${modifiedAt} ${runId} ${model.run?.attempts} ${state.join()}`);
    this.#listen();
  }

  /** Only when something of it may be another. */
  async #askForMap(of: string): Promise<void> {
    const { run } = this.#model;
    const isGoing = run?.status === "running";
    if (of === this.#mapOf && !isGoing) return;
    const [features, ways] = await Promise.all([
      door.features(),
      run === undefined ? [] : door.ways(run.run_id),
    ]);
    this.#model.features = [...features, ...ways];
    this.#mapOf = of;
  }

  #listen(): void {
    const { run } = this.#model;
    if (run?.status !== "running" || this.#socket?.id === run.run_id) return;
    const socket = runSocket(run.run_id);
    this.#socket = { id: run.run_id, socket };
    socket.addEventListener("message", () => this.news());
    socket.addEventListener("close", () => {
      if (this.#socket?.socket === socket) this.#socket = undefined;
      this.news();
    });
  }
}
