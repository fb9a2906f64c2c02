/**
 * The words a backend knows: the types, fluents, transitions and objects of its domains, merged.
 * A name means one thing; two domains may share a definition, not contradict each other.
 */
import {
  type Domain,
  type FluentDef,
  fluentKey,
  type ObjectDef,
  type ObjectTypeDef,
  type TransitionCode,
  type TransitionDef,
  unique,
} from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import { canonicalJson, type Json } from "../core/json.ts";
import { suggestion } from "../core/nearest.ts";
import { checkArgs, checkTransition, type Declared } from "./definitions.ts";

export class Vocabulary {
  readonly #domains: Domain[] = [];
  #declared: Declared = {
    types: new Map(),
    fluents: new Map(),
    transitions: new Map(),
    objects: new Map(),
  };
  #code: ReadonlyMap<string, TransitionCode> = new Map();

  constructor(domains: readonly Domain[]) {
    for (const domain of domains) this.add(domain);
  }

  get domains(): readonly Domain[] {
    return this.#domains;
  }
  get types(): ReadonlyMap<string, ObjectTypeDef> {
    return this.#declared.types;
  }
  /** By name. Definitions of one name differ in the types of their arguments. */
  get fluents(): ReadonlyMap<string, readonly FluentDef[]> {
    return this.#declared.fluents;
  }
  get transitions(): ReadonlyMap<string, TransitionDef> {
    return this.#declared.transitions;
  }
  /** The objects that the domains themselves declare. */
  get objects(): ReadonlyMap<string, ObjectDef> {
    return this.#declared.objects;
  }

  /** What data cannot say of a transition; undefined for one that is all data. */
  codeOf(transition: string): TransitionCode | undefined {
    return this.#code.get(transition);
  }

  /** Every definition of every fluent. */
  fluentDefs(): FluentDef[] {
    return [...this.fluents.values()].flat();
  }

  /**
   * Merges a domain in, whole or not at all.
   *
   * @throws {ServantError} `domain.conflict` when a name is known with another meaning,
   *   `domain.invalid` when the domain uses what it does not declare.
   */
  add(domain: Domain): void {
    const fluents = unique("fluent", [...this.fluentDefs(), ...domain.fluents], fluentKey);
    const declared: Declared = {
      types: merged("type", this.types, domain.types),
      fluents: Map.groupBy(fluents, ({ name }) => name),
      transitions: merged("transition", this.transitions, domain.transitions),
      objects: merged("object", this.objects, domain.objects),
    };
    for (const fluent of domain.fluents) {
      checkArgs(`fluent "${fluent.name}"`, fluent.args, declared);
    }
    for (const each of domain.transitions) checkTransition(each, declared);
    for (const { name, type } of domain.objects) {
      checkArgs(`object "${name}"`, [{ name, type }], declared);
    }
    for (const name of declared.objects.keys()) {
      if (declared.types.has(name)) throw namesakes(name);
    }
    this.#code = mergedCode(this.#code, domain);
    this.#declared = declared;
    this.#list(domain);
  }

  /** A domain that was read again, for another of its modules, is listed once. */
  #list(domain: Domain): void {
    const index = this.#domains.findIndex((each) => each === domain || isSame(each, domain));
    const known = this.#domains[index];
    if (known === undefined) {
      this.#domains.push(domain);
      return;
    }
    const modules = [...new Set([...known.modules, ...domain.modules])];
    this.#domains[index] = { ...known, modules };
  }

  /** True when a servant may ask for a vocabulary by this name. */
  knowsModule(name: string): boolean {
    return this.#domains.some((domain) => domain.name === name || domain.modules.includes(name));
  }

  /** Every name under which a servant may ask for a vocabulary. */
  moduleNames(): string[] {
    return this.#domains.flatMap((domain) => [domain.name, ...domain.modules]);
  }

  /** @throws {ServantError} `transition.unknown`, with the nearest known name. */
  transition(name: string): TransitionDef {
    const known = this.transitions.get(name);
    if (known !== undefined) return known;
    throw new ServantError(
      "transition.unknown",
      `Cannot find transition "${name}"${suggestion(name, this.transitions.keys())}`,
    );
  }

  /** @throws {ServantError} `object.invalid`, with the nearest known name. */
  type(name: string): ObjectTypeDef {
    const known = this.types.get(name);
    if (known !== undefined) return known;
    throw new ServantError(
      "object.invalid",
      `Cannot find object type "${name}"${suggestion(name, this.types.keys())}`,
    );
  }
}

function isSame(one: Domain, other: Domain): boolean {
  const words = ({ name, types, fluents, transitions, objects }: Domain) =>
    canonicalJson({ name, types, fluents, transitions, objects } as unknown as Json);
  return one.name === other.name && words(one) === words(other);
}

function merged<D extends { readonly name: string }>(
  what: string,
  known: ReadonlyMap<string, D>,
  added: readonly D[],
): Map<string, D> {
  return new Map(unique(what, [...known.values(), ...added]).map((def) => [def.name, def]));
}

/** A domain that came as data has no code: what is known of its transitions stays. */
function mergedCode(
  known: ReadonlyMap<string, TransitionCode>,
  { name, code = {}, transitions }: Domain,
): ReadonlyMap<string, TransitionCode> {
  const all = new Map(known);
  for (const [transition, each] of Object.entries(code)) {
    if (transitions.every((def) => def.name !== transition)) {
      const reason = `it has code of "${transition}", which it does not declare`;
      throw new ServantError("domain.invalid", `Cannot use domain "${name}": ${reason}`);
    }
    const other = known.get(transition);
    if (other !== undefined && other !== each) {
      const reason = `Cannot define transition "${transition}" twice with different code`;
      throw new ServantError("domain.conflict", reason);
    }
    all.set(transition, each);
  }
  return all;
}

function namesakes(name: string): ServantError {
  const reason = `Cannot use object "${name}": a type has that name`;
  return new ServantError("domain.invalid", reason);
}
