/**
 * The words a backend knows: the types, fluents, transitions and objects of its domains, merged.
 * A name means one thing; two domains may share a definition, not contradict each other.
 */
import { atomParts } from "../core/atom.ts";
import { atomsOf } from "../core/condition.ts";
import {
  type ArgDef,
  type Domain,
  type FluentDef,
  type ObjectDef,
  type ObjectTypeDef,
  type TransitionCode,
  type TransitionDef,
  unique,
} from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import { suggestion } from "./nearest.ts";

export class Vocabulary {
  readonly #domains: Domain[] = [];
  #types = new Map<string, ObjectTypeDef>();
  #fluents = new Map<string, FluentDef>();
  #transitions = new Map<string, TransitionDef>();
  #objects = new Map<string, ObjectDef>();

  constructor(domains: readonly Domain[]) {
    for (const domain of domains) this.add(domain);
  }

  get domains(): readonly Domain[] {
    return this.#domains;
  }
  get types(): ReadonlyMap<string, ObjectTypeDef> {
    return this.#types;
  }
  get fluents(): ReadonlyMap<string, FluentDef> {
    return this.#fluents;
  }
  get transitions(): ReadonlyMap<string, TransitionDef> {
    return this.#transitions;
  }
  /** The objects that the domains themselves declare. */
  get objects(): ReadonlyMap<string, ObjectDef> {
    return this.#objects;
  }

  /**
   * Merges a domain in, whole or not at all.
   *
   * @throws {ServantError} `domain.conflict` when a name is known with another meaning,
   *   `domain.invalid` when the domain uses what it does not declare.
   */
  add(domain: Domain): void {
    const types = merged("type", this.#types, domain.types);
    const fluents = merged("fluent", this.#fluents, domain.fluents);
    const transitions = merged("transition", this.#transitions, domain.transitions);
    const objects = merged("object", this.#objects, domain.objects);
    for (const fluent of domain.fluents) checkArgs(`fluent "${fluent.name}"`, fluent.args, types);
    for (const each of domain.transitions) checkTransition(each, types, fluents);
    for (const { name, type } of domain.objects) {
      checkArgs(`object "${name}"`, [{ name, type }], types);
    }
    [this.#types, this.#fluents, this.#transitions] = [types, fluents, transitions];
    this.#objects = objects;
    if (!this.#domains.includes(domain)) this.#domains.push(domain);
  }

  /** True when a servant may ask for a vocabulary by this name. */
  knowsModule(name: string): boolean {
    return this.#domains.some((domain) => domain.name === name || domain.modules.includes(name));
  }

  /** Every name under which a servant may ask for a vocabulary. */
  moduleNames(): string[] {
    return this.#domains.flatMap((domain) => [domain.name, ...domain.modules]);
  }

  /** What code says of a transition; of several domains that share it, the newest. */
  codeOf(transition: string): TransitionCode | undefined {
    return this.#domains.findLast(({ code }) => code?.[transition] !== undefined)?.code?.[
      transition
    ];
  }

  /** @throws {ServantError} `transition.unknown`, with the nearest known name. */
  transition(name: string): TransitionDef {
    const known = this.#transitions.get(name);
    if (known !== undefined) return known;
    throw new ServantError(
      "transition.unknown",
      `Cannot find transition "${name}"${suggestion(name, this.#transitions.keys())}`,
    );
  }

  /** @throws {ServantError} `object.invalid`, with the nearest known name. */
  type(name: string): ObjectTypeDef {
    const known = this.#types.get(name);
    if (known !== undefined) return known;
    throw new ServantError(
      "object.invalid",
      `Cannot find object type "${name}"${suggestion(name, this.#types.keys())}`,
    );
  }
}

function merged<D extends { readonly name: string }>(
  what: string,
  known: ReadonlyMap<string, D>,
  added: readonly D[],
): Map<string, D> {
  return new Map(unique(what, [...known.values(), ...added]).map((def) => [def.name, def]));
}

function checkTransition(
  { name, params, preconditions, adds, removes, effects = [] }: TransitionDef,
  types: ReadonlyMap<string, ObjectTypeDef>,
  fluents: ReadonlyMap<string, FluentDef>,
): void {
  const subject = `transition "${name}"`;
  checkArgs(subject, params, types);
  const conditional = effects.flatMap((each) => [
    ...atomsOf(each.when),
    ...each.adds,
    ...each.removes,
  ]);
  for (const text of [...preconditions.flatMap(atomsOf), ...adds, ...removes, ...conditional]) {
    const { fluent, args } = atomParts(text);
    const def = fluents.get(fluent);
    if (def === undefined) throw invalid(subject, `fluent "${fluent}" is not declared`);
    if (def.args.length !== args.length) {
      throw invalid(subject, `"${text}" has ${args.length} arguments, not ${def.args.length}`);
    }
    const stray = args.find(
      (arg) => arg.startsWith("?") && params.every((param) => `?${param.name}` !== arg),
    );
    if (stray !== undefined) throw invalid(subject, `"${stray}" in "${text}" is no parameter`);
  }
}

function checkArgs(
  subject: string,
  args: readonly ArgDef[],
  types: ReadonlyMap<string, ObjectTypeDef>,
): void {
  const bad = args.find(({ type }) => !types.has(type));
  if (bad !== undefined) throw invalid(subject, `type "${bad.type}" is not declared`);
}

function invalid(subject: string, reason: string): ServantError {
  return new ServantError("domain.invalid", `Cannot use ${subject}: ${reason}`);
}
