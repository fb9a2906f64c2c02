/** What several readers have in common: one filter in one encoding. It makes each frame once. */
import { type LogFilter, matches, type NumberedLine } from "../core/log.ts";
import { encodeCbor, encodeLines } from "./cbor.ts";
import type { Batch } from "./feed.ts";
import type { Reader } from "./reader.ts";

export type Encoding = "json" | "cbor";

/**
 * The longest frame of lines, in characters of their JSON (a single line may be longer). In bytes
 * it stays below the 1 MiB that clients such as Python's take by default.
 */
const FRAME_MAX_CHARS = 256 * 1024;

export interface Frame {
  readonly lines: readonly NumberedLine[];
  readonly texts: readonly string[];
}

export class Topic {
  readonly name: string;
  readonly filter: LogFilter;
  readonly encoding: Encoding;
  readonly readers = new Set<Reader>();
  readonly #takesAll: boolean;
  /** How many lines passed its filter since it exists, and the number of the last of them. */
  count = 0;
  last = 0;

  /** `filter` is canonical. */
  constructor(filter: LogFilter, encoding: Encoding) {
    this.filter = filter;
    this.encoding = encoding;
    this.#takesAll = Object.keys(filter).length === 0;
    this.name = topicName(filter, encoding);
  }

  /** The lines of these that pass, cut into frames. */
  *frames(batch: Batch): Generator<Frame> {
    if (this.#takesAll && charsOf(batch) <= FRAME_MAX_CHARS) {
      if (batch.lines.length > 0) yield batch;
      return;
    }
    let lines: NumberedLine[] = [];
    let texts: string[] = [];
    let chars = 0;
    for (const [index, line] of batch.lines.entries()) {
      if (!matches(this.filter, line)) continue;
      const text = batch.texts[index] ?? "";
      if (lines.length > 0 && chars + text.length > FRAME_MAX_CHARS) {
        yield { lines, texts };
        lines = [];
        texts = [];
        chars = 0;
      }
      lines.push(line);
      texts.push(text);
      chars += text.length;
    }
    if (lines.length > 0) yield { lines, texts };
  }

  payload(frame: Frame): string | Uint8Array {
    return this.encoding === "json" ? linesText(frame.texts) : encodeLines(frame);
  }
}

function charsOf({ texts }: Batch): number {
  return texts.reduce((sum, { length }) => sum + length, 0);
}

/** `{"lines":[...]}`, written once: putting it around the joined lines would copy them all. */
function linesText(texts: readonly string[]): string {
  const parts = [...texts];
  parts[0] = `{"lines":[${parts[0] ?? ""}`;
  parts.push(`${parts.pop() ?? ""}]}`);
  return parts.join(",");
}

/** One name for each distinct filter in each encoding. */
export function topicName(filter: LogFilter, encoding: Encoding): string {
  return `${encoding} ${JSON.stringify(filter)}`;
}

/** A frame that is no lines. */
export function control(frame: object, encoding: Encoding): string | Uint8Array {
  return encoding === "json" ? JSON.stringify(frame) : encodeCbor(frame);
}
