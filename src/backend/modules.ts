/**
 * The domain modules that servants ask for. One that no domain here goes by is looked for where
 * whoever started the backend says; what is found is known from then on, over restarts too.
 */
import * as z from "zod/mini";
import type { Domain } from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import type { Log } from "./servants.ts";
import type { BackendStore, Keep } from "./store.ts";
import type { World } from "./world.ts";

/** Where vocabularies are found by name. */
export interface DomainLibrary {
  /**
   * The domain that goes by a name, after those whose words it uses; undefined when there is none.
   *
   * @throws {ServantError} `domain.invalid` when it cannot be used
   */
  find(module: string): Promise<readonly Domain[] | undefined>;
  /** The command that would make it known; undefined when none could. */
  importCommand(module: string): string | undefined;
}

/** In the store, among the backend's own marks: the modules that servants asked for. */
const LEARNT = "modules";

/** The modules that an earlier life of a backend learnt. */
export function learntModules(store: BackendStore): readonly string[] {
  const kept = store.documents("meta").find(({ key }) => key === LEARNT);
  return z.catch(z.array(z.string()), []).parse(kept?.value);
}

export interface ModulesOptions {
  readonly world: World;
  readonly keep: Keep;
  readonly log: Log;
  readonly library?: DomainLibrary | undefined;
  readonly learnt: readonly string[];
}

export class Modules {
  readonly #options: ModulesOptions;
  readonly #learnt: Set<string>;

  constructor(options: ModulesOptions) {
    this.#options = options;
    this.#learnt = new Set(options.learnt);
  }

  /**
   * Makes sure that these are known.
   *
   * @throws {ServantError} `domain.unknown`, with the command that would help; `domain.invalid`,
   *   `domain.conflict`
   */
  async require(names: readonly string[]): Promise<void> {
    const { world, library } = this.#options;
    for (const name of new Set(names)) {
      if (world.vocabulary.knowsModule(name)) continue;
      const found = await library?.find(name);
      if (found === undefined) throw this.#unknown(name);
      // While it was looked for, another servant may have asked for the same.
      if (!world.vocabulary.knowsModule(name)) this.#learn(name, found);
    }
  }

  #learn(name: string, found: readonly Domain[]): void {
    const { world, keep, log } = this.#options;
    for (const domain of found) {
      if (!world.vocabulary.domains.includes(domain)) world.addDomain(domain);
    }
    this.#learnt.add(name);
    keep.put("meta", LEARNT, [...this.#learnt]);
    log("info", `learnt the domain module "${name}"`, {});
  }

  #unknown(name: string): ServantError {
    const { world, library } = this.#options;
    const known = world.vocabulary.moduleNames().join(", ");
    const command = library?.importCommand(name);
    const hint = command === undefined ? "" : `; if it is a Python module, run: ${command}`;
    const reason = `Cannot find domain module "${name.slice(0, 200)}"; known: ${known}${hint}`;
    return new ServantError("domain.unknown", reason);
  }
}
