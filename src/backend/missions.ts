/**
 * The missions of this backend: those that clients saved, and files that whoever started it named. A
 * saved one goes before a file of its name; a file is never written. Blocks are kept as posted.
 */
import { messageOf, ServantError } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { suggestion } from "../core/nearest.ts";
import { readBlocks } from "../wire/blocks.ts";
import { Allowance } from "./allowance.ts";
import { type Keep, keepNothing, type StoredDocument } from "./store.ts";

/** Missions that clients may save. */
export const MISSIONS_MAX = 1_000;
/** All of them together, as JSON. */
export const MISSIONS_CHARACTERS_MAX = 128 * 1024 * 1024;
const NAME = /^\w[\w.:-]{0,199}$/;

/** JSON documents by the names of missions. A name is never a path: it is checked before. */
export interface MissionFiles {
  names(): string[];
  /** Undefined when there is none of that name. */
  read(name: string): string | undefined;
}
export interface Mission {
  readonly name: string;
  readonly blocks: readonly Json[];
}
export type Edit =
  | { readonly op: "insert_before" | "insert_after" | "replace"; index: number; block: Json }
  | { readonly op: "remove"; index: number };

export class Missions {
  readonly #keep: Keep;
  readonly #files: MissionFiles | undefined;
  readonly #saved = new Map<string, readonly Json[]>();
  readonly #allowance = new Allowance(MISSIONS_CHARACTERS_MAX, "missions");

  constructor(parts: {
    readonly keep?: Keep;
    readonly kept?: readonly StoredDocument[];
    readonly files?: MissionFiles | undefined;
  }) {
    this.#keep = parts.keep ?? keepNothing;
    this.#files = parts.files;
    for (const { key, value } of parts.kept ?? []) {
      if (!Array.isArray(value)) continue;
      this.#allowance.restore(key, value);
      this.#saved.set(key, value);
    }
  }

  /** Every mission's name, saved ones first. */
  names(): string[] {
    const files = (this.#files?.names() ?? []).filter((name) => NAME.test(name));
    return [...new Set([...this.#saved.keys(), ...files])];
  }

  /** True when a client saved it; a file otherwise. */
  isSaved(name: string): boolean {
    return this.#saved.has(name);
  }

  /**
   * @throws {ServantError} `mission.unknown`, with the nearest known name; `request.malformed` for a
   *   name that is none, and for a file that holds no mission
   */
  get(name: string): Mission {
    checkName(name);
    const saved = this.#saved.get(name);
    if (saved !== undefined) return { name, blocks: saved };
    const text = this.#files?.read(name);
    if (text !== undefined) return { name, blocks: blocksOf(name, text) };
    const near = suggestion(name, this.names());
    throw new ServantError("mission.unknown", `Cannot find mission "${name}"${near}`);
  }

  /**
   * Saves a mission; one of the same name is replaced.
   *
   * @throws {ServantError} `request.malformed` for a name that is none or a block that is none;
   *   `request.too-large`
   */
  save(name: string, blocks: readonly Json[]): Mission {
    checkName(name);
    readBlocks(blocks);
    if (!this.#saved.has(name) && this.#saved.size >= MISSIONS_MAX) {
      const reason = `there are ${MISSIONS_MAX} saved missions already`;
      throw new ServantError("request.too-large", `Cannot save mission "${name}": ${reason}`);
    }
    this.#allowance.take(name, blocks);
    this.#saved.set(name, blocks);
    this.#keep.put("mission", name, blocks);
    return { name, blocks };
  }

  /**
   * Changes one block and saves the mission; a file stays as it is.
   *
   * @throws {ServantError} as `get` and `save`; `request.malformed` for an index that is not there
   */
  edit(name: string, edit: Edit): Mission {
    const blocks = [...this.get(name).blocks];
    const { op, index } = edit;
    // Behind the last one, and into an empty mission.
    const isAtEnd = op === "insert_before" && index === blocks.length;
    if (index >= blocks.length && !isAtEnd) {
      const reason = `there is no block ${index}: it has ${blocks.length}`;
      throw new ServantError("request.malformed", `Cannot change mission "${name}": ${reason}`);
    }
    if (edit.op === "remove") blocks.splice(index, 1);
    else if (edit.op === "replace") blocks.splice(index, 1, edit.block);
    else blocks.splice(edit.op === "insert_before" ? index : index + 1, 0, edit.block);
    return this.save(name, blocks);
  }

  /** Forgets what a client saved. @throws {ServantError} `mission.unknown`, also for a file */
  remove(name: string): void {
    this.get(name);
    if (!this.#saved.delete(name)) {
      const reason = "it is a file, and only its owner removes it";
      throw new ServantError("mission.unknown", `Cannot delete mission "${name}": ${reason}`);
    }
    this.#allowance.free(name);
    this.#keep.remove("mission", name);
  }
}

function checkName(name: string): void {
  if (NAME.test(name)) return;
  const rule = "use letters, digits, _ . : - and at most 200 characters";
  throw new ServantError(
    "request.malformed",
    `Cannot use mission "${name.slice(0, 200)}": ${rule}`,
  );
}

/** A file holds `{"name", "blocks"}`, or the blocks alone. */
function blocksOf(name: string, text: string): readonly Json[] {
  const fault = (reason: string) =>
    new ServantError("request.malformed", `Cannot read the file of mission "${name}": ${reason}`);
  let content: Json;
  try {
    content = JSON.parse(text) as Json;
  } catch (cause) {
    throw fault(messageOf(cause));
  }
  const blocks = isJsonObject(content) ? content.blocks : content;
  if (!Array.isArray(blocks)) throw fault('it has no list "blocks"');
  readBlocks(blocks);
  return blocks;
}

export function describeMission({ name, blocks }: Mission): JsonObject {
  return { name, blocks };
}
