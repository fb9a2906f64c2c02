/**
 * Changes the users file of a gateway. The new content is on the disk before it takes the old one's
 * place, whole: a gateway that reads it meanwhile finds the one or the other.
 */
import { fchmodSync, fchownSync, lstatSync, readFileSync, type Stats } from "node:fs";
import { messageOf, ServantError } from "../core/errors.ts";
import { replaceFile } from "./replace-file.ts";

/**
 * `change` is told what the file holds, undefined when there is none. A new file is its owner's alone;
 * one that is there keeps owner and group, and what the group may do; nobody else may read it.
 *
 * @throws {ServantError} `gateway.bad-users`: it is no file, or cannot be read or written; what
 * `change` throws, and the file is as it was
 */
export function changeUsersFile(path: string, change: (text: string | undefined) => string): void {
  const found = lstat(path);
  // A new file in a link's place would leave the one it leads to as it was.
  if (found?.isSymbolicLink()) throw unwritable(path, "it is a link; name the file itself");
  if (found !== undefined && !found.isFile()) throw unwritable(path, "it is not a file");
  replace(path, change(found === undefined ? undefined : read(path)), found);
}

function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw unwritable(path, messageOf(cause), cause);
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw unwritable(path, messageOf(cause), cause);
  }
}

function replace(path: string, text: string, before: Stats | undefined): void {
  try {
    replaceFile(path, text, (file) => {
      if (before === undefined) return;
      // The gateway may be let in by its group alone.
      const { uid, gid } = before;
      const isTheirs = uid === process.geteuid?.() && gid === process.getegid?.();
      if (!isTheirs) fchownSync(file, uid, gid);
      fchmodSync(file, 0o600 | (before.mode & 0o040));
    });
  } catch (cause) {
    throw unwritable(path, messageOf(cause), cause);
  }
}

function unwritable(path: string, reason: string, cause?: unknown): ServantError {
  const problem = `Cannot change users file "${path}": ${reason}`;
  return new ServantError("gateway.bad-users", problem, { cause });
}
