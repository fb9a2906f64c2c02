/**
 * Call expressions as people type them, Python style: `goto(start=wp1, end=wp2)`,
 * `Zone(name=x, vertices=[[-70, 41]])`. Read as data, never evaluated: literals, lists, tuples and
 * dicts; a bare name is a string; no attributes, operators, nested calls or unpacking.
 */
import { type Atom, atom, parseAtom } from "./atom.ts";
import { ServantError } from "./errors.ts";
import type { Json, JsonObject } from "./json.ts";

/** Longest text that is read, in characters: room for a zone of some ten thousand vertices. */
export const EXPRESSION_MAX_CHARS = 512 * 1024;
/** How deep lists, tuples and dicts may nest. */
export const EXPRESSION_MAX_DEPTH = 64;

export interface Expression {
  readonly name: string;
  readonly args: readonly Json[];
  /** The arguments given as `name=value`. */
  readonly named: JsonObject;
}

/**
 * Reads one call; a name alone is a call without arguments.
 *
 * @throws {ServantError} `expression.malformed`, with the column where it went wrong.
 * @example parseExpression("goto(start=wp1)") // { name: "goto", args: [], named: { start: "wp1" } }
 */
export function parseExpression(text: string): Expression {
  if (text.length > EXPRESSION_MAX_CHARS) {
    throw new ServantError(
      "expression.malformed",
      `Cannot read an expression of ${text.length} characters: ${EXPRESSION_MAX_CHARS} at most`,
    );
  }
  return new Reader(text).expression();
}

/**
 * Reads an atom written as a call: `box_at(room_two, "box_a")`.
 *
 * @throws {ServantError} `expression.malformed`, or `atom.malformed` when an argument is no name.
 */
export function parseGoalAtom(text: string): Atom {
  const { name, args, named } = parseExpression(text);
  const [first] = Object.keys(named);
  if (first !== undefined) {
    throw new ServantError(
      "expression.malformed",
      `Cannot read atom "${text.slice(0, 200)}": give objects in order, not as "${first}="`,
    );
  }
  const names = args.map((arg) => {
    const name = typeof arg === "string" || typeof arg === "number" ? String(arg) : "";
    if (/^[^\s(),"']+$/.test(name)) return name;
    throw new ServantError(
      "atom.malformed",
      `Cannot use ${JSON.stringify(arg).slice(0, 100)} as an object in "${text.slice(0, 200)}"`,
    );
  });
  return parseAtom(atom(name, names));
}

/** The text of an expression; reading it gives the same expression again. */
export function formatExpression({ name, args, named }: Expression): string {
  const given = Object.entries(named).map(([key, value]) => `${key}=${formatValue(value)}`);
  return `${name}(${[...args.map(formatValue), ...given].join(", ")})`;
}

function formatValue(value: Json): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "string") {
    return BARE.test(value) && !CONSTANTS.has(value) ? value : quoted(value);
  }
  if (Array.isArray(value)) return `[${value.map(formatValue).join(", ")}]`;
  const members = Object.entries(value).map(
    ([key, item]) => `${quoted(key)}: ${formatValue(item)}`,
  );
  return `{${members.join(", ")}}`;
}

/** JSON's escapes are Python's, but for the slash, which JSON.stringify never escapes. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

const BARE = /^[\p{L}_][\p{L}\p{N}_]*$/u;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const NUMBER = /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const SPACE = /\s*/y;
const CONSTANTS = new Map<string, Json>([
  ["None", null],
  ["True", true],
  ["False", false],
]);
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\",
  "'": "'",
  '"': '"',
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
};
/** How many hexadecimal digits follow `\x`, `\u` and `\U`. */
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  expression(): Expression {
    this.#space();
    const name = this.#match(NAME);
    if (name === undefined) throw this.#wrong("a name such as goto");
    if (CONSTANTS.has(name)) throw this.#wrong(`a name, not ${name}`);
    this.#space();
    const call = this.#take("(") ? this.#arguments() : { args: [], named: {} };
    this.#space();
    if (this.#at < this.#text.length) throw this.#wrong("nothing more");
    return { name, ...call };
  }

  #arguments(): { args: Json[]; named: JsonObject } {
    const args: Json[] = [];
    const named = new Map<string, Json>();
    this.#items(")", () => {
      const start = this.#at;
      const name = this.#match(NAME);
      this.#space();
      if (name !== undefined && this.#take("=")) {
        if (named.has(name)) throw this.#wrong(`"${name}" once only`, start);
        named.set(name, this.#value(1));
        return;
      }
      this.#at = start;
      if (named.size > 0) throw this.#wrong("name=value after the first of them");
      args.push(this.#value(1));
    });
    return { args, named: Object.fromEntries(named) };
  }

  #value(depth: number): Json {
    if (depth > EXPRESSION_MAX_DEPTH) throw this.#wrong(`at most ${EXPRESSION_MAX_DEPTH} levels`);
    this.#space();
    const next = this.#text[this.#at] ?? "";
    if (next === '"' || next === "'") return this.#string(next);
    if (this.#take("[")) return this.#list("]", depth).values;
    if (this.#take("(")) {
      const { values, comma } = this.#list(")", depth);
      const [only] = values;
      // Parentheses around one value are only parentheses; a comma makes a tuple.
      return values.length === 1 && !comma && only !== undefined ? only : values;
    }
    if (this.#take("{")) return this.#dict(depth);
    const number = this.#match(NUMBER);
    if (number !== undefined) return this.#number(number);
    const name = this.#match(NAME);
    if (name === undefined) throw this.#wrong("a value");
    return CONSTANTS.has(name) ? (CONSTANTS.get(name) ?? null) : name;
  }

  #list(close: string, depth: number): { values: Json[]; comma: boolean } {
    const values: Json[] = [];
    const comma = this.#items(close, () => values.push(this.#value(depth + 1)));
    return { values, comma };
  }

  #dict(depth: number): JsonObject {
    const members = new Map<string, Json>();
    this.#items("}", () => {
      const key = this.#value(depth + 1);
      if (typeof key !== "string") throw this.#wrong("a string as key");
      this.#space();
      if (!this.#take(":")) throw this.#wrong('":" after the key');
      members.set(key, this.#value(depth + 1));
    });
    return Object.fromEntries(members);
  }

  /** Reads items up to `close`; true when a comma followed the last one. */
  #items(close: string, item: () => void): boolean {
    let comma = false;
    for (;;) {
      this.#space();
      if (this.#take(close)) return comma;
      item();
      this.#space();
      comma = this.#take(",");
      if (comma) continue;
      if (!this.#take(close)) throw this.#wrong(`"," or "${close}"`);
      return false;
    }
  }

  #number(text: string): number {
    const value = Number(text);
    if (!Number.isFinite(value)) throw this.#wrong("a number that can be held", this.#at);
    if (/^[+-]?\d+$/.test(text) && !Number.isSafeInteger(value)) {
      throw this.#wrong("a whole number below 2^53", this.#at - text.length);
    }
    return value;
  }

  #string(quote: string): string {
    const start = this.#at;
    const parts: string[] = [];
    this.#at += 1;
    for (;;) {
      const next = this.#text[this.#at];
      if (next === undefined || next === "\n") throw this.#wrong(`a closing ${quote}`, start);
      this.#at += 1;
      if (next === quote) return parts.join("");
      parts.push(next === "\\" ? this.#escape() : next);
    }
  }

  #escape(): string {
    const kind = this.#text[this.#at] ?? "";
    const plain = ESCAPES[kind];
    this.#at += 1;
    if (plain !== undefined && Object.hasOwn(ESCAPES, kind)) return plain;
    const digits = Object.hasOwn(HEX_DIGITS, kind) ? (HEX_DIGITS[kind] ?? 0) : 0;
    const hex = this.#text.slice(this.#at, this.#at + digits);
    const point = /^[0-9a-f]+$/i.test(hex) && hex.length === digits ? Number.parseInt(hex, 16) : -1;
    if (point < 0 || point > 0x10ffff) throw this.#wrong("a known escape", this.#at - 2);
    this.#at += digits;
    return String.fromCodePoint(point);
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #wrong(expected: string, at = this.#at): ServantError {
    const found = this.#text.slice(at, at + 20);
    const place = found === "" ? "at its end" : `at column ${at + 1} ("${found}")`;
    return new ServantError(
      "expression.malformed",
      `Cannot read expression "${this.#text.slice(0, 200)}" ${place}: expected ${expected}`,
    );
  }
}
