/** Reads a child's output as lines, each bounded in length. */
import { START_MARK } from "./frames.ts";

/** The longest line that is kept whole, in characters; a longer one is cut into several. */
export const LINE_MAX_CHARS = 192 * 1024;
/**
 * How much is read in a second at most: a child that prints more waits for its pipe. Far more than
 * what is told of it, lest the marks among it come late.
 */
const READ_BYTES_PER_S = 32 * 2 ** 20;
const READ_WINDOW_MS = 50;
const READ_WINDOW_BYTES = (READ_BYTES_PER_S * READ_WINDOW_MS) / 1_000;
/** So much at the end of an unfinished line is never cut: it may be a mark. */
const MARK_MAX_CHARS = 32;

export interface LineReader {
  line(text: string): void;
  /** The child wrote that it starts the work of this id. */
  start?(id: number): void;
}

/**
 * Tells each line until the stream ends. A last line without its end counts too; bytes that are
 * no text arrive as replacement characters. The mark of a start may stand at the end of any line:
 * whoever printed before may have left that line unfinished.
 */
export async function readLines(
  stream: ReadableStream<Uint8Array>,
  reader: LineReader,
): Promise<void> {
  const decoder = new TextDecoder();
  const pieces = (line: string) => {
    for (let from = 0; from === 0 || from < line.length; from += LINE_MAX_CHARS) {
      reader.line(line.slice(from, from + LINE_MAX_CHARS));
    }
  };
  const tell = (line: string) => {
    const markAt = reader.start === undefined ? -1 : line.lastIndexOf(START_MARK);
    const id = markAt < 0 ? Number.NaN : Number(line.slice(markAt + START_MARK.length));
    if (!Number.isInteger(id)) return pieces(line);
    reader.start?.(id);
    if (markAt > 0) pieces(line.slice(0, markAt));
  };
  let rest = "";
  const slowDown = pacer();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) tell(line.replace(/\r$/, ""));
    const spare = Math.max(rest.length - MARK_MAX_CHARS, 0);
    const whole = spare - (spare % LINE_MAX_CHARS);
    if (whole > 0) pieces(rest.slice(0, whole));
    rest = rest.slice(whole);
    await slowDown(chunk.length);
  }
  rest += decoder.decode();
  if (rest !== "") tell(rest);
}

/** Waits where more was read than a short time allows. */
function pacer(): (bytes: number) => Promise<void> {
  let beganAtMs = performance.now();
  let read = 0;
  return async (bytes) => {
    read += bytes;
    if (read < READ_WINDOW_BYTES) return;
    const leftMs = beganAtMs + READ_WINDOW_MS - performance.now();
    if (leftMs > 0) await Bun.sleep(leftMs);
    beganAtMs = performance.now();
    read = 0;
  };
}
