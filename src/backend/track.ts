/**
 * Where the vehicle has been, as it was believed: each object with a latitude and a longitude of
 * which `at` became true. A position is kept as it was then: its object may go.
 */
import { type Atom, atomParts } from "../core/atom.ts";
import type { ObjectDef } from "../core/domain.ts";
import type { Clock } from "../core/ports.ts";
import { Lines } from "./lines.ts";
import { type Keep, keepNothing, type StoredLine } from "./store.ts";

export const POSITIONS_MAX = 20_000;
const POSITIONS_BYTES_MAX = 16 * 1024 * 1024;
/** The fluent that says where the vehicle is. */
export const POSITION_FLUENT = "at";

export interface Position {
  readonly atMs: number;
  /** The object it was at. */
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly frame: string;
}

export class Track {
  readonly #lines: Lines<{ name: string; latitude: number; longitude: number; frame: string }>;

  constructor(clock: Clock, keep: Keep = keepNothing, kept: readonly StoredLine[] = []) {
    const limits = { rows: POSITIONS_MAX, bytesMax: POSITIONS_BYTES_MAX };
    this.#lines = new Lines("track", { clock, keep, limits });
    this.#lines.restore(kept);
  }

  /** Oldest first. */
  get positions(): readonly Position[] {
    return this.#lines.all.map(({ atMicros, value }) => ({ atMs: atMicros / 1_000, ...value }));
  }

  /** Notes where the vehicle is now, when these atoms that became true say so. */
  note(added: readonly Atom[], object: (name: string) => ObjectDef | undefined): void {
    for (const text of added) {
      const { fluent, args } = atomParts(text);
      const [name = ""] = args;
      if (fluent !== POSITION_FLUENT || args.length !== 1) continue;
      const { latitude, longitude, coordinate_frame: frame } = object(name)?.fields ?? {};
      if (typeof latitude !== "number" || typeof longitude !== "number") continue;
      const named = typeof frame === "string" ? frame : "geographic";
      this.#lines.add({ name, latitude, longitude, frame: named });
    }
  }

  clear(): void {
    this.#lines.clear();
  }
}
