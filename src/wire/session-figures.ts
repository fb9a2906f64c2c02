/** What the record of a session tells beside its words: for tables on a page and on a terminal. */
import type { SessionRecord, SessionUse } from "./gateway.ts";

type Times = Pick<SessionRecord, "created_at" | "last_active_at" | "timeout_s" | "expires_in_s">;

/** Seconds without a request. By the gateway's clock: the reader's may be another. */
export function idleS({ timeout_s: timeoutS, expires_in_s: leftS }: Times): number {
  return Math.max(0, timeoutS - leftS);
}

/** Seconds since it was made, by the gateway's clock; undefined when its times cannot be read. */
export function ageS(times: Times): number | undefined {
  const activeS = (Date.parse(times.last_active_at) - Date.parse(times.created_at)) / 1_000;
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
    sessions: readonly Pick<SessionUse, "session_id" | "pid" | "cpu_s">[],
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
  sessions: readonly (SessionRecord & Partial<SessionUse>)[],
  shares: ReadonlyMap<string, number>,
): SessionTotals {
  const sum = (of: (session: SessionRecord & Partial<SessionUse>) => number) =>
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
