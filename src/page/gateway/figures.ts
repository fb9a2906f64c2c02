/** What the gateway counts of itself, read from its `/metrics`. */

export interface Figures {
  readonly loggedIn: number;
  readonly wrong: number;
  /** Not looked at: too many before them. */
  readonly heldOff: number;
  readonly tokens: number;
  readonly passedOn: number;
  /** Answers of sessions that are the gateway's or a session's fault. */
  readonly failed: number;
  /** Seconds within which so many of a hundred answers began; undefined before the first one. */
  readonly half: number | undefined;
  readonly most: number | undefined;
}

/** Of every hundred answers so many are "most". */
const MOST = 0.95;

export function figuresIn(text: string): Figures {
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    const at = line.lastIndexOf(" ");
    if (at > 0 && !line.startsWith("#")) samples.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  const value = (name: string) => samples.get(name) ?? 0;
  const logins = (outcome: string) => value(`gateway_logins_total{outcome="${outcome}"}`);
  const within = (part: number) => quantile(samples, part);
  return {
    loggedIn: logins("ok"),
    wrong: logins("wrong"),
    heldOff: logins("limited"),
    tokens: value("gateway_tokens"),
    passedOn: value("gateway_proxy_duration_seconds_count"),
    failed: [...samples]
      .filter(([name]) => /^gateway_proxy_answers_total\{status="5/.test(name))
      .reduce((sum, [, count]) => sum + count, 0),
    half: within(0.5),
    most: within(MOST),
  };
}

/** The bound of the first bucket that holds this part of them; infinite beyond the last bound. */
function quantile(samples: ReadonlyMap<string, number>, part: number): number | undefined {
  const count = samples.get("gateway_proxy_duration_seconds_count") ?? 0;
  if (count === 0) return undefined;
  for (const [name, below] of samples) {
    const [, bound] = /^gateway_proxy_duration_seconds_bucket\{le="([^"]+)"\}$/.exec(name) ?? [];
    if (bound !== undefined && below >= count * part) {
      return bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound);
    }
  }
  return undefined;
}
