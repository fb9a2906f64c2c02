/** `agent domain import`: keeps the vocabulary of a Python module where backends find it. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { domainProblems } from "../../backend/domain-check.ts";
import { messageOf, ServantError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { toDocument } from "../../wire/domain.ts";
import { openOutput, printable } from "../output.ts";
import { stopSignals } from "../stop-signals.ts";
import { type ReadDomain, readDocument } from "./file.ts";
import { firstParty, Library, namesOf } from "./library.ts";
import type { DomainOptions } from "./options.ts";
import { exportModule } from "./python.ts";
import { unusable } from "./unusable.ts";
import { wordsOf } from "./words.ts";

export interface ImportOptions extends DomainOptions {
  readonly python: string;
  /** Seconds. */
  readonly timeout: number;
  /** Only show it. */
  readonly print?: boolean;
}

/** @throws {ServantError} `domain.*`, `state.unwritable` */
export async function importModule(module: string, options: ImportOptions): Promise<number> {
  const own = firstParty.find((domain) => namesOf(domain).includes(module));
  if (own !== undefined && !options.print) {
    const reason = `Cannot import "${module}": this program brings it, as "${own.name}"`;
    throw new ServantError("domain.first-party", reason);
  }
  const library = new Library(options);
  const others = firstParty.filter((domain) => domain !== own);
  const { domain: told, notes } = await exportModule({
    module,
    python: options.python,
    timeoutMs: options.timeout * 1_000,
    known: Object.fromEntries(others.map((each) => [each.name, namesOf(each)])),
    signal: stopSignals().stop,
  });
  const read = await checked(module, told, library);
  const document = { $comment: COMMENT, ...toDocument({ ...read.domain, uses: read.uses }) };
  const text = `${JSON.stringify(document, null, 2)}\n`;
  for (const note of notes) process.stderr.write(`note: ${printable(note)}\n`);
  if (options.print) {
    process.stdout.write(text);
    return 0;
  }
  const path = join(library.shelf, `${module}.json`);
  keep(path, text);
  tell(read, { path, notes, json: options.json === true });
  return 0;
}

const COMMENT = "Made by agent domain import: import again rather than edit";

async function checked(module: string, told: unknown, library: Library): Promise<ReadDomain> {
  const reading = readDocument(told);
  if (!("read" in reading)) throw unusable(module, reading.problems);
  const { read } = reading;
  const problems = domainProblems(read.domain, await library.usedBy(read));
  if (problems.length > 0) throw unusable(module, problems);
  return read;
}

/** Whole or not at all: a backend may read the folder at any moment. */
function keep(path: string, text: string): void {
  const aside = `${path}.${process.pid}.new`;
  let file: number | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    file = openSync(aside, "w");
    writeFileSync(file, text);
    fsyncSync(file);
    renameSync(aside, path);
  } catch (cause) {
    if (file !== undefined) rmSync(aside, { force: true });
    const reason = `Cannot write "${path}": ${messageOf(cause)}`;
    throw new ServantError("state.unwritable", reason, { cause });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function tell(
  { domain, uses }: ReadDomain,
  { path, notes, json }: { path: string; notes: readonly string[]; json: boolean },
): void {
  const out = openOutput(process.stdout, process.env);
  const words = wordsOf(domain);
  const told: JsonObject = { name: domain.name, path, uses, ...words, notes };
  if (json) {
    out.json(told);
    return;
  }
  const counts = Object.entries(words).map(([what, count]) => `${count} ${what}`);
  out.line(`imported ${out.paint.bold(domain.name)}: ${counts.join(", ")}`);
  if (uses.length > 0) out.line(`uses ${uses.join(", ")}`);
  out.line(out.paint.dim(path));
}
