/** `agent hash-password`: what a gateway's users file holds instead of a password. */
import { ServantError } from "../../core/errors.ts";
import type { Role } from "../../core/gateway.ts";
import { PASSWORD_MAX_BYTES } from "../../wire/gateway.ts";
import { openOutput, printable } from "../output.ts";
import { askedPassword, givenPassword, type PasswordOptions } from "./password.ts";
import { INTERRUPTED, Interrupted, openPrompt } from "./prompt.ts";
import { type Entry, enterInto, entryText } from "./users-entry.ts";

export interface HashOptions extends PasswordOptions {
  /** bcrypt's cost. */
  readonly rounds: number;
  /** The user whose entry is printed. */
  readonly json?: string;
  readonly role?: Role;
  readonly displayName?: string;
  /** The users file that takes the entry, instead of standard output. */
  readonly into?: string;
}

export async function hashPassword(options: HashOptions): Promise<number> {
  const { json: user, role, displayName, into, rounds } = options;
  if (user === undefined && (role ?? displayName ?? into) !== undefined) {
    const problem = "Cannot use --role, --display-name or --into: they belong to --json USER";
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
  if (user === undefined) out.line(hash);
  else if (into === undefined) out.line(entryText({ user, hash, role, displayName }));
  else out.line(printable(enter(into, { user, hash, role, displayName })));
  return 0;
}

function enter(path: string, entry: Entry): string {
  const { role, users, wasThere } = enterInto(path, entry);
  const { user } = entry;
  const done = wasThere ? `${user} (${role}) has another password` : `Entered ${user} (${role})`;
  return `${done} in "${path}"; ${users} may log in`;
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
