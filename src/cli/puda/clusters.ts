/**
 * Which NATS servers belong together, as far as this state folder has seen. The journal keeps results
 * under the name of a machine and its servers; whoever comes to the same cluster by another address
 * must find them under the name of before, or they would be kept for ever and sent to nobody.
 */
import { readFileSync } from "node:fs";
import * as z from "zod/mini";
import { replaceFile } from "../../system/replace-file.ts";

/** The names of origins, each with the addresses that led to it: `host:port`. */
const Known = z.record(z.string(), z.array(z.string()));
type Known = z.infer<typeof Known>;

/** So many clusters, and addresses of each, are remembered: the latest. */
const KEPT_MAX = { clusters: 32, addresses: 64 } as const;

export class Clusters {
  readonly #path: string;
  #known: Known;

  /** What cannot be read counts as nothing: its results stay in the journal, and are told of. */
  constructor(path: string) {
    this.#path = path;
    this.#known = read(path);
  }

  /**
   * What the journal calls machine `id` at these servers: the name of before where one of them is
   * known, else a new one after the first.
   */
  originOf(id: string, servers: readonly string[]): string {
    const begins = `puda:${id}@`;
    const known = Object.entries(this.#known).find(
      ([origin, addresses]) =>
        origin.startsWith(begins) && servers.some((server) => addresses.includes(server)),
    );
    return known?.[0] ?? `${begins}${servers[0]}`;
  }

  /** These addresses lead to that origin, too. Throws what the system says. */
  learn(origin: string, addresses: readonly string[]): void {
    const before = this.#known[origin] ?? [];
    const all = [...new Set([...before, ...addresses])].slice(-KEPT_MAX.addresses);
    if (all.length === before.length && all.every((each, at) => each === before[at])) return;
    const { [origin]: _before, ...others } = this.#known;
    const kept = Object.entries(others).slice(1 - KEPT_MAX.clusters);
    this.#known = { ...Object.fromEntries(kept), [origin]: all };
    replaceFile(this.#path, `${JSON.stringify(this.#known, undefined, 2)}\n`);
  }
}

function read(path: string): Known {
  try {
    return Known.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return {};
  }
}
