/** What the record of a session tells beside its words: for tables on a page and on a terminal. */

interface Times {
  /** ISO 8601. */
  readonly created_at?: string | null | undefined;
  readonly last_active_at?: string | null | undefined;
  readonly timeout_s: number;
  readonly expires_in_s: number;
}

/** A record, and what admins are told beside it. */
export interface FiguredSession extends Times {
  readonly session_id: string;
  readonly owner_username?: string | null | undefined;
  readonly status: string;
  readonly pid?: number | undefined;
  readonly memory_bytes?: number | undefined;
  readonly cpu_s?: number | undefined;
  readonly in_flight?: number | undefined;
}

/** Seconds without a request. By the gateway's clock: the reader's may be another. */
export function idleS({ timeout_s: timeoutS, expires_in_s: leftS }: Times): number {
  return Math.max(0, timeoutS - leftS);
}

/** Seconds since it was made, by the gateway's clock; undefined when its times cannot be read. */
export function ageS(times: Times): number | undefined {
  const { created_at: from, last_active_at: to } = times;
  const activeS = (Date.parse(to ?? "") - Date.parse(from ?? "")) / 1_000;
  return Number.isNaN(activeS) ? undefined : Math.max(0, activeS + idleS(times));
}

interface Counted {
  readonly pid: number;
  readonly cpuS: number;
  readonly atMs: number;
}

/** Takes the processor's share of each session from one look to the next. */
export class CpuShares {
  /** Of the last look, by session. */
  #last = new Map<string, Counted>();

  /**
   * Percent of one processor since the look before, by session; those that are new have none yet.
   * `atMs` is by a monotonic clock.
   */
  look(
    sessions: readonly Pick<FiguredSession, "session_id" | "pid" | "cpu_s">[],
    atMs: number,
  ): ReadonlyMap<string, number> {
    const shares = new Map<string, number>();
    const next = new Map<string, Counted>();
    for (const { session_id: id, pid, cpu_s: cpuS } of sessions) {
      if (pid === undefined || cpuS === undefined) continue;
      next.set(id, { pid, cpuS, atMs });
      const before = this.#last.get(id);
      // Another process counts from the beginning.
      if (before === undefined || before.pid !== pid || atMs <= before.atMs) continue;
      const share = ((cpuS - before.cpuS) / (atMs - before.atMs)) * 100_000;
      shares.set(id, Math.max(0, share));
    }
    this.#last = next;
    return shares;
  }
}

/** What all of them come to. */
export interface SessionTotals {
  readonly count: number;
  readonly running: number;
  readonly dead: number;
  readonly owners: number;
  readonly memoryBytes: number;
  readonly cpuPercent: number;
  readonly inFlight: number;
}

export function totalsOf(
  sessions: readonly FiguredSession[],
  shares: ReadonlyMap<string, number>,
): SessionTotals {
  const sum = (of: (session: FiguredSession) => number) =>
    sessions.reduce((total, session) => total + of(session), 0);
  return {
    count: sessions.length,
    running: sum(({ status }) => Number(status === "running")),
    dead: sum(({ status }) => Number(status === "dead")),
    owners: new Set(sessions.map(({ owner_username }) => owner_username)).size,
    memoryBytes: sum(({ memory_bytes = 0 }) => memory_bytes),
    cpuPercent: sum(({ session_id }) => shares.get(session_id) ?? 0),
    inFlight: sum(({ in_flight = 0 }) => in_flight),
  };
}
