/**
 * Puts a listening socket under its name. Bun removes whatever is at the path that it listened at when
 * it stops, be it another server's by then, and shows the file before its permissions are set. So it is
 * bound under a name of its own first, and linked to the real one, which must be free.
 */
import { linkSync, lstatSync, type Stats, unlinkSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ServantError } from "../../core/errors.ts";

/** What fits into the system's `sun_path`. */
const PATH_MAX_BYTES = 107;
/** How often a dead server's file is removed before others are seen to be at it as well. */
const TRIES = 3;

/**
 * Calls `bind` with the path to bind, and gives the socket its real name. `close` removes the file.
 *
 * @throws {ServantError} `local.port-in-use`: somebody listens there. `local.bad-address`: something
 * else is there, or the path is too long. Whatever the system says of the folder.
 */
export async function placeSocketFile<T extends { close(): void }>(
  wanted: string,
  bind: (path: string) => T,
): Promise<T> {
  const path = resolve(wanted);
  const unborn = join(dirname(path), `.${crypto.randomUUID().slice(0, 8)}`);
  if (Math.max(Buffer.byteLength(path), Buffer.byteLength(unborn)) > PATH_MAX_BYTES) {
    throw badFile(path, "its path is too long for a socket");
  }
  const bound = bind(unborn);
  try {
    await link(unborn, path);
  } catch (cause) {
    bound.close();
    throw cause;
  } finally {
    remove(unborn);
  }
  const ours = lstatSync(path, { throwIfNoEntry: false });
  const close = () => {
    bound.close();
    if (isSame(ours, lstatSync(path, { throwIfNoEntry: false }))) remove(path);
  };
  return { ...bound, close };
}

async function link(from: string, path: string): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    try {
      linkSync(from, path);
      return;
    } catch (cause) {
      if (codeOf(cause) !== "EEXIST" || tried > TRIES) throw cause;
    }
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (!found.isSocket()) throw badFile(path, "a file is there");
    if (await isListening(path)) {
      throw new ServantError("local.port-in-use", `Cannot listen on unix:${path}: it is taken`);
    }
    if (isSame(found, lstatSync(path, { throwIfNoEntry: false }))) remove(path);
  }
}

/** Asks the socket itself: the kernel's list does not show those of other containers. */
async function isListening(path: string): Promise<boolean> {
  try {
    const socket = await Bun.connect({ unix: path, socket: { data() {} } });
    socket.terminate();
    return true;
  } catch (cause) {
    return !["ECONNREFUSED", "ENOENT"].includes(codeOf(cause));
  }
}

function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (cause) {
    if (codeOf(cause) !== "ENOENT") throw cause;
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}

function badFile(path: string, why: string): ServantError {
  const name = `${dirname(path)}/${basename(path)}`;
  return new ServantError("local.bad-address", `Cannot listen on unix:${name}: ${why}`);
}
