/**
 * PDDL as text: names, variables and keywords in nested round brackets. Letters of either case are
 * the same; a semicolon begins a comment. What is wrong is told with its line and column.
 */
import { ServantError } from "../../core/errors.ts";

/** Characters of one text at most: reading takes a hundred times as much memory. */
export const TEXT_MAX = 8 * 2 ** 20;
/** Brackets within brackets at most: what reads them calls itself once for each. */
export const DEPTH_MAX = 200;
/** How much of a wrong token is shown. */
const SHOWN_MAX = 40;

export interface Token {
  readonly text: string;
  readonly at: number;
}
export interface List {
  readonly items: readonly Form[];
  readonly at: number;
  /** Where its closing bracket stands. */
  readonly endsAt: number;
}
export type Form = Token | List;

/** A text and what it is called, so that faults can be told by their place. */
export class Source {
  constructor(
    readonly name: string,
    readonly text: string,
  ) {}

  /** A `pddl.malformed` to throw: `Cannot read "a.pddl", line 3, column 7: why`. */
  fault(at: number, why: string): ServantError {
    return new ServantError("pddl.malformed", this.#at(at, why));
  }

  /** A `pddl.unsupported` to throw. */
  unsupported(at: number, what: string): ServantError {
    return new ServantError("pddl.unsupported", this.#at(at, `${what} is not supported`));
  }

  #at(at: number, why: string): string {
    const before = this.text.slice(0, at);
    const line = before.split("\n").length;
    const column = at - before.lastIndexOf("\n");
    return `Cannot read "${this.name}", line ${line}, column ${column}: ${why}`;
  }
}

/** How a form is named where another one was expected. */
export function shown(form: Form): string {
  if ("items" in form) return form.items.length === 0 ? '"()"' : 'a "(" list';
  const { text } = form;
  return `"${text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text}"`;
}

/**
 * The one form that a text is made of.
 *
 * @throws {ServantError} `pddl.malformed`
 */
export function readForm(source: Source): List {
  const { text } = source;
  if (text.length > TEXT_MAX) throw source.fault(0, `more than ${TEXT_MAX} characters`);
  const open: { items: Form[]; at: number }[] = [];
  let whole: List | undefined;
  for (const { 0: token, index: at } of text.matchAll(/[()]|[^\s();]+|;[^\n]*/g)) {
    if (token.startsWith(";")) continue;
    if (whole !== undefined) {
      throw source.fault(at, `expected nothing after the last ")", not "${token}"`);
    }
    const around = open.at(-1);
    if (token === "(") {
      open.push({ items: [], at });
      if (open.length > DEPTH_MAX) throw source.fault(at, `more than ${DEPTH_MAX} nested brackets`);
    } else if (around === undefined) {
      throw source.fault(at, `expected "(define ...)", not "${token.slice(0, SHOWN_MAX)}"`);
    } else if (token === ")") {
      const list = { ...around, endsAt: at };
      open.pop();
      const outer = open.at(-1);
      if (outer === undefined) whole = list;
      else outer.items.push(list);
    } else {
      around.items.push({ text: token.toLowerCase(), at });
    }
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) throw source.fault(unclosed.at, 'this "(" is never closed');
  if (whole === undefined) throw source.fault(0, 'expected "(define ...)", found nothing');
  return whole;
}
