/**
 * What is going on now, as the bus tells it: the link, the plugin's process, progress, the last
 * troubles. A fold: it is handed events and the time, and asks nobody.
 */
import { type AgentEvent, describeEvent, isLine } from "../core/events.ts";
import { isShorterThan } from "../core/json.ts";
import type { Link, Progress, Status, Stream, Trouble } from "../wire/local.ts";

/** What more assignments than this report of their progress is forgotten, oldest first. */
const PROGRESS_MAX = 256;
/** How many warnings and errors are remembered. */
export const TROUBLES_MAX = 10;
/** The largest measurement that is shown, in characters. */
const VALUE_MAX_CHARS = 2_000;
/** Their text is cut here, in characters. */
const TROUBLE_MAX_CHARS = 500;

export class Report {
  /** Why no action would start, beside what the ledger and the link tell. */
  notReady: string | undefined;
  isDraining = false;
  readonly #progress = new Map<string, Progress>();
  readonly #troubles: Trouble[] = [];
  readonly #streams = new Map<string, Stream>();
  #link: Omit<Link, "origin" | "since"> & { sinceMs: number };
  #child: { pid?: number; startedAt?: string; restarts: number; lastEnd?: string } = {
    restarts: 0,
  };

  constructor(nowMs: number) {
    this.#link = { state: "connecting", failures: 0, registrations: 0, sinceMs: nowMs };
  }

  get isDown(): boolean {
    return this.#link.state === "down";
  }

  get hasRegistered(): boolean {
    return this.#link.registrations > 0;
  }

  get child(): Status["child"] {
    return { ...this.#child };
  }

  /** Newest first. */
  get troubles(): Trouble[] {
    return [...this.#troubles];
  }

  /** By name. */
  get streams(): Stream[] {
    return [...this.#streams.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  link(origin: string): Link {
    const { sinceMs, ...told } = this.#link;
    return { ...told, origin, since: iso(sinceMs) };
  }

  progressOf(auditId: string): Progress | undefined {
    return this.#progress.get(auditId);
  }

  hear(event: AgentEvent, nowMs: number): void {
    this.#hearLink(event, nowMs);
    this.#hearAssignment(event, nowMs);
    this.#hearStream(event, nowMs);
    switch (event.type) {
      case "agent.not-ready":
      case "machine.unsafe":
        this.notReady = event.reason;
        break;
      case "agent.ready":
        this.notReady = undefined;
        break;
      case "agent.stopping":
        this.isDraining = true;
        break;
      case "child.started":
        this.#child = { ...this.#child, pid: event.pid, startedAt: iso(nowMs) };
        break;
      case "child.ended":
        this.#child = { restarts: this.#child.restarts + 1, lastEnd: event.reason };
        break;
    }
    this.#remember(event, nowMs);
  }

  #hearLink(event: AgentEvent, nowMs: number): void {
    const { failures, registrations } = this.#link;
    switch (event.type) {
      case "servant.registered": {
        const { servantId } = event;
        const head = { state: "up", servantId, failures: 0 } as const;
        this.#link = { ...head, registrations: registrations + 1, sinceMs: nowMs };
        break;
      }
      case "servant.forgotten": {
        const { reason } = event;
        this.#link = { state: "connecting", failures, registrations, reason, sinceMs: nowMs };
        break;
      }
      case "link.lost": {
        const { reason } = event;
        const sinceMs = this.#link.state === "down" ? this.#link.sinceMs : nowMs;
        this.#link = { ...this.#link, state: "down", failures: event.failures, reason, sinceMs };
        break;
      }
      case "link.restored": {
        const { reason: _mended, ...link } = this.#link;
        const state = link.servantId === undefined ? "connecting" : "up";
        this.#link = { ...link, state, failures: 0, sinceMs: nowMs };
        break;
      }
    }
  }

  #hearAssignment(event: AgentEvent, nowMs: number): void {
    switch (event.type) {
      case "assignment.progress": {
        const { auditId, fraction, message } = event;
        this.#progress.set(auditId, { fraction, message, at: iso(nowMs) });
        const [oldest] = this.#progress.keys();
        if (this.#progress.size > PROGRESS_MAX && oldest !== undefined) {
          this.#progress.delete(oldest);
        }
        break;
      }
      case "assignment.finished":
      case "assignment.rejected":
        this.#progress.delete(event.auditId);
        break;
    }
  }

  /** There are not many at a time: the plugin's process is held to that. */
  #hearStream(event: AgentEvent, nowMs: number): void {
    if (event.type === "plugin.stream") {
      const { name, intervalMs, isOpen } = event;
      if (isOpen) this.#streams.set(name, { ...this.#streams.get(name), name, intervalMs });
      else this.#streams.delete(name);
    }
    if (event.type !== "plugin.sample") return;
    const { name, value } = event;
    const stream = this.#streams.get(name);
    if (stream === undefined) return;
    const isLarge = !isShorterThan(value, VALUE_MAX_CHARS);
    this.#streams.set(name, {
      ...stream,
      at: iso(nowMs),
      value: isLarge ? { large: true } : value,
    });
  }

  #remember(event: AgentEvent, nowMs: number): void {
    if (!isLine(event)) return;
    if (event.type === "plugin.log" && event.level !== "error" && event.level !== "warn") return;
    const { level, source, message, auditId } = describeEvent(event);
    if (level !== "warn" && level !== "error") return;
    this.#troubles.unshift({
      time: iso(nowMs),
      level,
      source,
      ...(auditId === undefined ? {} : { auditId }),
      message: message.slice(0, TROUBLE_MAX_CHARS),
    });
    this.#troubles.length = Math.min(this.#troubles.length, TROUBLES_MAX);
  }
}

export function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
