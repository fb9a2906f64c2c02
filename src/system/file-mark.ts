/** Tells whether a file is still the one that was read. */
import { statSync } from "node:fs";
import { messageOf } from "../core/errors.ts";

/**
 * Another text whenever the file is another one, or none: an editor writes a new file in its place, or into
 * the same one, and either changes this. Links are followed.
 */
export function fileMark(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  } catch (cause) {
    return messageOf(cause);
  }
}
