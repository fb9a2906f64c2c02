/** Messages as long as people read them: what they quote may be as long as a request. */

/** The start of a message, as much of its end, and an ellipsis between, in characters. */
const SHOWN_CHARACTERS = 1_000;

/** A message, without its middle if it is very long: it ends with what is wrong, or what is meant. */
export function brief(message: string): string {
  if (message.length <= 2 * SHOWN_CHARACTERS + 3) return message;
  return `${message.slice(0, SHOWN_CHARACTERS)}...${message.slice(-SHOWN_CHARACTERS)}`;
}

/** The first of these, and how many more there are. */
export function firstOf(names: readonly string[], shown = 10): string {
  const more = names.length > shown ? ` and ${names.length - shown} more` : "";
  return brief(names.slice(0, shown).join(", ")) + more;
}
