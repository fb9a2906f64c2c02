/**
 * Keeps the model up to date: asks for the status now and then and whenever the log says that
 * something happened, reads the log, and comes back by itself after the agent was away.
 */
import type { NumberedLine } from "../../core/log.ts";
import type { AssignmentSummary } from "../../wire/local.ts";
import { PAGE_KEY_PROTOCOL } from "../../wire/page-key.ts";
import { JSON_PROTOCOL } from "../../wire/stream-protocols.ts";
import { door, NotIn, pageKey, Refused } from "./door.ts";
import { LogStream } from "./log-stream.ts";
import type { Model } from "./model.ts";
import { outcomeOf } from "./outcome.ts";
import { mergeAssignments } from "./timeline.ts";

/** How often the status is asked for while nothing happens, and at most, in milliseconds. */
const REST_MS = 2_000;
const BUSY_MS = 250;
/** Between two tries to reach an agent that is away. */
const RETRY_MS = [250, 500, 1_000, 2_000] as const;
/** How many lines of the past a page begins with; `earlier` asks for four times as many. */
const HISTORY_LINES = 5_000;
const PAGE_ASSIGNMENTS = 50;

export class Live {
  readonly #model: Model;
  readonly #stream: LogStream;
  #historyLines = HISTORY_LINES;
  /** The last line that was there already when the stream began. */
  #pastTo = 0;
  #failures = 0;
  #askedAtMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  /** Something happened since the last answer: the assignments may be others now. */
  #isNews = true;

  constructor(model: Model) {
    this.#model = model;
    this.#stream = new LogStream(streamUrl(), streamProtocols, {
      since: (lastSeq) => this.#since(lastSeq),
      lines: (lines) => this.#hear(lines),
      gap: (gap) => {
        model.log.addGap(gap);
        model.linesLost += gap.dropped ?? 0;
        this.#news();
      },
      opened: (lastSeq) => {
        this.#pastTo = lastSeq;
        model.isStreaming = true;
        model.isStopped = false;
        this.#news();
      },
      closed: (isOver) => {
        model.isStreaming = false;
        model.isStopped ||= isOver;
        this.#news();
      },
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#news();
    });
  }

  /** Asks at once, and from then on. */
  start(): void {
    void this.#ask();
  }

  /** Something happened: asks soon. */
  #news(): void {
    this.#isNews = true;
    this.#model.changed();
    if (this.#isAsking || document.hidden || this.#model.staleSinceMs !== undefined) return;
    clearTimeout(this.#timer);
    const waitMs = Math.max(0, this.#askedAtMs + BUSY_MS - performance.now());
    this.#timer = setTimeout(() => void this.#ask(), waitMs);
  }

  /** As `news`, for what a person did: it is not put off. */
  refresh(): void {
    this.#askedAtMs = 0;
    this.#news();
  }

  /** The next older page of assignments. */
  async older(): Promise<void> {
    const { olderBefore } = this.#model;
    if (olderBefore === undefined) return;
    const { assignments, next } = await door.assignments(PAGE_ASSIGNMENTS, olderBefore);
    this.#model.assignments = mergeAssignments(this.#model.assignments, assignments);
    this.#model.olderBefore = next;
    this.#model.changed();
  }

  /** Finds the lines of an assignment that are older than those here: the agent's files have them. */
  async findLines(auditId: string): Promise<void> {
    const { log } = this.#model;
    const { acceptedAt } = await door.assignment(auditId);
    if (log.beginsAt !== undefined && log.beginsAt <= acceptedAt) return;
    log.addOlder(auditId, await door.logOf(auditId, acceptedAt));
    this.#model.changed();
  }

  /** Reads the log again from further back. */
  earlierLines(): void {
    this.#historyLines *= 4;
    this.#model.log.clear();
    this.#stream.reopen();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    this.#askedAtMs = performance.now();
    // That a result was taken is logged before it is written down: nothing tells of it afterwards.
    const isNews = this.#isNews || this.#model.assignments.slice(0, PAGE_ASSIGNMENTS).some(isOpen);
    this.#isNews = false;
    try {
      const status = await door.status();
      this.#model.clockAheadMs = Date.parse(status.now) - Date.now();
      this.#model.status = status;
      this.#model.access = "in";
      this.#model.staleSinceMs = undefined;
      this.#failures = 0;
      this.#sample();
      this.#stream.open();
      if (isNews) await this.#askForMore();
    } catch (cause) {
      this.#isNews ||= isNews;
      this.#failed(cause);
    } finally {
      this.#isAsking = false;
      this.#again();
    }
  }

  async #askForMore(): Promise<void> {
    const model = this.#model;
    const [page, world] = await Promise.all([door.assignments(PAGE_ASSIGNMENTS), door.world()]);
    const isFirst = model.assignments.length === 0;
    model.assignments = mergeAssignments(model.assignments, page.assignments);
    if (isFirst) model.olderBefore = page.next;
    model.world = world;
    for (const wish of model.cancels.values()) await this.#follow(wish.auditId);
  }

  /** What became of a cancel: the assignment's own end tells. */
  async #follow(auditId: string): Promise<void> {
    const wish = this.#model.cancels.get(auditId);
    if (wish === undefined || wish.end !== undefined) return;
    const known = this.#model.assignments.find((each) => each.auditId === auditId);
    const now = known ?? (await door.assignment(auditId));
    if (now.finishedAt === undefined) return;
    const end = { word: outcomeOf(now).word, text: now.message ?? "" };
    this.#model.cancels.set(auditId, { ...wish, end });
  }

  #failed(cause: unknown): void {
    this.#failures += 1;
    if (cause instanceof NotIn) this.#model.access = "out";
    // A refusal is an answer too: the agent is there.
    else if (!(cause instanceof Refused)) this.#model.staleSinceMs ??= Date.now();
  }

  #again(): void {
    this.#model.changed();
    clearTimeout(this.#timer);
    if (document.hidden && this.#failures === 0) return; // it asks when somebody looks again
    const retryMs = RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1];
    const waitMs = retryMs ?? (this.#isNews ? BUSY_MS : REST_MS);
    this.#timer = setTimeout(() => void this.#ask(), waitMs);
  }

  #since(lastSeq: number): number {
    const { log } = this.#model;
    if (log.last > lastSeq) log.clear(); // numbered anew: it is another agent's log
    return log.last > 0 ? log.last : lastSeq - this.#historyLines;
  }

  #hear(lines: readonly NumberedLine[]): void {
    this.#model.log.add(lines);
    this.#model.linesHeard += lines.filter(({ seq }) => seq > this.#pastTo).length;
    // What plugins print tells nothing about assignments; the agent's own events do.
    if (lines.some(({ source }) => source !== "plugin")) this.#news();
    else this.#model.changed();
  }

  #sample(): void {
    const { status, samples, linesHeard, linesLost } = this.#model;
    if (status === undefined) return;
    samples.add({
      atMs: Date.now(),
      done: status.counts.succeeded,
      failed: status.counts.failed,
      waiting: status.outbox.waiting,
      journalBytes: status.journal.bytes,
      lines: linesHeard,
      lost: linesLost,
    });
  }
}

/** Whether there is more to be heard of it. */
function isOpen({ phase }: AssignmentSummary): boolean {
  return phase === "accepted" || phase === "started" || phase === "finished";
}

/** A websocket of a browser takes no headers: the key goes where it is let say something. */
function streamProtocols(): string[] {
  return [JSON_PROTOCOL, `${PAGE_KEY_PROTOCOL}${pageKey()}`];
}

function streamUrl(): string {
  const url = new URL("/v1/stream", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
