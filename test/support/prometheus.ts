/** A reader of Prometheus' text format 0.0.4 that takes nothing on trust: what is not just so, it refuses. */

export interface Family {
  readonly type: string;
  readonly help: string;
  /** Values by name and labels, as written. */
  readonly samples: ReadonlyMap<string, number>;
}

const SAMPLE =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*")(?:,[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*")*)\})? (\S+)$/;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]?Inf|NaN)$/i;
const TYPES = ["counter", "gauge", "histogram", "summary", "untyped"];

/** @throws Error that names the first line which is wrong */
export function readPrometheus(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, Family & { samples: Map<string, number> }>();
  let current = "";
  let help: string | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const wrong = (why: string) => new Error(`${why}: ${line}`);
    const [, keyword, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === "HELP") {
      if (families.has(name)) throw wrong("a family begins twice");
      [current, help] = [name, rest];
    } else if (keyword === "TYPE") {
      if (name !== current || help === undefined) throw wrong("a type without its help");
      if (!TYPES.includes(rest)) throw wrong("no type");
      families.set(name, { type: rest, help, samples: new Map() });
      help = undefined;
    } else {
      const [, sample = "", labels = "", value = ""] = SAMPLE.exec(line) ?? [];
      const family = families.get(current);
      if (sample === "" || !VALUE.test(value)) throw wrong("no sample");
      if (family === undefined || !belongs(sample, current, family.type)) {
        throw wrong("a sample outside of its family");
      }
      const key = labels === "" ? sample : `${sample}{${labels}}`;
      if (family.samples.has(key)) throw wrong("a sample twice");
      family.samples.set(key, Number(value.replace(/Inf/, "Infinity")));
    }
  }
  for (const [name, family] of families) if (family.type === "histogram") check(name, family);
  return families;
}

function belongs(sample: string, family: string, type: string): boolean {
  const endings = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  return endings.some((ending) => sample === family + ending);
}

/** Buckets grow up to one for all. */
function check(name: string, { samples }: Family): void {
  const buckets = [...samples].filter(([key]) => key.startsWith(`${name}_bucket{`));
  const bounds = buckets.map(([key]) =>
    Number(/le="([^"]+)"/.exec(key)?.[1]?.replace("Inf", "Infinity")),
  );
  const counts = buckets.map(([, count]) => count);
  const grows = (all: number[]) => all.every((each, at) => at === 0 || each >= (all[at - 1] ?? 0));
  const isWhole =
    bounds.at(-1) === Number.POSITIVE_INFINITY && counts.at(-1) === samples.get(`${name}_count`);
  if (!grows(bounds) || !grows(counts) || !isWhole) throw new Error(`buckets of ${name} are wrong`);
}
