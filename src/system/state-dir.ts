/**
 * The folder an agent keeps its state in, and the lock that lets one agent at a time use it. The
 * lock is the kernel's (flock): it dies with the process, so nothing stale is ever left behind.
 */
import { FFIType } from "bun:ffi";
import {
  closeSync,
  constants,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { isServantError, messageOf, ServantError } from "../core/errors.ts";
import { openLibc } from "./libc.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The state folder: as asked for, else systemd's, else XDG's, else below the home folder. */
export function stateDirectory(asked: string | undefined, env: Environment): string {
  if (asked !== undefined) return resolve(asked);
  // systemd separates several StateDirectory= entries by colons; the first is ours.
  const fromSystemd = env.STATE_DIRECTORY?.split(":")[0];
  if (fromSystemd) return resolve(fromSystemd);
  // A relative XDG path counts as unset: its specification says so.
  const xdg = env.XDG_STATE_HOME ?? "";
  const base = isAbsolute(xdg) ? xdg : join(env.HOME || homedir(), ".local", "state");
  return join(base, "servant-agent");
}

export interface StateDir {
  readonly path: string;
  release(): void;
}

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
/** A command such as `agent pause` holds the lock for a moment: so long it is waited for. */
const LOCK_PATIENCE_MS = 1_000;
const LOCK_RETRY_MS = 20;

/**
 * Creates the folder (0700) where it is missing and takes its lock; blocks for a moment where
 * another holds it. `isPrivate`: nobody else may be able to put a file there.
 *
 * @throws {ServantError} `state.unwritable`; `state.locked`, whose message says who holds it
 */
export function openStateDir(path: string, { isPrivate = false } = {}): StateDir {
  const lockPath = join(path, "lock");
  let file: number;
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (isPrivate) refuseShared(path);
    file = openSync(lockPath, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
  } catch (cause) {
    if (isServantError(cause)) throw cause;
    throw new ServantError(
      "state.unwritable",
      `Cannot keep state in "${path}": ${messageOf(cause)}`,
      { cause },
    );
  }
  if (!takeLockSoon(file)) {
    closeSync(file);
    const holder = readHolder(lockPath);
    throw new ServantError("state.locked", `Cannot use state folder "${path}": ${holder} holds it`);
  }
  tellHolder(file);
  let isHeld = true;
  const release = () => {
    if (isHeld) closeSync(file); // once: by then the number may belong to another file
    isHeld = false;
  };
  return { path, release };
}

/** The process that holds the folder now; undefined when none does. */
export function holderOf(path: string): number | undefined {
  let file: number;
  try {
    file = openSync(join(path, "lock"), "r");
  } catch {
    return undefined; // nobody ever held it
  }
  try {
    if (takeLock(file)) return undefined; // it goes with the file's closing
    const pid = Number(readFileSync(join(path, "lock"), "utf8").trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } finally {
    closeSync(file);
  }
}

/** @throws {ServantError} `state.unwritable` */
function refuseShared(path: string): void {
  const { mode, uid } = statSync(path);
  const isOurs = uid === (process.getuid?.() ?? uid);
  if (isOurs && (mode & 0o022) === 0) return;
  const reason = isOurs
    ? `others may write there (mode ${(mode & 0o7777).toString(8)}): chmod 700 "${path}"`
    : "it belongs to another account";
  throw new ServantError("state.unwritable", `Cannot keep state in "${path}": ${reason}`);
}

/** Writes down who holds the lock. A courtesy: on a full disk the lock holds without it. */
function tellHolder(file: number): void {
  try {
    ftruncateSync(file, 0);
    writeSync(file, `${process.pid}\n`);
  } catch {
    // a second agent is then told of "another agent"
  }
}

function readHolder(lockPath: string): string {
  try {
    const pid = readFileSync(lockPath, "utf8").trim();
    return /^\d+$/.test(pid) ? `another agent (process ${pid})` : "another agent";
  } catch {
    return "another agent"; // its lock file cannot be read: the lock itself is proof enough
  }
}

const LOCK_EXCLUSIVE = 2;
const LOCK_NONBLOCKING = 4;

function takeLockSoon(file: number): boolean {
  for (let waitedMs = 0; !takeLock(file); waitedMs += LOCK_RETRY_MS) {
    if (waitedMs >= LOCK_PATIENCE_MS) return false;
    Bun.sleepSync(LOCK_RETRY_MS);
  }
  return true;
}

function takeLock(file: number): boolean {
  const { i32 } = FFIType;
  const libc = openLibc({ flock: { args: [i32, i32], returns: i32 } });
  return libc.flock(file, LOCK_EXCLUSIVE | LOCK_NONBLOCKING) === 0;
}
