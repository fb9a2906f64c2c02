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
/** How often what has changed is written down, in milliseconds. */
const SAVE_MS = 5_000;
/** A use is written down when the last one that was is so old: a crash forgets no more. */
const SAVE_USE_MS = 60_000;

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
  /** The last use that is written down. */
  savedMs: number;
  isHandSaved: boolean;
}
type Saving = Extract<Change, { op: "put" | "remove" }>;

export interface TokensParts {
  readonly store: Pick<BackendStore, "documents" | "write">;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly users: { find(username: string): User | undefined };
  /** The longest a token may live, however much it is used, in milliseconds. */
  readonly lifeMaxMs: number;
}

export class Tokens {
  readonly #parts: TokensParts;
  /** By the token's digest. */
  readonly #entries = new Map<string, Entry>();
  /** What is to be written down, by digest: on a full disk it is tried again. */
  readonly #unsaved = new Map<string, Saving>();
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
    const entry = { username, mark: markOf(user), ...life, ...fresh(nowMs) };
    const key = digest(token);
    this.#entries.set(key, entry);
    this.#put(key, entry);
    this.#endBeyond(username);
    // On a full disk people are in all the same; the sweep tries again, and tells.
    await this.#save().catch(() => {});
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
      if (isFull === entry.inHand.has(servant)) return;
      if (!isFull) entry.inHand.delete(servant);
      else if (entry.inHand.size < SERVANTS_MAX) entry.inHand.add(servant);
      entry.isHandSaved = false;
    };
    const { username, role } = user;
    return { person: { username, role }, ended: entry.ended.signal, hand, release };
  }

  /** @throws {ServantError} `journal.full`, ...: it is revoked, but a restart now would not know it */
  async revoke(token: string): Promise<void> {
    const key = digest(token.slice(0, TOKEN_MAX_CHARS));
    if (this.#entries.has(key)) this.#end(key);
    await this.#save();
  }

  /**
   * Ends what is over, and writes down what was used. To be called now and then.
   *
   * @throws {ServantError} when it cannot be written down: the next call tries again
   */
  async sweep(): Promise<void> {
    for (const [key, entry] of this.#entries) {
      if (this.#owner(entry) === undefined) this.#end(key);
    }
    const nowMs = this.#parts.clock.monotonic();
    if (nowMs - this.#savedAtMs >= SAVE_MS) {
      this.#savedAtMs = nowMs;
      this.#putUses(SAVE_USE_MS);
    }
    await this.#save();
  }

  /** Writes down what was used last. */
  async close(): Promise<void> {
    this.#putUses(1);
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

  /** The least recently used go; a servant with something in hand, and whoever is in, goes last. */
  #endBeyond(username: string): void {
    const own = [...this.#entries].filter(([, each]) => each.username === username);
    const over = own.length - TOKENS_PER_USER;
    if (over <= 0) return;
    const isBusy = ({ inHand, inUse }: Entry) => Number(inUse > 0 || inHand.size > 0);
    own.sort(([, a], [, b]) => isBusy(a) - isBusy(b) || a.usedMs - b.usedMs);
    for (const [key] of own.slice(0, over)) this.#end(key);
  }

  #touch(entry: Entry): void {
    entry.usedMs = this.#parts.clock.monotonic();
  }

  /** Those whose last use is so much later than the one that is written down. */
  #putUses(laterMs: number): void {
    for (const [key, entry] of this.#entries) {
      if (entry.inUse > 0) this.#touch(entry); // what is under way is a use at this moment
      const isLater = entry.usedMs - entry.savedMs >= laterMs;
      if (isLater || !entry.isHandSaved) this.#put(key, entry);
    }
  }

  #put(key: string, entry: Entry): void {
    const { clock } = this.#parts;
    const { username, mark, issuedMs, usedMs, inHand } = entry;
    const asWall = (ms: number) => Math.round(clock.now() - (clock.monotonic() - ms));
    const times = { issuedAtMs: asWall(issuedMs), usedAtMs: asWall(usedMs) };
    const value: Stored = { username, mark, ...times, inHand: [...inHand] };
    this.#unsaved.set(key, { op: "put", kind: "token", key, value });
    entry.savedMs = usedMs;
    entry.isHandSaved = true;
  }

  #end(key: string): void {
    this.#entries.get(key)?.ended.abort();
    this.#entries.delete(key);
    this.#unsaved.set(key, { op: "remove", kind: "token", key });
  }

  async #save(): Promise<void> {
    const changes = [...this.#unsaved.values()];
    if (changes.length > 0) await this.#parts.store.write(changes);
    for (const change of changes) {
      // Another one may have come meanwhile.
      if (this.#unsaved.get(change.key) === change) this.#unsaved.delete(change.key);
    }
  }
}

function fresh(nowMs: number) {
  return { ended: new AbortController(), inUse: 0, savedMs: nowMs, isHandSaved: true };
}

/** What an earlier life of the gateway kept; nothing of it lies in the future. */
function entryOf(stored: Stored, clock: TokensParts["clock"]): Entry {
  const { username, mark, issuedAtMs, usedAtMs, inHand } = stored;
  const asMonotonic = (atMs: number) => clock.monotonic() - Math.max(0, clock.now() - atMs);
  const times = { issuedMs: asMonotonic(issuedAtMs), usedMs: asMonotonic(usedAtMs) };
  return { username, mark, ...times, inHand: new Set(inHand), ...fresh(times.usedMs) };
}

function digest(text: string): string {
  return hash("sha256", text, "base64url");
}

/** Asked of each token each second: a user's is reckoned once. */
const MARKS = new WeakMap<User, string>();

function markOf(user: User): string {
  const known = MARKS.get(user);
  if (known !== undefined) return known;
  const mark = digest(user.passwordHash).slice(0, 16);
  MARKS.set(user, mark);
  return mark;
}
