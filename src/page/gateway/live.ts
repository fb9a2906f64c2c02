/** Keeps the model up to date while somebody is logged in and looks. */
import { CpuShares } from "../../wire/session-figures.ts";
import { forgetLogin, keepLogin } from "../parts/gateway-login.ts";
import { door, NotIn, Refused } from "./door.ts";
import { figuresIn } from "./figures.ts";
import type { Model } from "./model.ts";

/** How often is asked, in milliseconds. */
const LOOK_MS = 2_000;

export class Live {
  readonly #model: Model;
  readonly #draw: () => void;
  #cpu = new CpuShares();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  #isNews = false;

  constructor(model: Model, draw: () => void) {
    this.#model = model;
    this.#draw = draw;
    document.addEventListener("visibilitychange", () => this.news());
  }

  /** Asks at once: something has changed, or somebody looks again. */
  news(): void {
    this.#isNews = true;
    if (!this.#isAsking) void this.#ask();
  }

  /** The login is over. `why`, if it is not by the reader's own will. */
  leave(why: string): void {
    forgetLogin();
    const nothing = { login: undefined, sessions: undefined, figures: undefined };
    Object.assign(this.#model, { ...nothing, silentSinceMs: undefined, trouble: why });
    this.#cpu = new CpuShares();
    this.#draw();
  }

  /** The gateway takes the token no more. */
  expired(): void {
    this.leave("Your login has ended. Log in again to go on; your sessions are still there.");
  }

  async #ask(): Promise<void> {
    const model = this.#model;
    clearTimeout(this.#timer);
    const { login } = model;
    // Whoever does not look must not be kept logged in by a page in the background.
    if (login === undefined || document.hidden) return;
    this.#isAsking = true;
    this.#isNews = false;
    try {
      await this.#round(login.role === "admin");
      model.silentSinceMs = undefined;
      model.trouble = undefined;
    } catch (cause) {
      if (model.login === login) this.#failed(cause);
    }
    this.#isAsking = false;
    this.#draw();
    this.#timer = setTimeout(() => void this.#ask(), this.#isNews ? 0 : LOOK_MS);
  }

  async #round(isAdmin: boolean): Promise<void> {
    const { login } = this.#model;
    const [sessions, metrics] = await Promise.all([
      isAdmin ? door.all() : door.own(),
      isAdmin ? door.metrics() : undefined,
    ]);
    const model = this.#model;
    if (model.login !== login) return; // logged out meanwhile
    model.sessions = sessions;
    model.shares = this.#cpu.look(sessions, performance.now());
    model.figures = metrics === undefined ? undefined : figuresIn(metrics);
  }

  #failed(cause: unknown): void {
    const model = this.#model;
    if (cause instanceof NotIn) this.expired();
    else if (isNoAdmin(cause) && model.login !== undefined) {
      model.login = { ...model.login, role: "user" };
      keepLogin(model.login);
      this.#isNews = true;
    } else if (cause instanceof Refused) {
      model.silentSinceMs = undefined;
      model.trouble = cause.message;
    } else model.silentSinceMs ??= Date.now();
  }
}

/** The users file has changed since the login. */
function isNoAdmin(cause: unknown): boolean {
  return cause instanceof Refused && cause.code === "session.not-allowed";
}
