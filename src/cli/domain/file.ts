/** Reads one vocabulary from a file: a JSON document, or the default export of a TypeScript file. */
import { existsSync, statSync } from "node:fs";
import type { Domain, Problem } from "../../core/domain.ts";
import { messageOf, ServantError } from "../../core/errors.ts";
import { isJsonObject, isNestedWithin, type Json } from "../../core/json.ts";
import { provide } from "../../runner/load.ts";
import { DomainFile, shapeProblems } from "../../wire/domain.ts";
import { providedModules } from "../provided-modules.ts";
import { unusable } from "./unusable.ts";

/** The largest file that is read. */
const FILE_MAX_BYTES = 16 * 1024 * 1024;
export interface ReadDomain {
  readonly domain: Domain;
  /** The names of the vocabularies whose words it uses. */
  readonly uses: readonly string[];
}

/** What a file says, or every reason why it is no vocabulary. */
export type Reading = { readonly read: ReadDomain } | { readonly problems: readonly Problem[] };

/** @throws {ServantError} `domain.not-found`, `domain.invalid` with the place of each mistake */
export async function readDomainFile(path: string): Promise<ReadDomain> {
  const reading = await tryDomainFile(path);
  if ("read" in reading) return reading.read;
  throw unusable(path, reading.problems);
}

/** @throws {ServantError} `domain.not-found` */
export async function tryDomainFile(path: string): Promise<Reading> {
  if (!existsSync(path)) {
    throw new ServantError("domain.not-found", `Cannot find domain file "${path}"`);
  }
  try {
    const { size } = statSync(path);
    if (size > FILE_MAX_BYTES) throw new Error(`it has over ${FILE_MAX_BYTES} bytes`);
    if (!path.endsWith(".json")) return await readModule(path);
    return readDocument(JSON.parse(await Bun.file(path).text()));
  } catch (cause) {
    return { problems: [{ place: "", reason: messageOf(cause) }] };
  }
}

export function readDocument(content: unknown): Reading {
  if (!isNestedWithin(content as Json)) {
    return { problems: [{ place: "", reason: "it nests too deep" }] };
  }
  const parsed = DomainFile.safeParse(content);
  if (!parsed.success) return { problems: shapeProblems(parsed.error) };
  const { uses, ...domain } = parsed.data;
  return { read: { domain, uses } };
}

/** A TypeScript vocabulary imports `servant-agent`, which this program provides. */
async function readModule(path: string): Promise<Reading> {
  provide(providedModules);
  // A file that has changed since it was read is another module; what it imports stays as it was.
  const module: { default?: unknown } = await import(`${path}?${statSync(path).mtimeMs}`);
  const exported = module.default;
  if (!isJsonObject(exported)) throw new Error("it has no default export that is a vocabulary");
  const { code, view, identity, checkObject, ...data } = exported as Partial<Domain>;
  const reading = readDocument(data);
  if (!("read" in reading)) return reading;
  const beyond = Object.entries({ code, view, identity, checkObject });
  const given = Object.fromEntries(beyond.filter(([, member]) => member !== undefined));
  const { domain, uses } = reading.read;
  return { read: { domain: { ...domain, ...given }, uses } };
}
