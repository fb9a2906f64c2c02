/** A text kept in a file: replaced whole, or not at all, whatever happens to the power. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

export interface TextFile {
  /** Undefined when it was never saved. */
  load(): string | undefined;
  /** Resolves when the text is durable. */
  save(text: string): Promise<void>;
}

/** The file at `path`, readable by its owner alone. */
export function textFile(path: string): TextFile {
  return {
    load: () => (existsSync(path) ? readFileSync(path, "utf8") : undefined),
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
