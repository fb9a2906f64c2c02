/** What every `agent journal` subcommand starts from. */
import { join } from "node:path";
import { describeAssignment, type Entry, type Fact } from "../../core/entry.ts";
import { JournalStories, type StateName, type Story } from "../../system/journal-stories.ts";
import { stateDirectory } from "../../system/state-dir.ts";
import { type Output, openOutput } from "../output.ts";

export interface JournalOptions {
  readonly stateDir?: string;
  /** Print JSON, for programs. */
  readonly json?: boolean;
}

export interface ListOptions extends JournalOptions {
  readonly state?: StateName;
  readonly limit: number;
}

/**
 * Runs one subcommand on the journal its options name; resolves to the exit code.
 *
 * @throws {ServantError} `state.absent`, `journal.*`
 */
export async function withJournal(
  options: JournalOptions,
  run: (journal: JournalStories, out: Output) => Promise<number>,
): Promise<number> {
  const path = stateDirectory(options.stateDir, process.env);
  const journal = new JournalStories(join(path, "journal.sqlite"));
  try {
    return await run(journal, openOutput(process.stdout, process.env));
  } finally {
    journal.close();
  }
}

/** `done`, `failed (handler.threw)`, or nothing while it is not known. */
export function outcomeOf({ result }: Entry): string {
  if (result === undefined) return "";
  const code = result.code === undefined ? "" : ` (${result.code})`;
  return `${result.success ? "done" : "failed"}${code}`;
}

/** `move(room_one, room_two)`; of a compacted one the parameters are gone. */
export function whatOf({ assignment, fingerprint }: Entry): string {
  if (fingerprint === undefined || assignment.kind !== "action") {
    return describeAssignment(assignment);
  }
  return `${assignment.transition}(...)`;
}

/** Local time, as a terminal's log has it; ISO 8601 without the zone. */
export function timeText(atMs: number): string {
  const local = new Date(atMs - new Date(atMs).getTimezoneOffset() * 60_000);
  return local.toISOString().replace("T", " ").slice(0, -1);
}

/** One entry as programs read it. */
export function jsonOf({ origin, entry, facts }: Story): object {
  const { key: _key, fingerprint, ...told } = entry;
  const closedAtMs = facts.findLast(isClosing)?.atMs;
  const isClosed = entry.phase === "delivered" || entry.phase === "refused";
  return {
    auditId: entry.assignment.auditId,
    origin,
    ...told,
    ...(isClosed && closedAtMs !== undefined ? { closedAtMs } : {}),
    ...(fingerprint === undefined ? {} : { compacted: true }),
  };
}

function isClosing({ type }: Fact): boolean {
  return type === "delivered" || type === "refused" || type === "compacted";
}
