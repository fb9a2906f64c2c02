/**
 * The sessions that there are, each a backend of its own in a process of its own. What is told of one
 * is on disk before, so that a gateway that dies finds its sessions again: those whose process still
 * runs go on as if nothing had been, the others are started again with their world.
 */
import { ServantError } from "../core/errors.ts";
import type { Session } from "../core/gateway.ts";
import type { CreateSession, SessionUse } from "../wire/gateway.ts";
import { readDraft } from "./draft.ts";
import { newLabel } from "./labels.ts";
import { Lives, type LivesParts } from "./lives.ts";
import { revive } from "./revival.ts";
import type { Life } from "./session-life.ts";
import { recordOf, urlOf } from "./session-record.ts";
import { endProcess } from "./starts.ts";
import { keepUp } from "./upkeep.ts";

/** When to come again while a session is started, in milliseconds. */
const STARTING_RETRY_MS = 1_000;

export interface SessionsParts extends LivesParts {
  /** How many sessions a user may have. */
  readonly perUser: number;
  readonly random: {
    uuid(): string;
    /** 256 bits that nobody can guess, printable. */
    secret(): string;
    /** A whole number below. */
    below(limit: number): number;
  };
}

/** Where requests to a session go. One is in flight until `leave` is called. */
export interface Place {
  readonly url: string;
  readonly secret: string;
  /** False: whoever listens there by now is to be shown nothing. */
  isThere(): boolean;
  readonly expiresInS: number;
  /** Once or more. */
  leave(): void;
}

export class Sessions {
  readonly #parts: SessionsParts;
  readonly #lives: Lives;
  readonly #closing = new AbortController();
  readonly #upkeep: Promise<void>;
  /** Resolves when every session of an earlier gateway is there, or known to be dead. */
  readonly revived: Promise<void>;

  /** Takes up what an earlier gateway left; who comes in before it is there is told so. */
  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#lives = new Lives(parts);
    this.revived = revive(this.#lives, parts, this.#closing.signal);
    this.#upkeep = keepUp(this.#lives, parts, this.#closing.signal);
  }

  /** Of one owner, or of all; the oldest first. */
  list(owner?: string): readonly Session[] {
    return this.#lives.all
      .filter((life) => life.isKnown && (owner === undefined || life.owner === owner))
      .map(({ session }) => session);
  }

  find(id: string): Session | undefined {
    return this.#lives.find(id)?.session;
  }

  /**
   * Resolves once its process answers.
   *
   * @throws {ServantError} `session.too-many`, `session.invalid`, `session.no-port`, `session.unstartable`, `agent.draining`
   */
  async create(owner: string, asked: CreateSession): Promise<Session> {
    const { clock, perUser, robots, random } = this.#parts;
    const { label, timeoutS, config } = readDraft(asked, robots);
    this.#refuseAtTheEnd();
    // Those that are being created or ended count as well: they have a process.
    const theirs = this.#lives.all.filter((life) => life.owner === owner);
    if (theirs.length >= perUser) {
      const reason = `${owner} has ${theirs.length}, and each may have ${perUser}`;
      throw new ServantError("session.too-many", `Cannot create a session: ${reason}`);
    }
    const isTaken = (name: string) => theirs.some((life) => life.label === name);
    const nowMs = clock.now();
    const life = this.#lives.add(random.uuid(), {
      ...{ owner, timeoutS, phase: "creating", port: 0, mark: null, secret: random.secret() },
      ...{ config: config as Life["config"], createdAtMs: nowMs, lastActiveAtMs: nowMs },
      label: label ?? newLabel(isTaken, random.below),
    });
    return await life.inTurn(async () => {
      try {
        await this.#lives.save(life); // before its folder: none is left behind that nobody knows of
        await this.#lives.start(life);
        life.touch(); // its time begins when it can be used
        return life.session;
      } catch (cause) {
        await this.#lives.discard(life);
        throw cause;
      }
    });
  }

  /** Counts as activity. @throws {ServantError} `session.unknown` */
  async extend(id: string, timeoutS: number): Promise<Session> {
    const life = this.#lives.get(id);
    const before = life.timeoutS;
    life.timeoutS = timeoutS;
    life.touch();
    await this.#lives.save(life).catch((cause) => {
      life.timeoutS = before; // what is told as not done must not end it sooner
      throw cause;
    });
    return life.session;
  }

  /**
   * The same id and port, unless somebody else listens there by now; a fresh world.
   *
   * @throws {ServantError} `session.unknown`, `session.no-port`, `session.unstartable`
   */
  async reset(id: string): Promise<Session> {
    return await this.#lives.get(id).inTurn(async () => {
      this.#refuseAtTheEnd();
      const life = this.#lives.get(id); // it may have been stopped meanwhile
      await this.#lives.renew(life);
      return life.session;
    });
  }

  /** Its world and its log go with it. @throws {ServantError} `session.unknown` */
  async stop(id: string): Promise<void> {
    const life = this.#lives.get(id);
    life.phase = "ending"; // at once: nobody comes in any more
    await life.inTurn(() => this.#lives.discard(life));
  }

  /** The newest part of its log. @throws {ServantError} `session.unknown` */
  async logs(id: string): Promise<string> {
    return await this.#parts.folders.readLog(this.#lives.get(id).id);
  }

  /** What every session uses, the oldest first. */
  async uses(): Promise<readonly SessionUse[]> {
    const told: SessionUse[] = [];
    // One after the other: to look at a hundred at once would keep every thread from what is asked for.
    for (const life of this.#lives.all.filter(({ isKnown }) => isKnown)) {
      told.push(await useOf(life));
    }
    return told;
  }

  /** @throws {ServantError} `session.unknown`, `session.starting`, `session.dead` */
  enter(id: string): Place {
    const life = this.#lives.get(id);
    const { process } = life;
    if (process === undefined) throw absent(life);
    const isThere = () => life.process === process && process.isThere();
    const way = { url: urlOf(life.port), secret: life.secret, expiresInS: life.timeoutS };
    return { ...way, isThere, leave: life.enter() };
  }

  /** Ends the processes; their worlds stay for the next start. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#upkeep;
    const { all } = this.#lives;
    const ending = all.map((life) => life.inTurn(() => endProcess(life, this.#parts.clock)));
    await Promise.all([this.revived, ...ending]);
    await this.#lives.saveQuietly(...all.filter(({ isStale, isKnown }) => isStale && isKnown));
  }

  /** A process that is started now would be left behind. @throws {ServantError} `agent.draining` */
  #refuseAtTheEnd(): void {
    if (!this.#closing.signal.aborted) return;
    throw new ServantError("agent.draining", "Cannot start a session: the gateway is stopping");
  }
}

async function useOf(life: Life): Promise<SessionUse> {
  const { inFlight, process, session } = life;
  const { memoryBytes, cpuS } = (await process?.use()) ?? {};
  return {
    ...recordOf(session),
    ...(process === undefined ? {} : { pid: process.mark.pid }),
    ...(memoryBytes === undefined ? {} : { memory_bytes: memoryBytes }),
    ...(cpuS === undefined ? {} : { cpu_s: cpuS }),
    in_flight: inFlight,
  };
}

function absent({ label, phase }: Life): ServantError {
  const cannot = `Cannot reach session "${label}"`;
  if (phase === "dead") {
    // The public client shows no hint: the way out is in the message.
    const reason = "its process has ended; `session reset` starts it afresh";
    return new ServantError("session.dead", `${cannot}: ${reason}`);
  }
  return new ServantError("session.starting", `${cannot}: it is being started`, {
    retryAfterMs: STARTING_RETRY_MS,
  });
}
