/** What a backend keeps in its state folder, and what an earlier version kept there. */
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Note } from "../backend/backend.ts";
import { changesOfSnapshot } from "../backend/snapshot.ts";
import { messageOf } from "../core/errors.ts";
import type { BackendStore, Change } from "../core/store.ts";
import { openBackendStore } from "../system/backend-store.ts";

export interface Opened {
  readonly store: BackendStore;
  /** What people should know of how it was opened. */
  readonly notes: readonly Note[];
}

/** @throws {ServantError} as `openBackendStore` */
export async function backendStore(folder: string): Promise<Opened> {
  const notes: Note[] = [];
  const store = openBackendStore(join(folder, "backend.sqlite"), {
    onDamaged: ({ setAside, reason }) => notes.push(unreadable(setAside, reason)),
  });
  const path = join(folder, "backend.json");
  if (existsSync(path)) notes.push(await takeOver(path, store));
  return { store, notes };
}

/** The file is renamed once the store has what it says: cut off in between, it is done again. */
async function takeOver(path: string, store: BackendStore): Promise<Note> {
  let changes: Change[];
  try {
    changes = changesOfSnapshot(readFileSync(path, "utf8"));
  } catch (cause) {
    const kept = `${path}.damaged-${Date.now()}`;
    renameSync(path, kept);
    return unreadable(kept, messageOf(cause));
  }
  await store.write(changes);
  renameSync(path, `${path}.migrated`);
  const message = `took over what an earlier version saved, kept as ${path}.migrated`;
  return { level: "info", message };
}

function unreadable(kept: string, reason: string): Note {
  return { level: "error", message: `cannot read the saved state, kept as ${kept}: ${reason}` };
}
