/** Starts the processes of sessions, each on a port that nobody else has, and ends them. */
import { isServantError, ServantError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import type { SessionProcess, SessionProcesses } from "../core/session-process.ts";
import { robotIn } from "./draft.ts";
import type { Life } from "./session-life.ts";

/** How long a process may take to end once it is told to, in milliseconds. */
export const STOP_MAX_MS = 10_000;

/** Both ends belong to it. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export interface StartsParts {
  readonly processes: SessionProcesses;
  readonly ports: PortRange;
  readonly robots: readonly string[];
  /** True when a session has this port, whether its process runs or not. */
  readonly isReserved: (port: number) => boolean;
  readonly save: (life: Life) => Promise<void>;
  readonly random: { secret(): string };
}

export class Starts {
  readonly #parts: StartsParts;

  constructor(parts: StartsParts) {
    this.#parts = parts;
  }

  /**
   * On the port that it had, where there is one and nobody else has taken it; else on the first that is
   * free.
   *
   * @throws {ServantError} `session.no-port`, `session.unstartable`
   */
  async start(life: Life): Promise<SessionProcess> {
    const { processes, random, robots } = this.#parts;
    const before = life.port;
    const tried = new Set<number>();
    try {
      for (;;) {
        life.port = this.#nextPort(before, tried); // from here on it is reserved
        tried.add(life.port);
        if (!(await processes.isFree(life.port))) continue;
        // Whoever got hold of its port as its process ended may have been shown the last one.
        life.secret = random.secret();
        const { id, port, secret, config } = life;
        try {
          return await processes.start(
            { id, port, secret, robot: robotIn(config, robots) },
            (mark) => {
              life.mark = mark;
              return this.#parts.save(life);
            },
          );
        } catch (cause) {
          if (!isServantError(cause) || cause.code !== "local.port-in-use") throw cause;
        }
      }
    } catch (cause) {
      life.port = before;
      throw cause;
    }
  }

  #nextPort(before: number, tried: ReadonlySet<number>): number {
    if (before !== 0 && tried.size === 0) return before;
    const { ports, isReserved } = this.#parts;
    for (let port = ports.from; port <= ports.to; port += 1) {
      if (!tried.has(port) && !isReserved(port)) return port;
    }
    const reason = `all ports from ${ports.from} to ${ports.to} are in use`;
    throw new ServantError("session.no-port", `Cannot start the session: ${reason}`);
  }
}

/** Resolves when the process of a session is gone; kills it when it does not heed being told. */
export async function endProcess(life: Life, clock: Clock): Promise<void> {
  const { process } = life;
  if (process === undefined) return;
  life.process = undefined;
  const ended = new AbortController();
  const isOver = process.ended.then(() => ended.abort());
  process.signal("SIGTERM");
  await clock.sleep(STOP_MAX_MS, ended.signal);
  if (!ended.signal.aborted) process.signal("SIGKILL");
  await isOver;
}
