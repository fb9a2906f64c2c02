/** Counts what happened since the agent started: a fold of the bus, told as metrics. */
import { type AgentEvent, describeEvent, isLine, type Level } from "../core/events.ts";
import { Histogram } from "../wire/prometheus.ts";

/** Upper bounds of the buckets, in seconds. */
export const TOOK_S = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800] as const;
/** A held poll takes up to half a minute. */
export const POLL_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60] as const;

export class Tally {
  readonly took = new Histogram(TOOK_S);
  readonly polls = new Histogram(POLL_S);
  readonly lines: Record<Level, number> = { debug: 0, info: 0, warn: 0, error: 0 };
  accepted = 0;
  succeeded = 0;
  failed = 0;
  rejected = 0;
  cancelled = 0;
  delivered = 0;
  delayed = 0;
  refused = 0;
  linkFailures = 0;
  reconnects = 0;
  /** Lines of a plugin that printed too much. */
  unsaid = 0;

  hear(event: AgentEvent): void {
    if (isLine(event)) this.lines[levelOf(event)] += 1;
    switch (event.type) {
      case "plugin.dropped":
        this.unsaid += event.lines;
        break;
      case "assignment.accepted":
        this.accepted += 1;
        break;
      case "assignment.finished":
        this[event.success ? "succeeded" : "failed"] += 1;
        this.took.add(event.tookMs / 1_000);
        break;
      case "assignment.rejected":
        this.rejected += 1;
        break;
      case "assignment.cancelled":
        this.cancelled += 1;
        break;
      case "result.delivered":
        this.delivered += 1;
        break;
      case "result.delayed":
        this.delayed += 1;
        break;
      case "result.refused":
        this.refused += 1;
        break;
      case "link.lost":
        this.linkFailures += 1;
        break;
      case "link.restored":
        this.reconnects += 1;
        break;
    }
  }

  /** One poll was answered, or failed. */
  polled(tookMs: number): void {
    this.polls.add(tookMs / 1_000);
  }
}

function levelOf(event: AgentEvent): Level {
  const isSaid = event.type === "plugin.log" || event.type === "backend.log";
  return isSaid ? event.level : describeEvent(event).level;
}
