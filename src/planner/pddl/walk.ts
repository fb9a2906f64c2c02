/** Goes through the items of a list, each of which must be what its reader expects. */
import type { ServantError } from "../../core/errors.ts";
import { type Form, type List, type Source, shown, type Token } from "./source.ts";

/** What atoms can be made of, without the marks that have a meaning of their own. */
const NAME = /^[^\s(),;"'?:=]+$/;
const RESERVED = new Set(["and", "or", "not", "imply", "exists", "forall", "when", "either"]);

/** A name or variable with its types, of which it has at least one; of none, `object`. */
export interface Typed {
  readonly name: Token;
  readonly types: readonly Token[];
}

export class Walk {
  #next = 0;

  constructor(
    readonly source: Source,
    readonly list: List,
  ) {}

  get isDone(): boolean {
    return this.#next >= this.list.items.length;
  }

  /** The same list from its beginning: a quantifier reads its formula once for each object. */
  again(): Walk {
    return new Walk(this.source, this.list);
  }

  peek(): Form | undefined {
    return this.list.items[this.#next];
  }

  /** @throws {ServantError} `pddl.malformed` at the end of the list. */
  form(expected: string): Form {
    const form = this.peek();
    if (form === undefined) {
      throw this.source.fault(this.list.endsAt, `expected ${expected}, not ")"`);
    }
    this.#next += 1;
    return form;
  }

  /** @throws {ServantError} `pddl.malformed` unless a list comes next. */
  inner(expected: string): Walk {
    const form = this.form(expected);
    if (!("items" in form)) throw this.wrong(form, expected);
    return new Walk(this.source, form);
  }

  /** @throws {ServantError} `pddl.malformed` unless a token comes next. */
  token(expected: string): Token {
    const form = this.form(expected);
    if ("items" in form) throw this.wrong(form, expected);
    return form;
  }

  /** @throws {ServantError} `pddl.malformed` unless a name comes next. */
  name(expected: string): Token {
    const token = this.token(expected);
    if (!NAME.test(token.text) || RESERVED.has(token.text)) throw this.wrong(token, expected);
    return token;
  }

  /** @throws {ServantError} `pddl.malformed` unless this word comes next. */
  word(word: string): void {
    const token = this.token(`"${word}"`);
    if (token.text !== word) throw this.wrong(token, `"${word}"`);
  }

  /** @throws {ServantError} `pddl.malformed` unless the list ends here. */
  end(): void {
    const form = this.peek();
    if (form !== undefined) throw this.wrong(form, '")"');
  }

  /** `a b - t c - (either t u) d`: all that is left of the list. */
  typed(what: "name" | "variable"): Typed[] {
    const all: Typed[] = [];
    let untyped: Token[] = [];
    const expected = what === "name" ? "a name" : "a variable such as ?x";
    while (!this.isDone) {
      const form = this.peek();
      if (form !== undefined && "text" in form && form.text === "-") {
        if (untyped.length === 0) throw this.wrong(form, `${expected} before the type`);
        this.#next += 1;
        const types = this.#types();
        all.push(...untyped.map((name) => ({ name, types })));
        untyped = [];
      } else {
        untyped.push(what === "name" ? this.name(expected) : this.#variable(expected));
      }
    }
    const types = [{ text: "object", at: this.list.at }];
    return [...all, ...untyped.map((name) => ({ name, types }))];
  }

  wrong(form: Form, expected: string): ServantError {
    return this.source.fault(form.at, `expected ${expected}, not ${shown(form)}`);
  }

  #variable(expected: string): Token {
    const token = this.token(expected);
    if (!token.text.startsWith("?") || !NAME.test(token.text.slice(1))) {
      throw this.wrong(token, expected);
    }
    return token;
  }

  #types(): Token[] {
    const expected = 'a type, or "(either ...)"';
    const form = this.peek();
    if (form === undefined || "text" in form) return [this.name(expected)];
    const choice = this.inner(expected);
    choice.word("either");
    const types = [choice.name("a type")];
    while (!choice.isDone) types.push(choice.name("a type"));
    return types;
  }
}
