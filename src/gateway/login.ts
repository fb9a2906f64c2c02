/** Lets people in: a name and a password for a token. */
import { ServantError } from "../core/errors.ts";
import type { User, Users } from "./users.ts";

/** Tries a password against a bcrypt hash. Takes long, on purpose. */
export interface Passwords {
  verify(password: string, hash: string): Promise<boolean>;
}

export interface LoginParts {
  readonly passwords: Passwords;
  readonly users: Users;
}

/** @throws {ServantError} `login.wrong` */
export async function logIn(
  { passwords, users }: LoginParts,
  asked: { readonly username: string; readonly password: string },
): Promise<User> {
  const user = users.find(asked.username);
  const isRight = user !== undefined && (await passwords.verify(asked.password, user.passwordHash));
  if (!isRight) throw new ServantError("login.wrong", "Cannot log in: wrong name or password");
  return user;
}
