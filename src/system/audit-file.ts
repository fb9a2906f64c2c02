/** The audit log on disk: whole lines, replaced by size, the last few kept. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  writeSync,
} from "node:fs";
import { messageOf } from "../core/errors.ts";

/** A file that has so many bytes is put aside. */
export const AUDIT_FILE_BYTES = 8 * 2 ** 20;
/** Files that are kept beside the one that is written. */
export const AUDIT_FILES_KEPT = 7;

export interface AuditFileOptions {
  readonly fileBytes?: number;
  /** Told when a line could not be kept, and not again before one could. */
  readonly onTrouble?: (reason: string) => void;
}

/**
 * Returns what appends a line to `path` (0600), before it returns: what was told of is on its way to the
 * disk before anybody gets an answer. Older lines are in `path.1` to `path.7`. Never throws.
 */
export function auditFile(path: string, options: AuditFileOptions = {}): (line: string) => void {
  const { fileBytes = AUDIT_FILE_BYTES, onTrouble } = options;
  let isInTrouble = false;
  let file: number | undefined;
  return (line) => {
    let trouble: unknown;
    try {
      file = opened(path, file);
    } catch (cause) {
      trouble = cause; // such as no descriptor left: what is open still takes the line
    }
    try {
      if (file !== undefined) writeSync(file, `${line}\n`);
      // One that was put aside already is not put aside again.
      if (file !== undefined && trouble === undefined && fstatSync(file).size >= fileBytes) {
        rotate(path);
      }
    } catch (cause) {
      trouble ??= cause;
    }
    if (trouble !== undefined && !isInTrouble) onTrouble?.(messageOf(trouble));
    isInTrouble = trouble !== undefined;
  };
}

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;

/** The file at `path`: the one that is open, unless it was moved away. */
function opened(path: string, open: number | undefined): number {
  if (open !== undefined && isAt(path, open)) return open;
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  if (open !== undefined) closeSync(open);
  return file;
}

function isAt(path: string, file: number): boolean {
  const there = lstatSync(path, { throwIfNoEntry: false });
  const { dev, ino } = fstatSync(file);
  return there?.ino === ino && there.dev === dev;
}

function rotate(path: string): void {
  for (let number = AUDIT_FILES_KEPT - 1; number >= 1; number -= 1) {
    rename(`${path}.${number}`, `${path}.${number + 1}`);
  }
  rename(path, `${path}.1`);
}

function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) throw cause;
  }
}
