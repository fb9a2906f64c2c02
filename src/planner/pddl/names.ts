/** What the names of a PDDL task stand for, and what a formula may use where it stands. */
import { type Atom, atom } from "../../core/atom.ts";
import { suggestion } from "../../core/nearest.ts";
import type { Source, Token } from "./source.ts";
import { Types } from "./types.ts";
import type { Typed, Walk } from "./walk.ts";

/** Parts that quantifiers may be spelled out to, over the whole task. */
export const PARTS_MAX = 200_000;
/** Always known: it tells whether two things are one. */
export const EQUALS = "=";

/** What stands for each variable: itself, or the object that a quantifier is at. */
export type Scope = ReadonlyMap<string, string>;

export class Names {
  readonly types = new Types();
  /** How many arguments each predicate takes. */
  readonly predicates = new Map<string, number>();
  readonly functions = new Map<string, number>();
  /** The types of each object. */
  readonly objects = new Map<string, readonly string[]>();
  /** True once a formula asks whether two things are one. */
  comparesObjects = false;
  #parts = 0;
  #lifted = 0;

  /** Takes in objects or constants; one that is declared twice must be the same. */
  declareObjects(walk: Walk): void {
    for (const typed of walk.typed("name")) {
      const types = this.types.names(walk, typed);
      const { text, at } = typed.name;
      const known = this.objects.get(text);
      if (known !== undefined && known.join() !== types.join()) {
        throw walk.source.fault(at, `object "${text}" is declared twice with different types`);
      }
      this.objects.set(text, types);
    }
  }

  /** Takes in predicates or functions: `(name ?x - t)`, of functions with `- number` behind it. */
  declare(walk: Walk, into: Map<string, number>, what: string): void {
    while (!walk.isDone) {
      const form = walk.peek();
      if (form !== undefined && "text" in form && into === this.functions && form.text === "-") {
        walk.word("-");
        walk.word("number");
        continue;
      }
      const one = walk.inner(`a ${what} such as (name ?x)`);
      const { text, at } = one.name(`the name of a ${what}`);
      const args = one.typed("variable");
      for (const arg of args) this.types.names(one, arg);
      if (into.has(text)) throw walk.source.fault(at, `${what} "${text}" is declared twice`);
      into.set(text, args.length);
    }
  }

  /** The rest of `(name args...)` as an atom. */
  atom(walk: Walk, name: Token, scope: Scope, known: ReadonlyMap<string, number>): Atom {
    const { source } = walk;
    const what = known === this.functions ? "function" : "predicate";
    const arity = known.get(name.text);
    if (arity === undefined) {
      const near = suggestion(name.text, known.keys());
      throw source.fault(name.at, `there is no ${what} "${name.text}"${near}`);
    }
    const args = this.args(walk, scope);
    if (args.length !== arity) {
      const why = `${what} "${name.text}" takes ${count(arity)}, not ${args.length}`;
      throw source.fault(name.at, why);
    }
    return atom(name.text, args);
  }

  /** Objects and variables, to the end of the list. */
  args(walk: Walk, scope: Scope): string[] {
    const args: string[] = [];
    while (!walk.isDone) {
      const { text, at } = walk.token("an object or a variable");
      const value = scope.get(text) ?? (this.objects.has(text) ? text : undefined);
      if (value === undefined) {
        const isVariable = text.startsWith("?");
        const near = suggestion(text, isVariable ? scope.keys() : this.objects.keys());
        const what = isVariable ? "variable" : "object";
        throw walk.source.fault(at, `there is no ${what} "${text}"${near}`);
      }
      args.push(value);
    }
    return args;
  }

  /** The scope once for each way to put objects in the places of the variables. */
  *scopes(walk: Walk, variables: readonly Typed[], scope: Scope): Generator<Scope> {
    const [first, ...others] = variables;
    if (first === undefined) {
      yield scope;
      return;
    }
    const wanted = this.types.names(walk, first);
    for (const [object, own] of this.objects) {
      if (!this.types.fits(own, wanted)) continue;
      this.spend(walk.source, walk.list.at);
      yield* this.scopes(walk, others, new Map([...scope, [first.name.text, object]]));
    }
  }

  /** @throws {ServantError} `pddl.unsupported` once the quantifiers have too many parts. */
  spend(source: Source, at: number): void {
    this.#parts += 1;
    if (this.#parts <= PARTS_MAX) return;
    throw source.unsupported(at, `a quantifier over more than ${PARTS_MAX} ways to choose objects`);
  }

  /** A name for a variable that becomes a parameter; no text can hold it. */
  lifted(name: string): string {
    this.#lifted += 1;
    return `${name}:${this.#lifted}`;
  }
}

function count(arity: number): string {
  return `${arity} argument${arity === 1 ? "" : "s"}`;
}
