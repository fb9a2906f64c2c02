/**
 * Lets people in by name and password. A name that nobody has costs as much time as one that somebody
 * has, and whoever guesses has to wait.
 */
import { ServantError } from "../core/errors.ts";
import { PASSWORD_MAX_BYTES } from "../wire/gateway.ts";
import type { Guesses } from "./guesses.ts";
import { networkOf } from "./peer.ts";
import { Turns } from "./turns.ts";
import type { User, Users } from "./users.ts";

/** Tries a password against a bcrypt hash. Takes long, on purpose. */
export interface Passwords {
  /** How many to try at once: one processor at least stays for everything else. */
  readonly atOnce: number;
  verify(password: string, hash: string): Promise<boolean>;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface LoginsParts {
  readonly passwords: Passwords;
  readonly users: Users;
  readonly guesses: Guesses;
}

/** Logins that wait for their turn; at a fifth of a second each the last waits for some seconds. */
export const WAITING_MAX = 64;
export const WAITING_MAX_OF_ONE = 48;

export class Logins {
  readonly #parts: LoginsParts;
  readonly #turns: Turns;

  constructor(parts: LoginsParts) {
    this.#parts = parts;
    this.#turns = new Turns({
      atOnce: parts.passwords.atOnce,
      waitingMax: WAITING_MAX,
      waitingMaxOfOne: WAITING_MAX_OF_ONE,
    });
  }

  /**
   * Whose name and password these are. `gone` says that nobody waits for the answer any more.
   *
   * @throws {ServantError} `login.wrong`, `login.too-many`, `request.malformed`
   */
  async logIn(asked: Credentials, address: string, gone: AbortSignal): Promise<User> {
    const { guesses } = this.#parts;
    const { username } = asked;
    refuseUnusable(asked.password);
    this.#refuseGuesser(address, username);
    return await this.#turns.take(networkOf(address), async () => {
      if (gone.aborted) throw new ServantError("login.wrong", "Cannot log in: the client has gone");
      this.#refuseGuesser(address, username); // others of theirs may have failed meanwhile
      const user = await this.#check(asked);
      if (user === undefined) {
        guesses.failed(address, username); // before the next one has its turn
        throw new ServantError("login.wrong", "Cannot log in: wrong name or password");
      }
      guesses.succeeded(address, username);
      return user;
    });
  }

  async #check({ username, password }: Credentials): Promise<User | undefined> {
    const { passwords, users } = this.#parts;
    const user = users.find(username);
    const isRight = await passwords.verify(password, user?.passwordHash ?? users.decoy(username));
    return isRight ? user : undefined;
  }

  #refuseGuesser(address: string, username: string): void {
    const retryAfterMs = this.#parts.guesses.waitMs(address, username);
    if (retryAfterMs === 0) return;
    const message = "Cannot log you in now: too many wrong passwords";
    throw new ServantError("login.too-many", message, { retryAfterMs });
  }
}

/**
 * What no two implementations of bcrypt read alike: they stop after 72 bytes, or at a zero byte.
 *
 * @throws {ServantError} `request.malformed`
 */
function refuseUnusable(password: string): void {
  const bad = (why: string) => new ServantError("request.malformed", `Cannot log in: ${why}`);
  if (password === "") throw bad("the password is empty");
  if (Buffer.byteLength(password) > PASSWORD_MAX_BYTES) {
    throw bad(`no password is longer than ${PASSWORD_MAX_BYTES} bytes`);
  }
  if (password.includes("\0")) throw bad("no password has a zero byte in it");
}
