/** All sessions of a gateway: each is started, saved and thrown away here, whoever asks for it. */
import { messageOf, ServantError } from "../core/errors.ts";
import type { Level } from "../core/events.ts";
import type { Session } from "../core/gateway.ts";
import type { Clock } from "../core/ports.ts";
import type { SessionFolders, SessionProcess, SessionProcesses } from "../core/session-process.ts";
import type { BackendStore, Change } from "../core/store.ts";
import { Life } from "./session-life.ts";
import { readKept } from "./session-record.ts";
import { endProcess, type PortRange, Starts } from "./starts.ts";

export interface LivesParts {
  /** Of the gateway: sessions are the documents of their kind. */
  readonly store: BackendStore;
  readonly clock: Clock;
  readonly processes: SessionProcesses;
  readonly folders: SessionFolders;
  readonly ports: PortRange;
  /** What `config.robot` may name. */
  readonly robots: readonly string[];
  /** 256 bits that nobody can guess, printable. */
  readonly random: { secret(): string };
  readonly log: (level: Level, message: string) => void;
  /** Told of each session that has ended without anybody asking for it. */
  readonly onEnd?: (session: Session, how: "expired" | "died") => void;
}

export class Lives {
  readonly #parts: LivesParts;
  readonly #starts: Starts;
  readonly #lives = new Map<string, Life>();
  /** Sessions that are gone and still kept. */
  readonly #over = new Set<string>();

  /** With those that an earlier gateway kept. */
  constructor(parts: LivesParts) {
    this.#parts = parts;
    const isReserved = (port: number) => this.all.some((life) => life.port === port);
    this.#starts = new Starts({ ...parts, isReserved, save: (life) => this.save(life) });
    for (const { key, value } of parts.store.documents("session")) {
      const kept = readKept(value);
      if (kept !== undefined) this.add(key, kept);
      else parts.log("error", `cannot read what was kept of session ${key}: its folder stays`);
    }
  }

  /** The oldest first. */
  get all(): readonly Life[] {
    return [...this.#lives.values()];
  }

  find(id: string): Life | undefined {
    const life = this.#lives.get(id);
    return life?.isKnown ? life : undefined;
  }

  /** @throws {ServantError} `session.unknown` */
  get(id: string): Life {
    const life = this.find(id);
    if (life !== undefined) return life;
    throw new ServantError("session.unknown", `Cannot find session "${id}"`);
  }

  add(id: string, kept: Life["kept"]): Life {
    const { clock, folders } = this.#parts;
    const life = new Life({ id, kept, clock, logPath: folders.logPath(id) });
    this.#lives.set(id, life);
    return life;
  }

  /**
   * Resolves once its process answers; a session that cannot be started is dead.
   *
   * @throws {ServantError} `session.no-port`, `session.unstartable`
   */
  async start(life: Life): Promise<void> {
    try {
      this.settle(life, await this.#starts.start(life));
      await this.save(life);
    } catch (cause) {
      await this.#bury(life);
      throw cause;
    }
  }

  /**
   * Throws its world away, and starts it with another one.
   *
   * @throws {ServantError} as `start`; `state.*`
   */
  async renew(life: Life): Promise<void> {
    const { clock, folders } = this.#parts;
    life.phase = "resetting";
    try {
      await this.save(life);
      await endProcess(life, clock);
      await folders.clearWorld(life.id);
    } catch (cause) {
      await this.#bury(life);
      throw cause;
    }
    await this.start(life);
  }

  /** It has a process from now on. */
  settle(life: Life, process: SessionProcess): void {
    life.process = process;
    life.isAsleep = false;
    if (life.phase !== "ending") life.phase = "running";
    void process.ended.then(({ isPeaceful }) => {
      if (life.process !== process) return; // it was to end
      life.process = undefined;
      if (!life.isKnown) return;
      life.phase = "dead";
      // Whoever stops all of a machine asks it to end, too: the next gateway starts it again then.
      life.isAsleep = isPeaceful;
      this.#parts.log("warn", endText(life.session));
      this.#parts.onEnd?.(life.session, "died");
      void this.saveQuietly(life);
    });
  }

  /** Throws away its process, its folder, what is kept of it. */
  async discard(life: Life): Promise<void> {
    const { clock, folders, log } = this.#parts;
    life.phase = "ending";
    await this.saveQuietly(life);
    await endProcess(life, clock);
    await folders.remove(life.id).catch((cause) => {
      log("warn", `cannot remove the folder of session ${life.id}: ${messageOf(cause)}`);
    });
    this.#lives.delete(life.id);
    this.#over.add(life.id);
    await this.forget();
  }

  /** Strikes those that are over from what is kept. On a full disk it is tried again: none is to come back. */
  async forget(): Promise<void> {
    const { log, store } = this.#parts;
    const over = [...this.#over];
    if (over.length === 0) return;
    try {
      await store.write(over.map((key) => ({ op: "remove", kind: "session", key })));
      for (const id of over) this.#over.delete(id);
    } catch (cause) {
      log("error", `cannot forget ${over.length} sessions: ${messageOf(cause)}`);
    }
  }

  /** What was to be done with it could not be done. */
  async #bury(life: Life): Promise<void> {
    if (life.isKnown) life.phase = life.process === undefined ? "dead" : "running";
    await this.saveQuietly(life);
  }

  /** @throws {ServantError} `state.unwritable`, `journal.full` */
  async save(...lives: readonly Life[]): Promise<void> {
    for (const life of lives) life.isStale = false;
    if (lives.length > 0) await this.#parts.store.write(lives.map(put));
  }

  async saveQuietly(...lives: readonly Life[]): Promise<void> {
    await this.save(...lives).catch((cause) => {
      for (const life of lives) life.isStale = true;
      this.#parts.log("error", `cannot save sessions: ${messageOf(cause)}`);
    });
  }
}

function put({ id, kept }: Life): Change {
  return { op: "put", kind: "session", key: id, value: kept };
}

function endText({ id, label, owner, logPath }: Session): string {
  return `the process of session ${id} ("${label}" of "${owner}") has ended by itself: see ${logPath}`;
}
