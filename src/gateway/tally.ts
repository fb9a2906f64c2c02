/** What the gateway counts, as Prometheus reads it. */
import type { SessionUse } from "../wire/gateway.ts";
import { counter, gauge, Histogram, histogram, type Sample } from "../wire/prometheus.ts";

/** Upper bounds of the buckets, in seconds. A held poll takes up to half a minute. */
const PASSED_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60] as const;

/** How a try to log in ended. "limited" was not looked at: too many before it. */
export type LoginOutcome = "ok" | "wrong" | "limited" | "malformed";

/** What is so at this moment. */
export interface Present {
  readonly version: string;
  readonly users: number;
  readonly tokens: number;
  readonly sessions: readonly SessionUse[];
}

export class Tally {
  readonly #logins: Record<LoginOutcome, number> = { ok: 0, wrong: 0, limited: 0, malformed: 0 };
  /** By status: of the gateway's own routes, and of what sessions answered. */
  readonly #own = new Map<number, number>();
  readonly #passedOn = new Map<number, number>();
  readonly #took = new Histogram(PASSED_S);
  /** Requests to sessions that are not over: those with an answer still under way, too. */
  inFlight = 0;

  login(outcome: LoginOutcome): void {
    this.#logins[outcome] += 1;
  }

  answered(status: number): void {
    this.#own.set(status, (this.#own.get(status) ?? 0) + 1);
  }

  /** A session's answer has begun, so many seconds after it was asked. */
  passedOn(status: number, seconds: number): void {
    this.#passedOn.set(status, (this.#passedOn.get(status) ?? 0) + 1);
    this.#took.add(seconds);
  }

  text({ version, users, tokens, sessions }: Present): string {
    const logins = Object.entries(this.#logins);
    return [
      gauge("gateway_info", "Always 1.", [[`version="${version}"`, 1]]),
      gauge("gateway_users", "People who may log in.", users),
      gauge("gateway_tokens", "Logins that are good now.", tokens),
      gauge("gateway_sessions", "Sessions, by status.", samples("status", byStatus(sessions))),
      gauge(
        "gateway_sessions_memory_bytes",
        "Proportional share of memory of the sessions' processes.",
        sessions.reduce((sum, { memory_bytes = 0 }) => sum + memory_bytes, 0),
      ),
      counter("gateway_logins_total", "Tries to log in.", samples("outcome", logins)),
      counter("gateway_answers_total", "Own answers, by status.", samples("status", this.#own)),
      counter(
        "gateway_proxy_answers_total",
        "Answers to requests for sessions, by status.",
        samples("status", this.#passedOn),
      ),
      gauge("gateway_proxy_in_flight", "Requests for sessions that are not over.", this.inFlight),
      histogram("gateway_proxy_duration_seconds", "Until a session's answer begins.", this.#took),
    ].join("");
  }
}

/** Of those that are told: stopped and expired ones are gone. */
function byStatus(sessions: readonly SessionUse[]): [string, number][] {
  const count = (wanted: string) => sessions.filter(({ status }) => status === wanted).length;
  return ["running", "dead"].map((status) => [status, count(status)]);
}

function samples(label: string, counts: Iterable<readonly [unknown, number]>): Sample[] {
  return [...counts].map(([value, count]): Sample => [`${label}="${value}"`, count]);
}
