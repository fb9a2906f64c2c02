/** Somebody's entry in a gateway's users file, for `agent hash-password`. */
import { ServantError } from "../../core/errors.ts";
import type { Role } from "../../core/gateway.ts";
import { readUsers } from "../../gateway/users.ts";
import { changeUsersFile } from "../../system/users-file-change.ts";

export interface Entry {
  readonly user: string;
  readonly hash: string;
  /** As asked for; else it stays as it is. */
  readonly role?: Role | undefined;
  readonly displayName?: string | undefined;
}

/** A member of `users`, to be pasted there: without the braces around it. */
export function entryText({ user, hash, role = "user", displayName = user }: Entry): string {
  const entry = { [user]: { password_hash: hash, display_name: displayName, role } };
  return JSON.stringify(entry, null, 2).split("\n").slice(1, -1).join("\n");
}

/** What became of it. */
export interface Entered {
  readonly role: Role;
  /** There was one of this name. */
  readonly wasThere: boolean;
  readonly users: number;
}

/**
 * Enters somebody, or gives them another password. What else the file holds stays.
 *
 * @throws {ServantError} `gateway.bad-users`: the file is none of users, or cannot be changed;
 * `usage.invalid`: nobody can have this name
 */
export function enterInto(path: string, entry: Entry): Entered {
  let entered!: Entered;
  changeUsersFile(path, (text = "") => {
    const whole = text.trim() === "" ? '{"users": {}}' : text; // made by `touch`, to chmod it
    const before = readUsers(whole, path);
    const after = withEntry(whole, entry);
    // By what the gateway will see: a file that it would refuse is never written.
    const users = readUsers(after, path);
    const made = users.get(entry.user);
    if (made === undefined) {
      throw new ServantError("usage.invalid", `Cannot enter "${entry.user}": it is no name`);
    }
    entered = { role: made.role, wasThere: before.has(entry.user), users: users.size };
    return after;
  });
  return entered;
}

function withEntry(text: string, { user, hash, role, displayName }: Entry): string {
  const file = JSON.parse(text) as { users: Record<string, Record<string, unknown>> };
  const before = Object.hasOwn(file.users, user) ? file.users[user] : undefined;
  const { password_hash: _, ...kept } = before ?? {};
  const after = {
    password_hash: hash,
    ...{ display_name: user, role: "user", ...kept },
    ...(displayName === undefined ? {} : { display_name: displayName }),
    ...(role === undefined ? {} : { role }),
  };
  const users = { ...file.users, [user]: after };
  return `${JSON.stringify({ ...file, users }, null, 2)}\n`;
}
