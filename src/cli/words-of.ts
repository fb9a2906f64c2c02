/** What the backend of `agent run` has to know of its plugin's vocabulary. */
import { relative } from "node:path";
import type { Domain } from "../core/domain.ts";
import type { Offer } from "../core/ports.ts";
import type { Library } from "./domain/library.ts";

export interface Known {
  /** What `--domain` names: then nothing is looked for. */
  readonly asked: readonly string[];
  readonly domains: readonly Domain[];
  readonly library: Library;
  readonly display: { log(text: string): void };
}

/**
 * The vocabulary as it came from the plugin, and the files that it is from: only they have what is
 * code. Code that no file brings is told of, for plans are made without it.
 *
 * @throws {ServantError} `domain.invalid` when such a file has mistakes
 */
export async function wordsOf(offer: Offer, known: Known): Promise<readonly Domain[]> {
  const { vocabulary, vocabularyFiles = [], coded = [] } = offer;
  if (vocabulary.code !== undefined) return [vocabulary]; // it is of this very process
  const { asked, domains, library, display } = known;
  const found: Domain[] = [];
  for (const file of asked.length === 0 ? vocabularyFiles : []) {
    found.push(...(await library.whole(await library.lookUp(file))));
    display.log(`agent: the vocabulary is ${relative(".", file)} (--domain names another)\n`);
  }
  const all = [...domains, ...found];
  const lost = coded.filter((name) => all.every(({ code = {} }) => code[name] === undefined));
  if (lost.length > 0) {
    const files = vocabularyFiles.map((file) => relative(".", file)).join(" ");
    const name = files === "" ? "the file that has it as its default export" : files;
    display.log(
      `agent: warning: planning without the costs or scripts of ${lost.join(", ")}: ` +
        `they are code, which stays with the plugin; --domain ${name} brings it\n`,
    );
  }
  return [...new Set([...found, vocabulary])];
}
