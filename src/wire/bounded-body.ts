/** Reads an answer up to a limit. Of a larger one it still finds the top-level audit id. */

/** Past this a body is no longer read to its end, in bytes. */
export const DISCARD_MAX_BYTES = 64 * 1024 * 1024;

export interface BoundedBody {
  /** The whole text, or nothing when it is over the limit. */
  readonly text: string | undefined;
  readonly bytes: number;
  /** The top-level `audit_id` of a JSON object that is over the limit, where it has one. */
  readonly auditId: string | undefined;
}

/** Never holds more than `maxBytes` and one chunk. */
export async function readBounded(response: Response, maxBytes: number): Promise<BoundedBody> {
  if (isWithin(response, maxBytes)) {
    const text = await response.text();
    return { text, bytes: text.length, auditId: undefined };
  }
  const scanner = new AuditIdScanner();
  const decoder = new TextDecoder();
  let kept: string[] | undefined = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    const text = decoder.decode(chunk, { stream: true });
    scanner.read(text);
    if (bytes > maxBytes) kept = undefined;
    else kept?.push(text);
    if (bytes > DISCARD_MAX_BYTES) break;
  }
  return { text: kept?.join(""), bytes, auditId: scanner.auditId };
}

/** Reads the first characters of an answer and lets go of the rest. */
export async function readStart(response: Response, maxBytes: number): Promise<string> {
  if (isWithin(response, maxBytes)) return await response.text();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    text += decoder.decode(chunk.subarray(0, maxBytes), { stream: true });
    if (bytes >= maxBytes) break; // leaving the loop cancels the rest
  }
  return text;
}

/**
 * True when the answer says its length itself, and it is not over the limit. Beside chunks a stated
 * length means nothing: the runtime reads the chunks, however many come.
 */
function isWithin({ headers }: Response, maxBytes: number): boolean {
  if (headers.has("transfer-encoding")) return false;
  const bytes = Number(headers.get("content-length") ?? Number.NaN);
  return bytes >= 0 && bytes <= maxBytes;
}

/** The longest audit id and key that are remembered, in characters. */
const STRING_MAX_CHARS = 1_024;

/**
 * Follows JSON text character by character: strings, escapes and depth are all it needs to tell
 * the object's own `audit_id` from one inside its parameters.
 */
class AuditIdScanner {
  auditId: string | undefined;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #string = "";
  /** The last whole string at depth one. */
  #last: string | undefined;
  /** The key whose value comes next. */
  #key: string | undefined;

  read(text: string): void {
    if (this.auditId !== undefined) return;
    for (const character of text) {
      if (this.#isInString) this.#readString(character);
      else this.#readStructure(character);
    }
  }

  #readString(character: string): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (character === "\\") this.#isEscaped = true;
    else if (character === '"') {
      this.#isInString = false;
      if (this.#depth === 1) this.#endString();
      return;
    }
    if (this.#depth === 1 && this.#string.length <= STRING_MAX_CHARS) this.#string += character;
  }

  #endString(): void {
    if (this.#key === "audit_id") this.auditId ??= unescaped(this.#string);
    this.#last = this.#string;
    this.#key = undefined;
  }

  #readStructure(character: string): void {
    if (character === '"') {
      this.#isInString = true;
      this.#string = "";
    } else if (character === "{" || character === "[") this.#depth += 1;
    else if (character === "}" || character === "]") this.#depth -= 1;
    else if (this.#depth === 1 && character === ":") this.#key = this.#last;
    else if (this.#depth === 1 && character === ",") this.#key = undefined;
  }
}

function unescaped(text: string): string | undefined {
  try {
    return text.length > STRING_MAX_CHARS ? undefined : (JSON.parse(`"${text}"`) as string);
  } catch {
    return undefined; // broken escapes: the body is not JSON and has no audit id
  }
}
