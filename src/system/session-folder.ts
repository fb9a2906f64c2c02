/**
 * The folders of a gateway's sessions, each its owner's alone: the world that its process keeps, and
 * its log. The process writes the log by itself, so it is bounded from outside: what is old moves to a
 * second file, which replaces the one before.
 */
import {
  closeSync,
  constants,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { SessionFolders } from "../core/session-process.ts";

/** One file of a session's log; there are two at most. In bytes. */
export const LOG_FILE_MAX_BYTES = 4 * 2 ** 20;
/** How much of a log is told, in bytes. */
const LOG_TOLD_BYTES = 256 * 2 ** 10;
/** How much of it tells why a start failed, in bytes. */
const LAST_WORDS_BYTES = 1_000;

export interface Folders extends SessionFolders {
  /** Makes what is missing; `log` is open to be written to, and is the caller's to close. */
  open(id: string): { readonly world: string; readonly log: number };
  /** Adds a line to its log, where there is one. */
  note(id: string, line: string): void;
  /** The last lines of its log. */
  lastWords(id: string): Promise<string>;
}

/** Below this folder, which has to be there. */
export function sessionFolders(root: string): Folders {
  const folder = (id: string) => join(root, id);
  const world = (id: string) => join(folder(id), "world");
  const logPath = (id: string) => join(folder(id), "session.log");
  return {
    logPath,
    open(id) {
      mkdirSync(folder(id), { recursive: true, mode: 0o700 });
      bound(logPath(id));
      const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW } = constants;
      const log = openSync(logPath(id), O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o600);
      return { world: world(id), log };
    },
    note(id, line) {
      const { O_APPEND, O_WRONLY, O_NOFOLLOW } = constants;
      try {
        const log = openSync(logPath(id), O_APPEND | O_WRONLY | O_NOFOLLOW);
        try {
          writeSync(log, `${line}\n`);
        } finally {
          closeSync(log);
        }
      } catch {
        // Its folder is gone, or the disk is full: the gateway's own log tells of its end.
      }
    },
    async readLog(id) {
      const newest = await tail(logPath(id), LOG_TOLD_BYTES);
      const left = LOG_TOLD_BYTES - Buffer.byteLength(newest);
      return `${left > 0 ? await tail(earlier(logPath(id)), left) : ""}${newest}`;
    },
    lastWords: async (id) => (await tail(logPath(id), LAST_WORDS_BYTES)).trim(),
    boundLog: (id) => bound(logPath(id)),
    async clearWorld(id) {
      // At once: half a world that was left behind by a crash would be taken for a whole one.
      const condemned = `${world(id)}.condemned`;
      await rm(condemned, { recursive: true, force: true });
      await rename(world(id), condemned).catch(unlessAbsent);
      await rm(condemned, { recursive: true, force: true });
    },
    remove: (id) => rm(folder(id), { recursive: true, force: true }),
  };
}

function earlier(path: string): string {
  return `${path}.1`;
}

/** The writer goes on at the file's new end: it appends. What it writes meanwhile may be lost. */
function bound(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= LOG_FILE_MAX_BYTES) return;
  const newest = Buffer.alloc(LOG_FILE_MAX_BYTES);
  const file = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const length = readSync(file, newest, 0, newest.length, size - newest.length);
    writeFileSync(earlier(path), newest.subarray(0, length), { mode: 0o600 });
    ftruncateSync(file, 0);
  } finally {
    closeSync(file);
  }
}

/** The end of a file from a line's beginning on; empty when there is none. */
async function tail(path: string, bytesMax: number): Promise<string> {
  const file = Bun.file(path);
  if (!(await file.exists())) return "";
  const from = Math.max(0, file.size - bytesMax);
  const bytes = Buffer.from(await file.slice(from).arrayBuffer());
  const begin = from === 0 ? 0 : bytes.indexOf(0x0a) + 1;
  return bytes.toString("utf8", begin);
}

function unlessAbsent(cause: unknown): void {
  if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) throw cause;
}
