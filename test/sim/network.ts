/** The network between the agent and its backend, with connections that may die unnoticed. */
import { ServantError } from "../../src/core/errors.ts";
import { type Life, never } from "./life.ts";
import type { Surroundings } from "./surroundings.ts";

/** What the backend answers: a value, or a failure that the agent is told of. */
export type Reply<T> = { value: T } | { failure: ServantError };

export interface Request<T> {
  readonly name: string;
  readonly withinMs: number;
  readonly signal: AbortSignal;
  /** Runs at the backend, once for each copy of the request that arrives. */
  readonly serve: (reply: (reply: Reply<T>) => void) => void;
}

/** Half-open: what the agent sends, or what the backend answers, vanishes without a word. */
interface Connection {
  vanishes: "nothing" | "requests" | "answers";
}

/** An answer that is kept back until another one has passed it; this long at most. */
const OVERTAKEN_MAX_MS = 5_000;

export class Network {
  isPartitioned = false;
  /** While it lasts, new connections too may turn out half-open. */
  isSwallowing = false;
  /** Connections of the present life, open and not in use. */
  #idle: Connection[] = [];
  readonly #busy = new Set<Connection>();
  #keptBack: (() => void) | undefined;
  readonly #backend: { readonly isDown: boolean };
  readonly #world: Surroundings;

  constructor(backend: { readonly isDown: boolean }, world: Surroundings) {
    this.#backend = backend;
    this.#world = world;
  }

  /** Whoever held the connections is gone. */
  hangUp(): void {
    this.#idle = [];
    this.#busy.clear();
  }

  /** Each connection that is open may stay so on one side only. */
  halveConnections(): void {
    for (const each of [...this.#idle, ...this.#busy]) this.#mayHalve(each, 0.7);
  }

  request<T>(life: Life, request: Request<T>): Promise<T> {
    const { name, withinMs, signal } = request;
    if (!life.touch(`request ${name}`)) return never();
    return new Promise((resolve, reject) => {
      let isOver = false;
      const connection = this.#connect();
      const end = (settle: () => void) => {
        if (isOver) return;
        isOver = true;
        callOff();
        this.#busy.delete(connection);
        signal.removeEventListener("abort", abort);
        settle();
      };
      const abort = () => end(() => reject(signal.reason));
      const callOff = life.process.after(withinMs, () =>
        end(() => reject(unreachable("no answer"))),
      );
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) return abort();
      const hear = (reply: Reply<T>) => {
        this.#world.trace(`answer to ${name}: ${"value" in reply ? "ok" : reply.failure.code}`);
        if (!isOver) this.#idle.push(connection); // an answer that came too late finds it closed
        end(() => ("value" in reply ? resolve(reply.value) : reject(reply.failure)));
      };
      this.#send(connection, request, (reply) => life.process.hear(() => hear(reply)));
    });
  }

  #connect(): Connection {
    const connection = this.#idle.pop() ?? { vanishes: "nothing" };
    this.#busy.add(connection);
    if (this.isSwallowing) this.#mayHalve(connection, 0.3);
    return connection;
  }

  #mayHalve(connection: Connection, probability: number): void {
    const { random } = this.#world;
    if (!random.chance(probability)) return;
    connection.vanishes = random.pick(["requests", "answers"]);
  }

  #send<T>(connection: Connection, request: Request<T>, reply: (reply: Reply<T>) => void): void {
    const { faults, timeline } = this.#world;
    if (faults.strikes("network: request duplicated")) {
      timeline.after(this.#delayMs() * 3, () => this.#arrive(connection, request, () => {}));
    }
    if (faults.strikes("network: request lost")) return;
    timeline.after(this.#delayMs(), () => this.#arrive(connection, request, reply));
  }

  #arrive<T>(connection: Connection, request: Request<T>, reply: (reply: Reply<T>) => void): void {
    const { faults, random, timeline } = this.#world;
    if (this.isPartitioned) return;
    if (connection.vanishes === "requests") {
      faults.count("network: half-open, a request vanishes");
      return;
    }
    const answer = (answered: Reply<T>) => {
      if (this.isPartitioned || faults.strikes("network: reply lost")) return;
      if (connection.vanishes === "answers") {
        faults.count("network: half-open, an answer vanishes");
        return;
      }
      const isLate = faults.strikes("backend: answers late");
      const lateMs = isLate ? random.between(1_000, 40_000) : 0;
      timeline.after(lateMs + this.#delayMs(), () => {
        if (!this.isPartitioned) this.#bring(() => reply(answered));
      });
    };
    const failure = this.#failure();
    if (failure === undefined) request.serve(answer);
    else answer({ failure });
  }

  /** Some answers are kept back until the next one has gone before them. */
  #bring(reply: () => void): void {
    const { faults, timeline } = this.#world;
    const keptBack = this.#keptBack;
    this.#keptBack = undefined;
    if (keptBack === undefined && faults.draws("network: an answer overtakes another")) {
      this.#keptBack = reply;
      timeline.after(OVERTAKEN_MAX_MS, () => {
        if (this.#keptBack !== reply) return;
        this.#keptBack = undefined;
        reply();
      });
      return;
    }
    reply();
    if (keptBack === undefined) return;
    faults.count("network: an answer overtakes another");
    keptBack();
  }

  /** What stands between the agent and its backend may answer in its place. */
  #failure(): ServantError | undefined {
    const { faults, random } = this.#world;
    if (this.#backend.isDown) return unreachable("connection refused");
    if (faults.strikes("network: answer 5xx")) return unavailable("503");
    if (faults.strikes("network: answer 429")) {
      return unavailable("429", Math.floor(random.between(0, 60_000)));
    }
    return faults.strikes("network: unreadable answer")
      ? new ServantError("backend.malformed-answer", "Cannot read the answer")
      : undefined;
  }

  #delayMs(): number {
    const { faults, random } = this.#world;
    if (faults.strikes("network: long delay")) return random.between(100, 15_000);
    return random.between(0.1, 20);
  }
}

function unreachable(reason: string): ServantError {
  return new ServantError("backend.unreachable", `Cannot reach the backend: ${reason}`);
}

function unavailable(status: string, retryAfterMs?: number): ServantError {
  const options = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new ServantError("backend.unavailable", `Cannot serve: ${status}`, options);
}
