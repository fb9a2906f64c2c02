/** Counters over the last minutes, for the small charts: what the page saw while it was open. */

/** What is read off the agent at one moment; sums go up from the agent's start. */
export interface Sample {
  readonly atMs: number;
  readonly done: number;
  readonly failed: number;
  readonly waiting: number;
  readonly journalBytes: number;
  /** Lines that came over the stream, and those lost in gaps, since the page was opened. */
  readonly lines: number;
  readonly lost: number;
}

/** How far back the charts reach, in milliseconds. */
export const REACH_MS = 5 * 60_000;

export class Samples {
  #all: Sample[] = [];

  get all(): readonly Sample[] {
    return this.#all;
  }

  add(sample: Sample): void {
    const from = sample.atMs - REACH_MS;
    this.#all = [...this.#all.filter(({ atMs }) => atMs >= from), sample];
  }
}

/** One value for each of `slots` equal parts of the time up to `nowMs`; undefined: nobody looked. */
export type Series = readonly (number | undefined)[];

/** The last value in each slot. */
export function levels(
  samples: readonly Sample[],
  value: (sample: Sample) => number,
  { nowMs, slots }: { readonly nowMs: number; readonly slots: number },
): Series {
  const series: (number | undefined)[] = Array.from({ length: slots }, () => undefined);
  for (const sample of samples) {
    const slot = slotOf(sample.atMs, nowMs, slots);
    if (slot !== undefined) series[slot] = value(sample);
  }
  return series;
}

/** How much a sum grew in each slot. One that went back, as after a restart, grew from nothing. */
export function growth(
  samples: readonly Sample[],
  value: (sample: Sample) => number,
  { nowMs, slots }: { readonly nowMs: number; readonly slots: number },
): Series {
  const series: (number | undefined)[] = Array.from({ length: slots }, () => undefined);
  for (const [index, sample] of samples.entries()) {
    const before = samples[index - 1];
    const slot = slotOf(sample.atMs, nowMs, slots);
    if (before === undefined || slot === undefined) continue;
    const grown = value(sample) - value(before);
    series[slot] = (series[slot] ?? 0) + (grown < 0 ? value(sample) : grown);
  }
  return series;
}

function slotOf(atMs: number, nowMs: number, slots: number): number | undefined {
  const slot = Math.floor(((atMs - (nowMs - REACH_MS)) / REACH_MS) * slots);
  if (slot < 0 || slot > slots) return undefined;
  return Math.min(slot, slots - 1);
}
