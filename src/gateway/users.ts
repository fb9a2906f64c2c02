/**
 * Who may log in: `login.json`, as the public gateway has it. It is read again when it changes; an edit
 * that cannot be used leaves everybody as they were, and is told.
 */
import { createHmac, randomBytes } from "node:crypto";
import * as z from "zod/mini";
import { messageOf, ServantError } from "../core/errors.ts";
import type { Role } from "../core/gateway.ts";
import { LoginFile } from "../wire/gateway.ts";
import { problemOf } from "../wire/problem.ts";

export interface User {
  readonly username: string;
  readonly role: Role;
  /** bcrypt, as it stands in the file. */
  readonly passwordHash: string;
  /** What the hash costs to try: rounds, as a power of two. */
  readonly cost: number;
}

/** The file as it is on disk now. */
export interface UsersFile {
  readonly path: string;
  /**
   * Its text when it changed since the last call; undefined when it did not.
   *
   * @throws {ServantError} `gateway.bad-users` when it cannot be read, or others may write it
   */
  readIfChanged(): string | undefined;
}

/** What a hash costs where there is no user to take it from. */
const COST_DEFAULT = 12;
/** A salt and a digest: what they were made of does not matter, for nobody has it. */
const DECOY = "7bAUO.HbOD8uUXd.cPvuSOBwrlJn2JhhXivYqYoX6mPfbkgJ1SEGm";

/** @throws {ServantError} `gateway.bad-users`, naming the file and what is wrong */
export function readUsers(text: string, path: string): ReadonlyMap<string, User> {
  const bad = (reason: string) =>
    new ServantError("gateway.bad-users", `Cannot use users file "${path}": ${reason}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw bad(`it is not JSON: ${messageOf(cause).slice(0, 200)}`);
  }
  const parsed = z.safeParse(LoginFile, value);
  if (!parsed.success) {
    const { where, reason } = problemOf(parsed.error);
    throw bad(`${where === "" ? "" : `${where}: `}${reason}`.slice(0, 500));
  }
  const users = Object.entries(parsed.data.users).map(([username, entry]): [string, User] => {
    const { password_hash: passwordHash, role = "user" } = entry;
    return [username, { username, role, passwordHash, cost: Number(passwordHash.slice(4, 6)) }];
  });
  return new Map(users);
}

export class Users {
  readonly #file: UsersFile;
  readonly #key = randomBytes(32);
  #users: ReadonlyMap<string, User>;

  /** @throws {ServantError} `gateway.bad-users` */
  constructor(file: UsersFile) {
    this.#file = file;
    this.#users = readUsers(file.readIfChanged() ?? "", file.path);
  }

  get count(): number {
    return this.#users.size;
  }

  find(username: string): User | undefined {
    return this.#users.get(username);
  }

  /**
   * A hash to try a password against under a name that nobody has, so that it takes as long: it costs
   * what that of some user costs, for one name always the same one's.
   */
  decoy(username: string): string {
    const costs = [...this.#users.values()].map(({ cost }) => cost);
    const at = createHmac("sha256", this.#key).update(username).digest().readUInt32BE();
    const cost = costs[at % costs.length] ?? COST_DEFAULT;
    return `$2b$${String(cost).padStart(2, "0")}$${DECOY}`;
  }

  /**
   * Reads the file again when it changed; true when there are other users now.
   *
   * @throws {ServantError} `gateway.bad-users`: the users stay as they were
   */
  refresh(): boolean {
    const text = this.#file.readIfChanged();
    if (text === undefined) return false;
    this.#users = readUsers(text, this.#file.path);
    return true;
  }
}
