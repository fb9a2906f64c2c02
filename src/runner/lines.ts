/** Reads a child's output as lines, each bounded in length. */

/** The longest line that is kept whole, in characters; a longer one is cut into several. */
export const LINE_MAX_CHARS = 64 * 1024;

/**
 * Calls `onLine` for each line until the stream ends. A last line without its end counts too;
 * bytes that are no text arrive as replacement characters.
 */
export async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  const tell = (line: string) => {
    for (let from = 0; from === 0 || from < line.length; from += LINE_MAX_CHARS) {
      onLine(line.slice(from, from + LINE_MAX_CHARS));
    }
  };
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) tell(line.replace(/\r$/, ""));
    const whole = rest.length - (rest.length % LINE_MAX_CHARS);
    if (whole > 0) tell(rest.slice(0, whole));
    rest = rest.slice(whole);
  }
  rest += decoder.decode();
  if (rest !== "") tell(rest);
}
