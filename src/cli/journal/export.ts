/** `agent journal export`: every entry, one JSON document a line. */
import { type JournalOptions, jsonOf, withJournal } from "./context.ts";

/** How much is handed to stdout at once, in characters: a slow reader holds the next page back. */
const CHUNK = 64 * 1024;

export function exportAll(options: JournalOptions): Promise<number> {
  return withJournal(options, async (journal) => {
    let chunk = "";
    for (const story of journal.stories("oldest first")) {
      chunk += `${JSON.stringify(jsonOf(story))}\n`;
      if (chunk.length < CHUNK) continue;
      await written(chunk);
      chunk = "";
    }
    await written(chunk);
    return 0;
  });
}

function written(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (failure) => (failure ? reject(failure) : resolve()));
  });
}
