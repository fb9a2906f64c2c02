/** Puts a private file in place whole: whoever reads it finds the content of before or this one. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";

/**
 * The new content is its owner's alone from its first byte, and on the disk before it takes the old one's
 * place. `prepare` may change whose the file is. Throws what the system says; then all is as it was.
 */
export function replaceFile(
  path: string,
  text: string,
  prepare: (file: number) => void = () => {},
): void {
  const draft = `${path}.${crypto.randomUUID()}.new`;
  try {
    const file = openSync(draft, "wx", 0o600); // never a file or a link that is there already
    try {
      writeFileSync(file, text);
      prepare(file);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (cause) {
    rmSync(draft, { force: true });
    throw cause;
  }
}
