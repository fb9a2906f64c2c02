/** `agent hash-password`: what a gateway's users file holds instead of a password. */
import { ServantError } from "../../core/errors.ts";
import type { Role } from "../../core/gateway.ts";
import { PASSWORD_MAX_BYTES } from "../../wire/gateway.ts";
import { openOutput } from "../output.ts";
import { askedPassword, givenPassword, type PasswordOptions } from "./password.ts";
import { INTERRUPTED, Interrupted, openPrompt } from "./prompt.ts";

export interface HashOptions extends PasswordOptions {
  /** bcrypt's cost. */
  readonly rounds: number;
  /** The user whose entry is printed. */
  readonly json?: string;
  readonly role?: Role;
  readonly displayName?: string;
}

export async function hashPassword(options: HashOptions): Promise<number> {
  const { json: user, role, displayName, rounds } = options;
  if (user === undefined && (role !== undefined || displayName !== undefined)) {
    const problem = "Cannot use --role or --display-name: they belong to --json USER";
    throw new ServantError("usage.invalid", problem);
  }
  let password: string;
  try {
    password = checked((await givenPassword(options)) ?? (await askedTwice()));
  } catch (cause) {
    if (cause instanceof Interrupted) return INTERRUPTED;
    throw cause;
  }
  const hash = await Bun.password.hash(password, { algorithm: "bcrypt", cost: rounds });
  const out = openOutput(process.stdout, process.env);
  out.line(user === undefined ? hash : entryOf(user, hash, role ?? "user", displayName ?? user));
  return 0;
}

async function askedTwice(): Promise<string> {
  const prompt = openPrompt();
  const first = await askedPassword(prompt);
  if (first === (await askedPassword(prompt, "The same again: "))) return first;
  throw new ServantError("usage.invalid", "Cannot hash the password: the two are not the same");
}

/** What every implementation of bcrypt takes for the same password. */
function checked(password: string): string {
  const bytes = new TextEncoder().encode(password).length;
  const bad = (problem: string) => new ServantError("usage.invalid", `Cannot hash ${problem}`);
  if (bytes === 0) throw bad("an empty password");
  if (bytes > PASSWORD_MAX_BYTES) {
    throw bad(`a password of ${bytes} bytes: bcrypt reads ${PASSWORD_MAX_BYTES}`);
  }
  if (password.includes("\0")) throw bad("a password with a NUL: bcrypt stops reading there");
  return password;
}

/** A member of `users`, to be pasted there: without the braces around it. */
function entryOf(user: string, hash: string, role: Role, displayName: string): string {
  const entry = { [user]: { password_hash: hash, display_name: displayName, role } };
  return JSON.stringify(entry, null, 2).split("\n").slice(1, -1).join("\n");
}
