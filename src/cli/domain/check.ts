/** `agent domain check`: every mistake of vocabularies, and what cannot have been meant. */
import { resolve } from "node:path";
import { domainProblems, domainWarnings } from "../../backend/domain-check.ts";
import type { Domain, Problem } from "../../core/domain.ts";
import { exitCodes, messageOf, ServantError } from "../../core/errors.ts";
import { type Output, openOutput, printable } from "../output.ts";
import { tryDomainFile } from "./file.ts";
import { firstParty, Library, namesOf } from "./library.ts";
import type { DomainOptions } from "./options.ts";
import { problemText } from "./unusable.ts";

interface Verdict {
  readonly file: string;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/**
 * Exit code 1 when one of them has a mistake; warnings are only told.
 *
 * @throws {ServantError} `domain.not-found`
 */
export async function check(files: readonly string[], options: DomainOptions): Promise<number> {
  const out = openOutput(process.stdout, process.env);
  const library = new Library(options);
  const verdicts: Verdict[] = [];
  for (const file of files) verdicts.push(await judge(resolve(file), library));
  if (options.json) out.json(verdicts.map((each) => ({ ...each })));
  else for (const verdict of verdicts) tell(out, verdict);
  return verdicts.some(({ errors }) => errors.length > 0) ? exitCodes.permanent : 0;
}

async function judge(file: string, library: Library): Promise<Verdict> {
  const reading = await tryDomainFile(file);
  if (!("read" in reading)) return { file, errors: reading.problems, warnings: [] };
  const { domain } = reading.read;
  let used: Domain[];
  try {
    used = await library.usedBy(reading.read, file);
  } catch (cause) {
    if (!(cause instanceof ServantError)) throw cause;
    return { file, errors: [{ place: "", reason: messageOf(cause) }], warnings: [] };
  }
  const errors = domainProblems(domain, used);
  return { file, errors, warnings: [...covered(domain), ...domainWarnings(domain, used)] };
}

/** What this program brings is found first: nothing else can go by its names. */
function covered({ name, modules }: Domain): Problem[] {
  const own = (asked: string) => firstParty.find((each) => namesOf(each).includes(asked));
  const places = [["name", name] as const, ...modules.map((m, i) => [`modules[${i}]`, m] as const)];
  return places.flatMap(([place, asked]) => {
    const other = own(asked);
    if (other === undefined) return [];
    return [{ place, reason: `"${asked}" is the built-in ${other.name}: this one is not found` }];
  });
}

function tell({ line, paint }: Output, { file, errors, warnings }: Verdict): void {
  for (const each of errors) line(`${paint.red("error")}: ${printable(problemText(each))}`);
  for (const each of warnings) line(`${paint.yellow("warning")}: ${printable(problemText(each))}`);
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? "" : "s"}`;
  line(`${file}: ${count(errors.length, "mistake")}, ${count(warnings.length, "warning")}`);
}
