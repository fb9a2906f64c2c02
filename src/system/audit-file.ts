/** The audit log on disk: whole lines, replaced by size, the last few kept. */
import { closeSync, constants, fstatSync, openSync, renameSync, writeSync } from "node:fs";
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
  return (line) => {
    try {
      // Opened each time: it may have been moved away, and lines are few.
      if (append(path, `${line}\n`) >= fileBytes) rotate(path);
      isInTrouble = false;
    } catch (cause) {
      if (!isInTrouble) onTrouble?.(messageOf(cause));
      isInTrouble = true;
    }
  };
}

/** Returns the file's size. */
function append(path: string, text: string): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    writeSync(file, text);
    return fstatSync(file).size;
  } finally {
    closeSync(file);
  }
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
