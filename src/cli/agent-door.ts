/** What the local door shows of this agent and may ask of it, from the agent's own parts. */
import { statSync } from "node:fs";
import type { Servant } from "../agent/servant.ts";
import type { AuditId } from "../core/assignment.ts";
import { keyOf } from "../core/entry.ts";
import { ServantError } from "../core/errors.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Bus, Clock, Runner } from "../core/ports.ts";
import type { Door } from "../local/door.ts";
import { iso, type Report } from "../local/report.ts";
import type { Tally } from "../local/tally.ts";
import { inHand, storyOf, summaryOf } from "../local/views.ts";
import { JournalStories } from "../system/journal-stories.ts";
import type { SqliteJournal } from "../system/sqlite-journal.ts";
import type { Status, World } from "../wire/local.ts";

export interface AgentParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly journal: SqliteJournal;
  readonly journalPath: string;
  readonly ledger: Ledger;
  readonly origin: string;
  readonly report: Report;
  readonly runner: Runner;
  readonly servant: Servant;
  readonly startedAtMs: number;
  readonly stateDir: string;
  readonly stop: () => void;
  readonly tally: Tally;
  readonly version: string;
  /** Absent: no backend lives in this process. */
  readonly world?: (() => Promise<World>) | undefined;
}

export function agentDoor(parts: AgentParts): Door {
  const { bus, journalPath, origin, report, servant } = parts;
  return {
    status: () => statusOf(parts),
    readiness: () => ({ ready: whyNot(parts).length === 0 }),
    async assignments(query) {
      const page = { ...query, origin };
      const { stories, next } = reading(journalPath, (journal) => journal.page(page));
      const assignments = stories.map(({ entry }) => summaryOf(entry));
      return next === undefined ? { assignments } : { assignments, next };
    },
    async assignment(auditId) {
      const entry = await parts.ledger.find(keyOf(auditId));
      if (entry === undefined) return undefined;
      const facts = await parts.journal.story(entry.key);
      const reused = reading(journalPath, (journal) => journal.find(auditId))
        .filter((story) => story.origin === origin && story.entry.key !== entry.key)
        .map((story) => story.entry);
      return storyOf(entry, facts, { progress: report.progressOf(auditId), reused });
    },
    cancel: (auditId, reason) => cancel(parts, auditId, reason),
    pause: (reason) => servant.pause(reason),
    resume: () => servant.resume(),
    drain: () => parts.stop(),
    world: async () => await parts.world?.(),
    listen: (listener) => bus.listen(listener),
  };
}

/** Over a connection of its own: whoever looks never holds up a commit. */
function reading<T>(path: string, read: (journal: JournalStories) => T): T {
  const journal = new JournalStories(path);
  try {
    return read(journal);
  } finally {
    journal.close();
  }
}

/** A cancel of what is not here would be kept for when it comes: that is the backend's to ask. */
async function cancel(parts: AgentParts, auditId: AuditId, reason: string): Promise<void> {
  const entry = await parts.ledger.find(keyOf(auditId));
  const isOpen = entry?.phase === "accepted" || entry?.phase === "started";
  if (isOpen) return await parts.servant.cancel(auditId, reason);
  const why = entry === undefined ? "it never came" : `it is ${entry.phase}`;
  const problem = `Cannot cancel "${auditId.slice(0, 200)}": ${why}`;
  throw new ServantError(
    entry === undefined ? "assignment.absent" : "assignment.not-open",
    problem,
  );
}

async function statusOf(parts: AgentParts): Promise<Status> {
  const { clock, ledger, origin, report, tally } = parts;
  const { paused, doubted } = ledger.machine;
  const reasons = whyNot(parts);
  const open = [...ledger.openEntries()].filter(({ result }) => result === undefined);
  const oldestAtMs = await oldestWaiting(ledger);
  const { accepted, succeeded, failed, rejected, delivered } = tally;
  return {
    version: parts.version,
    pid: process.pid,
    startedAt: iso(parts.startedAtMs),
    now: iso(clock.now()),
    stateDir: parts.stateDir,
    state: stateOf(parts, reasons),
    reasons,
    ...(paused === undefined ? {} : { paused }),
    ...(doubted === undefined ? {} : { doubted }),
    link: report.link(origin),
    inHand: open.map((entry) => inHand(entry, report.progressOf(entry.assignment.auditId))),
    outbox: {
      waiting: ledger.undelivered,
      aside: ledger.aside,
      ...(oldestAtMs === undefined ? {} : { oldestAt: iso(oldestAtMs) }),
    },
    child: report.child,
    journal: { bytes: journalBytes(parts.journalPath), isFull: ledger.isFull },
    counts: { accepted, succeeded, failed: failed + rejected, delivered },
    streams: report.streams,
    troubles: report.troubles,
  };
}

function stateOf({ ledger, report }: AgentParts, reasons: readonly string[]): Status["state"] {
  if (report.isDraining) return "draining";
  if (!report.hasRegistered && !report.isDown) return "starting";
  if (ledger.machine.paused !== undefined) return "paused";
  return reasons.length === 0 ? "ready" : "not-ready";
}

/** Why an action that came now would not start; nothing when it would. */
function whyNot({ ledger, origin, report, runner }: AgentParts): string[] {
  const { paused, doubted } = ledger.machine;
  const link = report.link(origin);
  return [
    ...(report.isDraining ? ["it stops"] : []),
    ...(link.state === "up"
      ? []
      : [`no link to the backend: ${link.reason ?? "not registered yet"}`]),
    ...(paused === undefined ? [] : [`paused: ${paused}`]),
    ...(doubted === undefined ? [] : [`the machine must be made safe: ${doubted}`]),
    ...(runner.isReady ? [] : [`the plugin is not ready: ${report.notReady ?? "it is starting"}`]),
    ...(ledger.isFull ? ["the journal cannot be written"] : []),
  ];
}

async function oldestWaiting(ledger: Ledger): Promise<number | undefined> {
  if (ledger.undelivered === 0) return undefined;
  const [fresh] = ledger.fresh();
  const { entries } = ledger.backlog > 0 ? await ledger.readBacklog(0, 1) : { entries: [] };
  const times = [fresh?.finishedAtMs, entries[0]?.finishedAtMs].filter(
    (each) => each !== undefined,
  );
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Its write-ahead log counts too: it may be the larger part. */
function journalBytes(path: string): number {
  return [path, `${path}-wal`]
    .map((each) => statSync(each, { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size);
}
