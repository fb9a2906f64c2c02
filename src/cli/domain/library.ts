/**
 * Where vocabularies are found by name: those that this program brings, then files in folders. A
 * folder is read anew each time, so that what was imported a moment ago is there.
 */
import { readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { domainProblems } from "../../backend/domain-check.ts";
import type { Domain } from "../../core/domain.ts";
import { messageOf, ServantError } from "../../core/errors.ts";
import { suggestion } from "../../core/nearest.ts";
import { adaptiveResampling } from "../../domains/adaptive-resampling.ts";
import { sentry } from "../../domains/sentry.ts";
import { warehouse } from "../../domains/warehouse.ts";
import { stateDirectory } from "../../system/state-dir.ts";
import type { ReadDomain } from "./file.ts";
import { unusable } from "./unusable.ts";

/** What this program brings; nothing else may go by their names. */
export const firstParty: readonly Domain[] = [warehouse, sentry, adaptiveResampling];

/** What Python can import, and a person may copy into a shell. */
const PYTHON_MODULE = /^[A-Za-z_]\w{0,99}(?:\.[A-Za-z_]\w{0,99}){0,9}$/;

export interface Found extends ReadDomain {
  /** The file; undefined for what this program brings. */
  readonly path?: string;
}
/** A file in a folder that is read, or why it cannot be. */
export type Shelved = Found | { readonly path: string; readonly reason: string };

type Environment = Readonly<Record<string, string | undefined>>;

export interface LibraryOptions {
  /** `--domain-path`, in order. */
  readonly domainPath: readonly string[];
}

export class Library {
  /** Searched in order: those asked for, then the one of this machine's agent. */
  readonly folders: readonly string[];
  readonly #asked: readonly string[];
  readonly #usual: string;

  constructor({ domainPath }: LibraryOptions, env: Environment = process.env) {
    this.#asked = domainPath.map((path) => resolve(path));
    this.folders = [...this.#asked, join(stateDirectory(undefined, env), "domains")];
    // Where a command looks that a person types: systemd's folder is not theirs.
    const { STATE_DIRECTORY: _, ...personal } = env;
    this.#usual = join(stateDirectory(undefined, personal), "domains");
  }

  /** Where an import goes. */
  get shelf(): string {
    return this.folders[0] ?? ".";
  }

  /**
   * The domains by their names or files, and those whose words they use; every first-party one
   * when none is named.
   *
   * @throws {ServantError} `domain.not-found`, `domain.invalid`
   */
  async open(wanted: readonly string[]): Promise<Domain[]> {
    for (const folder of this.#asked) {
      if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
        throw new ServantError("domain.not-found", `Cannot find domain folder "${folder}"`);
      }
    }
    if (wanted.length === 0) return [...firstParty];
    const opened: Domain[] = [];
    for (const each of wanted) opened.push(...(await this.whole(await this.lookUp(each))));
    return [...new Set(opened)];
  }

  /**
   * What a servant may ask for, with all that it uses; undefined when nobody knows it.
   *
   * @throws {ServantError} `domain.invalid` when it is there and cannot be used
   */
  async find(module: string): Promise<Domain[] | undefined> {
    const found = await this.#find(module);
    return found === undefined ? undefined : await this.whole(found);
  }

  /** The command that makes a module known here; undefined for what no such command could. */
  importCommand(module: string): string | undefined {
    if (!PYTHON_MODULE.test(module)) return undefined;
    const where = this.shelf === this.#usual ? "" : ` --domain-path ${quoted(this.shelf)}`;
    return `agent domain import ${module}${where}`;
  }

  /**
   * One vocabulary, by a name, a module or a file.
   *
   * @throws {ServantError} `domain.not-found`, `domain.invalid`
   */
  async lookUp(wanted: string): Promise<Found> {
    if (/\.(json|ts)$/.test(wanted)) {
      const path = resolve(wanted);
      return { ...(await readDomainFile(path)), path };
    }
    const found = await this.#find(wanted);
    if (found !== undefined) return found;
    const shelved = await this.list();
    const names = shelved.flatMap((each) => ("domain" in each ? namesOf(each.domain) : []));
    const hint = `${suggestion(wanted, names)}, or name a .json or .ts file`;
    throw new ServantError("domain.not-found", `Cannot find domain "${wanted}"${hint}`);
  }

  /** Everything there is, in the order in which it is searched. */
  async list(): Promise<Shelved[]> {
    const files = this.folders.flatMap((folder) =>
      filesIn(folder).map((name) => join(folder, name)),
    );
    const read = async (path: string): Promise<Shelved> => {
      try {
        return { ...(await readDomainFile(path)), path };
      } catch (cause) {
        return { path, reason: messageOf(cause) };
      }
    };
    return [...firstParty.map(brought), ...(await Promise.all(files.map(read)))];
  }

  /** The vocabularies whose words one uses, the one it rests on most first. @throws as `find` */
  async usedBy({ domain, uses }: ReadDomain, from: string = domain.name): Promise<Domain[]> {
    return await this.#used(uses, from, [domain.name]);
  }

  /** It after those whose words it uses. @throws {ServantError} `domain.invalid` */
  async whole(found: Found): Promise<Domain[]> {
    const { domain, path } = found;
    if (path === undefined) return [domain];
    const used = await this.usedBy(found, path);
    const problems = domainProblems(domain, used);
    if (problems.length === 0) return [...used, domain];
    throw unusable(path, problems);
  }

  async #used(uses: readonly string[], from: string, way: readonly string[]): Promise<Domain[]> {
    const all = new Set<Domain>();
    for (const name of uses) {
      if (way.includes(name)) {
        throw misused(from, `it uses itself: ${[...way, name].join(" > ")}`);
      }
      const found = await this.#find(name);
      if (found === undefined) {
        const near = suggestion(name, firstParty.flatMap(namesOf));
        throw misused(from, `it uses "${name}", which nobody knows${near}`);
      }
      for (const each of await this.#used(found.uses, from, [...way, name])) all.add(each);
      all.add(found.domain);
    }
    return [...all];
  }

  async #find(name: string): Promise<Found | undefined> {
    const own = firstParty.find((domain) => namesOf(domain).includes(name));
    if (own !== undefined) return brought(own);
    for (const folder of this.folders) {
      const found = await findIn(folder, name);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/**
 * By the file's name, else by what a JSON document says of itself. The name is only ever compared: it
 * comes from the network, and could be a path.
 */
async function findIn(folder: string, name: string): Promise<Found | undefined> {
  const files = filesIn(folder);
  const named = files.find((file) => basename(file).replace(/\.(json|ts)$/, "") === name);
  if (named !== undefined) {
    const path = join(folder, named);
    return { ...(await readDomainFile(path)), path };
  }
  for (const file of files.filter((each) => each.endsWith(".json"))) {
    const path = join(folder, file);
    try {
      const read = await readDomainFile(path);
      if (namesOf(read.domain).includes(name)) return { ...read, path };
    } catch (cause) {
      // It may be no vocabulary at all; `agent domain list` tells what is wrong with it.
      if (!(cause instanceof ServantError)) throw cause;
    }
  }
  return undefined;
}

/** What reads files is loaded with the first of them: a backend that knows what it brings needs none. */
async function readDomainFile(path: string): Promise<ReadDomain> {
  return await (await import("./file.ts")).readDomainFile(path);
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^[^.].*\.(json|ts)$/.test(name) && !/\.(d|test)\.ts$/.test(name))
      .sort();
  } catch (cause) {
    if ((cause as { code?: unknown }).code === "ENOENT") return [];
    const reason = `Cannot read domain folder "${folder}": ${messageOf(cause)}`;
    throw new ServantError("domain.invalid", reason, { cause });
  }
}

export function namesOf({ name, modules }: Domain): string[] {
  return [name, ...modules];
}

function brought(domain: Domain): Found {
  return { domain, uses: [] };
}

function misused(from: string, reason: string): ServantError {
  return unusable(from, [{ place: "uses", reason }]);
}

/** As a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w./:@%+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
