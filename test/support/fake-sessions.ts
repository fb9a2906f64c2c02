/** A machine on which sessions run, as the gateway's rules see one: it outlives gateways. */
import { memoryStore } from "../../src/backend/memory-store.ts";
import { ServantError } from "../../src/core/errors.ts";
import type {
  ProcessMark,
  SessionFolders,
  SessionProcess,
  SessionProcesses,
  SessionStart,
} from "../../src/core/session-process.ts";
import type { BackendStore } from "../../src/core/store.ts";
import { Sessions } from "../../src/gateway/sessions.ts";
import { FakeClock } from "./fake-clock.ts";

export interface FakeProcess extends SessionStart {
  readonly mark: ProcessMark;
  readonly signals: string[];
  /** The world that it found, or made. */
  readonly world: number;
  /** Heeds no SIGTERM. */
  isStubborn: boolean;
  /** Answers nothing. */
  isStuck: boolean;
  end(isPeaceful: boolean): void;
}

/** Of one gateway. */
interface Fate {
  isKilled: boolean;
  /** Those that it has not told their secret: they end with it. */
  readonly untold: Set<FakeProcess>;
}
const NEVER = new Promise<never>(() => {});

/** The same, until its gateway is killed: then nothing comes of it, and nothing comes back. */
function mortal<A extends unknown[], R>(
  fate: Fate,
  act: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  return async (...args) => {
    if (fate.isKilled) return await NEVER;
    const result = await act(...args);
    return fate.isKilled ? await NEVER : result;
  };
}

export class FakeMachine {
  readonly clock = new FakeClock();
  readonly running = new Map<number, FakeProcess>();
  /** By session; each new one has another number. */
  readonly worlds = new Map<string, number>();
  readonly folders = new Set<string>();
  /** Ports that other programs listen on. */
  readonly taken = new Set<number>();
  /** Told of each process before it is ready; what it throws is why it cannot start. */
  onStart: (process: FakeProcess) => void | Promise<void> = () => {};
  greeted = 0;
  readonly logged: string[] = [];
  readonly store: BackendStore = memoryStore();
  #count = 100;
  readonly #fates = new WeakMap<Sessions, Fate>();
  readonly #ends = new Map<FakeProcess, Promise<{ isPeaceful: boolean }>>();

  /** A gateway on this machine, from what the one before has kept. */
  gateway(options: { perUser?: number; ports?: number } = {}): Sessions {
    const fate: Fate = { isKilled: false, untold: new Set() };
    const sessions = new Sessions({
      store: { ...this.store, write: mortal(fate, (changes) => this.store.write(changes)) },
      clock: {
        now: () => this.clock.now(),
        monotonic: () => this.clock.monotonic(),
        sleep: mortal(fate, (ms, signal) => this.clock.sleep(ms, signal)),
      },
      processes: this.#processes(fate),
      folders: this.#folders(fate),
      robots: ["sentry-mock"],
      perUser: options.perUser ?? 10,
      ports: { from: 8500, to: 8499 + (options.ports ?? 100) },
      log: (_, message) => this.logged.push(message),
      random: {
        uuid: () => `id-${this.#next()}`,
        secret: () => `secret-${this.#next()}`,
        below: (limit) => (this.#next() * 7) % limit,
      },
    });
    this.#fates.set(sessions, fate);
    return sessions;
  }

  /** `kill -9`: from here on it does nothing, whatever it was at. */
  kill(sessions: Sessions): void {
    const fate = this.#fates.get(sessions) as Fate;
    fate.isKilled = true;
    for (const process of fate.untold) process.end(false);
  }

  of(id: string): FakeProcess {
    const found = [...this.running.values()].filter((process) => process.id === id);
    if (found.length !== 1) throw new Error(`${found.length} processes of ${id}`);
    return found[0] as FakeProcess;
  }

  /** Another program gets a number. */
  reuse(pid: number): FakeProcess {
    return this.#run({ id: "stranger", port: 1, secret: "", robot: undefined }, pid);
  }

  #folders(fate: Fate): SessionFolders {
    const unused = (id: string) => {
      const isUsed = [...this.running.values()].some((process) => process.id === id);
      if (isUsed) throw new Error(`the folder of ${id} is in use`);
    };
    return {
      logPath: (id) => `/${id}/session.log`,
      readLog: async (id) => `log of ${id}\n`,
      boundLog() {},
      clearWorld: mortal(fate, async (id) => {
        unused(id);
        this.worlds.delete(id);
      }),
      remove: mortal(fate, async (id) => {
        unused(id);
        this.folders.delete(id);
        this.worlds.delete(id);
      }),
    };
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }

  #processes(fate: Fate): SessionProcesses {
    return {
      isFree: mortal(fate, async (port) => !this.taken.has(port) && !this.#listens(port)),
      start: mortal(fate, async (session, noted) => {
        const process = await this.#start(session, noted, fate);
        return this.#handle(process, fate);
      }),
      find: (mark) => {
        const process = this.running.get(mark.pid);
        const isIt = process?.mark.startedAt === mark.startedAt;
        return isIt ? this.#handle(process, fate) : undefined;
      },
      greet: mortal(fate, async ({ port, secret }) => {
        this.greeted += 1;
        const listening = this.#listens(port);
        return listening?.secret === secret && !listening.isStuck;
      }),
    };
  }

  async #start(
    session: SessionStart,
    noted: (mark: ProcessMark) => Promise<void>,
    fate: Fate,
  ): Promise<FakeProcess> {
    this.folders.add(session.id);
    await Promise.resolve();
    if (fate.isKilled) return await NEVER;
    const process = this.#run(session);
    fate.untold.add(process);
    try {
      await Promise.resolve();
      await noted(process.mark);
      fate.untold.delete(process);
      const others = [...this.running.values()].filter((each) => each !== process);
      if (this.taken.has(session.port) || others.some(({ port }) => port === session.port)) {
        throw new ServantError("local.port-in-use", "Cannot listen: the port is taken");
      }
      await this.onStart(process);
      if (!this.running.has(process.mark.pid)) {
        throw new ServantError("session.unstartable", "Cannot start the session: it ended");
      }
    } catch (cause) {
      process.end(false);
      throw cause;
    }
    return process;
  }

  #run(session: SessionStart, pid: number = this.#next()): FakeProcess {
    const { promise, resolve } = Promise.withResolvers<{ isPeaceful: boolean }>();
    const world = this.worlds.get(session.id) ?? this.#next();
    this.worlds.set(session.id, world);
    const process: FakeProcess = {
      ...session,
      mark: { pid, startedAt: `at ${this.#next()}` },
      signals: [],
      world,
      isStubborn: false,
      isStuck: false,
      end: (isPeaceful) => {
        if (this.running.get(pid) === process) this.running.delete(pid);
        resolve({ isPeaceful });
      },
    };
    this.running.set(pid, process);
    this.#ends.set(process, promise);
    return process;
  }

  #handle(process: FakeProcess, fate: Fate): SessionProcess {
    const ended = this.#ends.get(process) ?? Promise.reject(new Error("no such process"));
    return {
      mark: process.mark,
      ended: ended.then((how) => (fate.isKilled ? NEVER : how)),
      isThere: () => this.running.get(process.mark.pid) === process,
      signal(name) {
        if (fate.isKilled) return;
        process.signals.push(name);
        if (name === "SIGKILL" || !process.isStubborn) process.end(name === "SIGTERM");
      },
      use: async () => ({ memoryBytes: 1_000, cpuS: 0.5 }),
    };
  }

  #listens(port: number): FakeProcess | undefined {
    return [...this.running.values()].find((process) => process.port === port);
  }
}
