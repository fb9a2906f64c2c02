/**
 * Who may come in: programs by the token, browsers by a session that a code of one use gave them: a
 * cookie, and a key that the page keeps. Neither is the token, and none is kept here as it is.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../core/ports.ts";

/** How long a code lets a browser in, in milliseconds. */
export const CODE_LIFE_MS = 60_000;
/** Codes that wait to be used; beyond it the oldest are forgotten. */
export const CODES_MAX = 16;
/** How long a browser stays in, in milliseconds. */
export const SESSION_LIFE_MS = 12 * 3_600_000;
/** Browsers that are in; beyond it the oldest is out. */
export const SESSIONS_MAX = 64;
/** Longer ones are no token, code or cookie of ours, in characters. */
const SECRET_MAX_CHARS = 256;

/** Keeps sessions over a restart of the agent: digests and ends, nothing that lets anybody in. */
export interface SessionStore {
  load(): string | undefined;
  save(text: string): Promise<void>;
}

export interface AuthParts {
  readonly token: string;
  /** What a browser gave away on one port opens nothing on another. */
  readonly port: number;
  readonly store: SessionStore;
  readonly clock: Pick<Clock, "now">;
}

export class Auth {
  readonly #clock: Pick<Clock, "now">;
  readonly #token: Buffer;
  readonly #salt: string;
  readonly #store: SessionStore;
  /** When each ends, by its digest; oldest first. */
  readonly #codes = new Map<string, number>();
  readonly #sessions: Map<string, number>;

  constructor({ token, port, store, clock }: AuthParts) {
    this.#clock = clock;
    this.#store = store;
    this.#token = digest(token);
    this.#salt = `${token} ${port}`; // a new token ends every session that the old one began
    this.#sessions = new Map(readSessions(store.load()));
  }

  /** In equal time, whatever the two have in common. */
  isToken(text: string): boolean {
    return text.length <= SECRET_MAX_CHARS && timingSafeEqual(digest(text), this.#token);
  }

  /** A code that lets one browser in, once, within `CODE_LIFE_MS`. */
  newCode(): { readonly code: string; readonly endsAtMs: number } {
    const code = newSecret();
    const endsAtMs = this.#clock.now() + CODE_LIFE_MS;
    put(this.#codes, this.#name(code), endsAtMs, CODES_MAX);
    return { code, endsAtMs };
  }

  /** A session for a code; undefined when it is none, was used or is too old. */
  async redeem(code: string): Promise<string | undefined> {
    const name = this.#name(code.slice(0, SECRET_MAX_CHARS));
    const isValid = this.#isWithin(this.#codes, name, CODE_LIFE_MS);
    this.#codes.delete(name);
    if (!isValid) return undefined;
    const session = newSecret();
    put(this.#sessions, this.#name(session), this.#clock.now() + SESSION_LIFE_MS, SESSIONS_MAX);
    await this.#save();
    return session;
  }

  isSession(text: string): boolean {
    if (text.length > SECRET_MAX_CHARS) return false;
    return this.#isWithin(this.#sessions, this.#name(text), SESSION_LIFE_MS);
  }

  /**
   * What the page of this session shows along with the cookie. Whoever has the cookie alone cannot
   * reckon it: that takes the token.
   */
  pageKey(session: string): string {
    return createHmac("sha256", this.#salt).update(`page ${session}`).digest("base64url");
  }

  isPageKey(text: string, session: string): boolean {
    const isShort = text.length <= SECRET_MAX_CHARS;
    return isShort && timingSafeEqual(digest(text), digest(this.pageKey(session)));
  }

  /** A clock that was set back must not lengthen what lets people in. */
  #isWithin(ends: Map<string, number>, name: string, lifeMs: number): boolean {
    const leftMs = (ends.get(name) ?? 0) - this.#clock.now();
    return leftMs > 0 && leftMs <= lifeMs;
  }

  #name(secret: string): string {
    return digest(`${this.#salt} ${secret}`).toString("base64url");
  }

  async #save(): Promise<void> {
    const now = this.#clock.now();
    for (const [name, endsAtMs] of this.#sessions) {
      if (endsAtMs <= now) this.#sessions.delete(name);
    }
    // On a full disk a browser is in all the same; it is out after a restart.
    await this.#store.save(JSON.stringify([...this.#sessions])).catch(() => {});
  }
}

/** 256 random bits as text. */
export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function put(ends: Map<string, number>, name: string, endsAtMs: number, most: number): void {
  ends.set(name, endsAtMs);
  const [oldest] = ends.keys();
  if (ends.size > most && oldest !== undefined) ends.delete(oldest);
}

/** What cannot be read is nobody's session. */
function readSessions(text: string | undefined): [string, number][] {
  try {
    const read: unknown = JSON.parse(text ?? "[]");
    if (!Array.isArray(read)) return [];
    return read.filter(isSession).slice(-SESSIONS_MAX);
  } catch {
    return [];
  }
}

function isSession(each: unknown): each is [string, number] {
  return Array.isArray(each) && typeof each[0] === "string" && typeof each[1] === "number";
}
