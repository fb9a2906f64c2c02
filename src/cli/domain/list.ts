/** `agent domain list`: the vocabularies that there are, and what cannot be read. */
import { openOutput, table } from "../output.ts";
import { Library } from "./library.ts";
import type { DomainOptions } from "./options.ts";
import { wordsOf } from "./words.ts";

export async function list(options: DomainOptions): Promise<number> {
  const out = openOutput(process.stdout, process.env);
  const library = new Library(options);
  const shelved = await library.list();
  const usable = shelved.flatMap((each) => ("domain" in each ? [each] : []));
  const broken = shelved.flatMap((each) => ("reason" in each ? [each] : []));
  if (options.json) {
    const domains = usable.map(({ domain, uses, path = null }) => {
      const { name, modules } = domain;
      return { name, modules, uses, path, ...wordsOf(domain) };
    });
    out.json({ folders: library.folders, domains, broken });
    return 0;
  }
  const rows = usable.map(({ domain, path }) => {
    const { types, fluents, transitions } = wordsOf(domain);
    const counts = `${types} types, ${fluents} fluents, ${transitions} transitions`;
    return [domain.name, domain.modules.join(" "), counts, path ?? "built in"];
  });
  out.line(table(["NAME", "MODULES", "WORDS", "FROM"], rows, out.paint));
  for (const { reason } of broken) process.stderr.write(`warning: ${reason}\n`);
  return 0;
}
