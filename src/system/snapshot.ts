/** A text kept in a file: replaced whole, or not at all, whatever happens to the power. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

export interface TextFile {
  /** Undefined when it was never saved. */
  load(): string | undefined;
  /** Resolves when the text is durable. */
  save(text: string): Promise<void>;
  /** Moves an unreadable file out of the way and returns where it is now. */
  setAside(): string;
}

/** The file at `path`, readable by its owner alone. */
export function textFile(path: string): TextFile {
  return {
    load: () => (existsSync(path) ? readFileSync(path, "utf8") : undefined),
    setAside() {
      const kept = `${path}.damaged-${Date.now()}`;
      renameSync(path, kept);
      return kept;
    },
    async save(text) {
      const draft = `${path}.${process.pid}.new`;
      const file = await open(draft, "w", 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
      syncFolder(dirname(path)); // without it the new name itself may not survive
    },
  };
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
