/** `agent journal show`: everything that is known of one assignment. */

import type { AuditId } from "../../core/assignment.ts";
import type { Fact } from "../../core/entry.ts";
import { ServantError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import type { JournalStories, Story } from "../../system/journal-stories.ts";
import { type Output, printable } from "../output.ts";
import {
  type JournalOptions,
  jsonOf,
  outcomeOf,
  timeText,
  whatOf,
  withJournal,
} from "./context.ts";

/**
 * The beginning of an audit id will do when no other begins so: logs show the first characters.
 *
 * @throws {ServantError} `journal.no-entry`, naming the nearest audit ids
 */
export function show(auditId: string, options: JournalOptions): Promise<number> {
  return withJournal(options, async (journal, out) => {
    const stories = found(journal, auditId);
    if (options.json) out.json(stories.map((story) => ({ ...jsonOf(story), facts: story.facts })));
    else for (const story of stories) print(out, story);
    return 0;
  });
}

function found(journal: JournalStories, text: string): Story[] {
  const exact = journal.find(text as AuditId);
  if (exact.length > 0) return exact;
  const begun = journal.beginning(text);
  const [only] = begun;
  if (only !== undefined && begun.length === 1) return journal.find(only);
  const near = begun.length > 0 ? begun.slice(0, 3) : [nearest(text, journal.newest())];
  const named = near.filter((each) => each !== undefined).map((each) => `"${each}"`);
  const told = named.length === 0 ? "" : `; nearest is ${named.join(" or ")}`;
  throw new ServantError("journal.no-entry", `Cannot find audit id "${text}"${told}`);
}

function print(out: Output, { origin, entry, facts }: Story): void {
  const { paint } = out;
  out.line(paint.bold(printable(`${entry.assignment.auditId}  ${whatOf(entry)}`)));
  out.line(`backend:   ${printable(origin)}`);
  const outcome = outcomeOf(entry);
  const isCalledOff = entry.cancelled !== undefined ? `, called off: ${entry.cancelled}` : "";
  out.line(printable(`phase:     ${entry.phase}${isCalledOff}`));
  if (outcome !== "") out.line(printable(`outcome:   ${outcome}`));
  if (entry.result?.message) out.line(printable(`message:   ${entry.result.message}`));
  const { assignment, result } = entry;
  if (assignment.kind === "action" && entry.fingerprint === undefined) {
    out.line(printable(`params:    ${JSON.stringify(assignment.params)}`));
  }
  if (result !== undefined && entry.fingerprint === undefined) {
    out.line(printable(`telemetry: ${JSON.stringify(result.telemetry)}`));
    const seen = result.observed.map(({ atom, holds }) => (holds ? atom : `not ${atom}`));
    if (seen.length > 0) out.line(printable(`observed:  ${seen.join(", ")}`));
  }
  for (const fact of facts) {
    out.line(
      `  ${timeText(fact.atMs)}  ${fact.type.padEnd(9)}  ${printable(detailOf(fact))}`.trimEnd(),
    );
  }
}

function detailOf(fact: Fact): string {
  switch (fact.type) {
    case "accepted":
    case "repeated":
      return `through ${fact.via}`;
    case "started":
      return fact.nth === undefined ? "" : `for the ${fact.nth}. time`;
    case "cancelled":
      return fact.reason;
    case "finished":
      return fact.result.success ? "done" : "failed";
    case "refused":
      return fact.code;
    case "compacted":
      return `its details were let go; accepted ${timeText(fact.acceptedAtMs)}`;
    default:
      return "";
  }
}
