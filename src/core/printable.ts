/**
 * Text of a plugin or a peer as a person may safely see it: what would steer a terminal, or turn the
 * order of what is read, shows as its code. Joiners stay: writing systems and emoji need them.
 */

/** Control characters but for tab and line feed, and those that direct or break lines of writing. */
const STEERING = /[^\n\t\P{Cc}]|[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Line feeds and tabs stay: whoever shows the text says how. */
export function printableLines(text: string): string {
  return text.replace(STEERING, (each) => {
    const code = each.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
  });
}

/** On one line. */
export function printable(text: string): string {
  return printableLines(text.replace(/\s*\n\s*/g, " ⏎ ").replaceAll("\t", " "));
}
