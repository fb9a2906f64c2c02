/** `agent journal list`: a table of assignments, and how many are in which state. */
import type { Counts, JournalStories, Story } from "../../system/journal-stories.ts";
import { type Output, table } from "../output.ts";
import { jsonOf, type ListOptions, outcomeOf, timeText, whatOf, withJournal } from "./context.ts";

export function list(options: ListOptions): Promise<number> {
  return withJournal(options, async (journal, out) => {
    const limit = options.limit === 0 ? Number.POSITIVE_INFINITY : options.limit;
    const stories = newest(journal, limit, options);
    const counts = journal.count();
    if (options.json) out.json({ counts, entries: stories.map(jsonOf) });
    else print(out, stories, counts);
    return 0;
  });
}

function newest(journal: JournalStories, limit: number, { state }: ListOptions): Story[] {
  const stories: Story[] = [];
  if (limit === 0) return stories;
  for (const story of journal.stories("newest first", state)) {
    stories.push(story);
    if (stories.length >= limit) break;
  }
  return stories;
}

function print(out: Output, stories: readonly Story[], counts: Counts): void {
  if (stories.length > 0) {
    const rows = stories.map(({ entry }) => [
      timeText(entry.acceptedAtMs).slice(0, -4),
      entry.assignment.auditId,
      whatOf(entry),
      entry.phase,
      outcomeOf(entry),
    ]);
    out.line(table(["ACCEPTED", "AUDIT ID", "WHAT", "PHASE", "OUTCOME"], rows, out.paint));
  }
  const { unfinished, waiting, closed, refused } = counts;
  const told = `${unfinished} unfinished, ${waiting} wait for the backend, ${closed} closed`;
  out.line(out.paint.dim(`${told}, ${refused} refused by it`));
}
