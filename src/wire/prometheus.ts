/** Prometheus' text format 0.0.4: one family after another, each with its help and type. */

export const METRICS_TYPE = "text/plain; version=0.0.4";

export type Sample = readonly [labels: string, value: number];

export class Histogram {
  readonly bounds: readonly number[];
  /** How many fell into each bucket; the last is for what is over every bound. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = [...bounds, 0].map(() => 0);
  }

  add(value: number): void {
    const found = this.bounds.findIndex((bound) => value <= bound);
    const at = found < 0 ? this.bounds.length : found;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += value;
    this.count += 1;
  }
}

export function counter(name: string, help: string, samples: number | readonly Sample[]): string {
  return family(name, "counter", help, samples);
}

export function gauge(name: string, help: string, samples: number | readonly Sample[]): string {
  return family(name, "gauge", help, samples);
}

function family(
  name: string,
  type: string,
  help: string,
  samples: number | readonly Sample[],
): string {
  const all: readonly Sample[] = typeof samples === "number" ? [["", samples]] : samples;
  const lines = all.map(([labels, value]) => `${name}${labels && `{${labels}}`} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

export function histogram(
  name: string,
  help: string,
  { bounds, counts, sum, count }: Histogram,
): string {
  let below = 0;
  const buckets = bounds.map((bound, at) => {
    below += counts[at] ?? 0;
    return `${name}_bucket{le="${bound}"} ${below}\n`;
  });
  const rest = `${name}_bucket{le="+Inf"} ${count}\n${name}_sum ${sum}\n${name}_count ${count}\n`;
  return `# HELP ${name} ${help}\n# TYPE ${name} histogram\n${buckets.join("")}${rest}`;
}
