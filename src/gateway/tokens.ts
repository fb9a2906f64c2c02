/**
 * What people show instead of their password: 256 random bits, kept as digests alone. A token lives on
 * while it is used, up to a limit, so that nobody is thrown out in the middle of a mission; it is worth
 * nothing once its user is gone or has another password.
 */
import { hash, randomBytes } from "node:crypto";
import * as z from "zod/mini";
import type { Person } from "../core/gateway.ts";
import type { Clock } from "../core/ports.ts";
import type { BackendStore, Change } from "../core/store.ts";
import type { User } from "./users.ts";

/** How long a token that nobody uses is good, in milliseconds. */
export const TOKEN_IDLE_MS = 3_600_000;
/** The same while a servant has an assignment in hand: a Python one says nothing before it is done. */
export const TOKEN_IN_HAND_MS = 24 * 3_600_000;
/** Servants of one token that are watched for that. */
const SERVANTS_MAX = 100;
/** Longer ones are none of ours, in characters. */
const TOKEN_MAX_CHARS = 128;
/** Of one user, at once: a program that logs in for each request must not fill the disk. */
export const TOKENS_PER_USER = 1_000;
/** How often uses are written down, in milliseconds: a crash forgets no more than that. */
const SAVE_MS = 5_000;

const Stored = z.object({
  username: z.string(),
  /** Of the password's hash: another password ends the tokens that the old one got. */
  mark: z.string(),
  issuedAtMs: z.number(),
  usedAtMs: z.number(),
  /** Servants whose last word from their backend was an assignment. */
  inHand: z.array(z.string()),
});
type Stored = z.infer<typeof Stored>;

/** A token that is good now. */
export interface Held {
  readonly person: Person;
  /** Aborts when it is revoked or has come to its end: what it opened must end, too. */
  readonly ended: AbortSignal;
  /** A servant got an assignment, or has asked or answered since. */
  hand(servant: string, isFull: boolean): void;
  /** To be called once per `use`, when the request is over: until then it does not grow old. */
  release(): void;
}

interface Entry extends Pick<Stored, "username" | "mark"> {
  /** By the clock that only grows: one that is set back or forth throws nobody out and keeps nobody in. */
  readonly issuedMs: number;
  usedMs: number;
  readonly inHand: Set<string>;
  readonly ended: AbortController;
  inUse: number;
  isSaved: boolean;
}

export interface TokensParts {
  readonly store: Pick<BackendStore, "documents" | "write">;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly users: { find(username: string): User | undefined };
  /** The longest a token may live, however much it is used, in milliseconds. */
  readonly lifeMaxMs: number;
}

export class Tokens {
  readonly #parts: TokensParts;
  /** By the token's digest; the least recently issued first. */
  readonly #entries = new Map<string, Entry>();
  #savedAtMs: number;

  constructor(parts: TokensParts) {
    this.#parts = parts;
    this.#savedAtMs = parts.clock.monotonic();
    for (const { key, value } of parts.store.documents("token")) {
      const stored = z.safeParse(Stored, value);
      if (stored.success) this.#entries.set(key, entryOf(stored.data, parts.clock));
    }
  }

  get count(): number {
    return this.#entries.size;
  }

  /** A new token for a user who has shown the password. */
  async issue(user: User): Promise<string> {
    const token = randomBytes(32).toString("base64url");
    const nowMs = this.#parts.clock.monotonic();
    const { username } = user;
    const life = { issuedMs: nowMs, usedMs: nowMs, inHand: new Set<string>() };
    const entry = { username, mark: markOf(user), ...life, ...fresh() };
    const key = digest(token);
    this.#entries.set(key, entry);
    const own = [...this.#entries].filter(([, each]) => each.username === username);
    const over = own.slice(0, -TOKENS_PER_USER).map(([old]) => this.#end(old));
    await this.#parts.store.write([this.#put(key, entry), ...over]);
    return token;
  }

  /** Whose name it would be let in under; it is no use of the token. */
  whose(token: string): string | undefined {
    return this.#find(token)?.user.username;
  }

  /** Who shows this token; undefined for one that is forged, revoked or too old. */
  use(token: string): Held | undefined {
    const found = this.#find(token);
    if (found === undefined) return undefined;
    const { entry, user } = found;
    this.#touch(entry);
    entry.inUse += 1;
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      entry.inUse -= 1;
      this.#touch(entry);
    };
    const hand = (servant: string, isFull: boolean) => {
      if (!isFull) entry.inHand.delete(servant);
      else if (entry.inHand.size < SERVANTS_MAX) entry.inHand.add(servant);
    };
    const { username, role } = user;
    return { person: { username, role }, ended: entry.ended.signal, hand, release };
  }

  async revoke(token: string): Promise<void> {
    const key = digest(token.slice(0, TOKEN_MAX_CHARS));
    if (this.#entries.has(key)) await this.#parts.store.write([this.#end(key)]);
  }

  /** Ends what is over, and writes down what was used. To be called now and then. */
  async sweep(): Promise<void> {
    const { clock, store } = this.#parts;
    const changes: Change[] = [];
    for (const [key, entry] of this.#entries) {
      if (this.#owner(entry) === undefined) changes.push(this.#end(key));
    }
    const nowMs = clock.monotonic();
    if (nowMs - this.#savedAtMs >= SAVE_MS) {
      this.#savedAtMs = nowMs;
      for (const [key, entry] of this.#entries) {
        if (!entry.isSaved) changes.push(this.#put(key, entry));
        entry.isSaved = true;
      }
    }
    if (changes.length > 0) await store.write(changes);
  }

  /** Writes down what was used last. */
  async close(): Promise<void> {
    this.#savedAtMs = Number.NEGATIVE_INFINITY;
    await this.sweep();
  }

  #find(token: string): { readonly entry: Entry; readonly user: User } | undefined {
    if (token.length > TOKEN_MAX_CHARS) return undefined;
    const entry = this.#entries.get(digest(token));
    const user = entry && this.#owner(entry);
    return entry && user && { entry, user };
  }

  /** Whose it is, if it is good now. */
  #owner(entry: Entry): User | undefined {
    const { clock, lifeMaxMs, users } = this.#parts;
    const nowMs = clock.monotonic();
    const isWithin = nowMs - entry.issuedMs < lifeMaxMs;
    const idleMs = entry.inHand.size > 0 ? TOKEN_IN_HAND_MS : TOKEN_IDLE_MS;
    const isUsed = entry.inUse > 0 || nowMs - entry.usedMs < idleMs;
    const user = users.find(entry.username);
    const isTheirs = user !== undefined && markOf(user) === entry.mark;
    return isWithin && isUsed && isTheirs ? user : undefined;
  }

  #touch(entry: Entry): void {
    entry.usedMs = this.#parts.clock.monotonic();
    entry.isSaved = false;
  }

  #put(key: string, { username, mark, issuedMs, usedMs, inHand }: Entry): Change {
    const { clock } = this.#parts;
    const asWall = (ms: number) => Math.round(clock.now() - (clock.monotonic() - ms));
    const times = { issuedAtMs: asWall(issuedMs), usedAtMs: asWall(usedMs) };
    const value: Stored = { username, mark, ...times, inHand: [...inHand] };
    return { op: "put", kind: "token", key, value };
  }

  #end(key: string): Change {
    this.#entries.get(key)?.ended.abort();
    this.#entries.delete(key);
    return { op: "remove", kind: "token", key };
  }
}

function fresh() {
  return { ended: new AbortController(), inUse: 0, isSaved: true };
}

/** What an earlier life of the gateway kept; nothing of it lies in the future. */
function entryOf(stored: Stored, clock: TokensParts["clock"]): Entry {
  const { username, mark, issuedAtMs, usedAtMs, inHand } = stored;
  const asMonotonic = (atMs: number) => clock.monotonic() - Math.max(0, clock.now() - atMs);
  const times = { issuedMs: asMonotonic(issuedAtMs), usedMs: asMonotonic(usedAtMs) };
  return { username, mark, ...times, inHand: new Set(inHand), ...fresh() };
}

function digest(text: string): string {
  return hash("sha256", text, "base64url");
}

function markOf({ passwordHash }: User): string {
  return digest(passwordHash).slice(0, 16);
}
