/**
 * What outlives a restart: the world and the servants, as one JSON document. Where it is kept is
 * the business of whoever hands in the port. Several changes at once become one save.
 */
import { z } from "zod";
import { type Atom, parseAtom } from "../core/atom.ts";
import { messageOf } from "../core/errors.ts";
import type { ServantSnapshot } from "./servant-list.ts";
import type { Log } from "./servants.ts";
import type { WorldSnapshot } from "./world.ts";

const AtomText = z.string().transform((text): Atom => parseAtom(text));
export const Snapshot = z.object({
  version: z.literal(1),
  objects: z.array(
    z.object({ name: z.string(), type: z.string(), fields: z.record(z.string(), z.json()) }),
  ),
  set: z.array(z.tuple([AtomText, z.boolean()])),
  goal: z.array(AtomText),
  servants: z.array(
    z.object({
      id: z.string(),
      transitions: z.array(z.string()),
      fluents: z.array(z.string()),
    }),
  ),
});
export type Snapshot = z.infer<typeof Snapshot>;
/** The same as it is handed over for saving. */
export interface SnapshotToSave extends WorldSnapshot {
  readonly version: 1;
  readonly servants: readonly ServantSnapshot[];
}

export interface SnapshotPort {
  /** The text that was saved last; undefined when there is none. */
  load(): string | undefined;
  /** Resolves when the text is durable. */
  save(text: string): Promise<void>;
  /** Keeps a text that cannot be read from being overwritten; returns where it is now. */
  setAside(): string;
}

/** The snapshot that was saved last; one that cannot be read is set aside and reported. */
export function loadSnapshot(port: SnapshotPort, log: Log): Snapshot | undefined {
  const text = port.load();
  if (text === undefined) return undefined;
  try {
    return Snapshot.parse(JSON.parse(text));
  } catch (cause) {
    const kept = port.setAside();
    log("error", `cannot read the saved state, kept as ${kept}: ${messageOf(cause)}`, {});
    return undefined;
  }
}

export class Saver {
  readonly #port: SnapshotPort;
  readonly #take: () => SnapshotToSave;
  readonly #log: Log;
  #saved = "";
  #saving: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;

  constructor(port: SnapshotPort, take: () => SnapshotToSave, log: Log) {
    this.#port = port;
    this.#take = take;
    this.#log = log;
  }

  /** Resolves when what is now is saved, or when it was reported that it cannot be. */
  save(): Promise<void> {
    // One save runs, at most one waits: the waiting one takes all changes until it starts.
    this.#queued ??= this.#saving.then(() => {
      this.#queued = undefined;
      this.#saving = this.#write();
      return this.#saving;
    });
    return this.#queued;
  }

  async #write(): Promise<void> {
    const text = JSON.stringify(this.#take());
    if (text === this.#saved) return;
    try {
      await this.#port.save(text);
      this.#saved = text;
    } catch (cause) {
      this.#log("error", `cannot save the state: ${messageOf(cause)}`, {});
    }
  }
}
