/** Splits a command's text as a POSIX shell would, and does nothing else that a shell does. */

const SPACE = /[ \t]/;
/** Within double quotes a backslash takes its meaning from these only. */
const ESCAPED_IN_QUOTES = '"\\$`';

/** The words of a command, or what is wrong with its text. */
export type Words = { readonly words: readonly string[] } | { readonly problem: string };

/**
 * Quotes and backslashes keep characters together; variables, patterns, `~`, `;`, `|` and `>` mean
 * nothing. A shell would end the command at a bare line break: here that is refused.
 */
export function commandWords(text: string): Words {
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? "";
    if (char === "\0" || char === "\n" || char === "\r") {
      return { problem: `it has a ${char === "\0" ? "NUL" : "line break outside of quotes"}` };
    }
    if (SPACE.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      at += 1;
      continue;
    }
    const piece = pieceAt(text, at);
    if (piece === undefined) return { problem: unended(char) };
    if (piece.text.includes("\0")) return { problem: "it has a NUL" };
    word = (word ?? "") + piece.text;
    at = piece.end;
  }
  if (word !== undefined) words.push(word);
  return words.length === 0 ? { problem: "it is empty" } : { words };
}

interface Piece {
  readonly text: string;
  /** Where the text goes on behind it. */
  readonly end: number;
}

/** One character, one that is escaped, or what is in quotes; undefined when that does not end. */
function pieceAt(text: string, at: number): Piece | undefined {
  const char = text[at];
  if (char === "\\") {
    const next = text[at + 1];
    return next === undefined ? undefined : { text: next === "\n" ? "" : next, end: at + 2 };
  }
  if (char === "'") {
    const close = text.indexOf("'", at + 1);
    return close < 0 ? undefined : { text: text.slice(at + 1, close), end: close + 1 };
  }
  return char === '"' ? quotedAt(text, at) : { text: char ?? "", end: at + 1 };
}

function quotedAt(text: string, at: number): Piece | undefined {
  let inside = "";
  for (let i = at + 1; i < text.length; i += 1) {
    const char = text[i] ?? "";
    if (char === '"') return { text: inside, end: i + 1 };
    const next = text[i + 1] ?? "";
    if (char !== "\\" || next === "") inside += char;
    else {
      if (next !== "\n") inside += ESCAPED_IN_QUOTES.includes(next) ? next : char + next;
      i += 1;
    }
  }
  return undefined;
}

function unended(char: string): string {
  return char === "\\" ? "it ends with a backslash" : `a quote (${char}) does not end`;
}
