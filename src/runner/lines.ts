/** Reads a child's output as lines, each bounded in length. */

/** The longest line that is kept whole, in characters; a longer one is cut into several. */
export const LINE_MAX_CHARS = 64 * 1024;

/** Calls `onLine` for each line until the stream ends. A last line without its end counts too. */
export async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let end = rest.indexOf("\n"); end !== -1; end = rest.indexOf("\n", from)) {
      onLine(rest.slice(from, end).replace(/\r$/, ""));
      from = end + 1;
    }
    rest = rest.slice(from);
    while (rest.length > LINE_MAX_CHARS) {
      onLine(rest.slice(0, LINE_MAX_CHARS));
      rest = rest.slice(LINE_MAX_CHARS);
    }
  }
  if (rest !== "") onLine(rest);
}
