/** Reads one vocabulary from a file: a JSON document, or the default export of a TypeScript file. */
import { existsSync, statSync } from "node:fs";
import type { Domain } from "../../core/domain.ts";
import { messageOf, ServantError } from "../../core/errors.ts";
import { isJsonObject, isNestedWithin, type Json } from "../../core/json.ts";
import { provide } from "../../runner/load.ts";
import { DomainFile, shapeProblems } from "../../wire/domain.ts";
import { providedModules } from "../provided-modules.ts";

/** The largest file that is read. */
const FILE_MAX_BYTES = 16 * 1024 * 1024;
/** Of more mistakes in one file, only the first are told. */
const TOLD_MAX = 10;

export interface ReadDomain {
  readonly domain: Domain;
  /** The names of the vocabularies whose words it uses. */
  readonly uses: readonly string[];
}

/** @throws {ServantError} `domain.not-found`, `domain.invalid` */
export async function readDomainFile(path: string): Promise<ReadDomain> {
  if (!existsSync(path)) {
    throw new ServantError("domain.not-found", `Cannot find domain file "${path}"`);
  }
  try {
    const { size } = statSync(path);
    if (size > FILE_MAX_BYTES) throw new Error(`it has over ${FILE_MAX_BYTES} bytes`);
    if (path.endsWith(".json")) return parseDocument(path, JSON.parse(await Bun.file(path).text()));
    return await readModule(path);
  } catch (cause) {
    if (cause instanceof ServantError) throw cause;
    throw unusable(path, [messageOf(cause)], cause);
  }
}

/** @throws {ServantError} `domain.invalid`, with the place of each mistake. */
export function parseDocument(from: string, content: unknown): ReadDomain {
  if (!isNestedWithin(content as Json)) throw unusable(from, ["it nests too deep"]);
  const parsed = DomainFile.safeParse(content);
  if (!parsed.success) throw unusable(from, shapeProblems(parsed.error));
  const { uses, ...domain } = parsed.data;
  return { domain, uses };
}

export function unusable(from: string, problems: readonly string[], cause?: unknown): ServantError {
  const more = problems.length > TOLD_MAX ? [`and ${problems.length - TOLD_MAX} more`] : [];
  const told = [...problems.slice(0, TOLD_MAX), ...more];
  const reason = told.length === 1 ? ` ${told[0]}` : told.map((each) => `\n  ${each}`).join("");
  return new ServantError("domain.invalid", `Cannot use domain "${from}":${reason}`, { cause });
}

/** A TypeScript vocabulary imports `servant-agent`, which this program provides. */
async function readModule(path: string): Promise<ReadDomain> {
  provide(providedModules);
  // A file that has changed since it was read is another module; what it imports stays as it was.
  const module: { default?: unknown } = await import(`${path}?${statSync(path).mtimeMs}`);
  const exported = module.default;
  if (!isJsonObject(exported)) throw new Error("it has no default export that is a vocabulary");
  const { code, view, identity, ...data } = exported as Partial<Domain>;
  const { domain, uses } = parseDocument(path, data);
  const beyond = { code, view, identity };
  const given = Object.entries(beyond).filter(([, member]) => member !== undefined);
  return { domain: { ...domain, ...Object.fromEntries(given) }, uses };
}
