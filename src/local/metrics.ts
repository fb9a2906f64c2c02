/** What Prometheus reads: the tally's counters and what the status says, as text. */
import type { Status } from "../wire/local.ts";
import { counter, gauge, histogram, type Sample } from "../wire/prometheus.ts";
import type { Tally } from "./tally.ts";

/** What the door itself counts. */
export interface DoorCounts {
  readonly answers: ReadonlyMap<number, number>;
  readonly streams: number;
  /** Lines that slow readers did not get, and lines that the log on disk did not take. */
  readonly unread: number;
  readonly unwritten: number;
}

/** The text format 0.0.4: one family after another, each with its help and type. */
export function metricsText(tally: Tally, status: Status, door: DoorCounts): string {
  const { outbox, link, child, journal, inHand } = status;
  const started = inHand.filter(({ phase }) => phase === "started").length;
  const ageS = outbox.oldestAt === undefined ? 0 : secondsBetween(outbox.oldestAt, status.now);
  const levels = Object.entries(tally.lines).map(([level, n]): Sample => [`level="${level}"`, n]);
  const answers = [...door.answers].map(([code, n]): Sample => [`status="${code}"`, n]);
  return [
    gauge("agent_info", "Always 1.", [[`version="${status.version}"`, 1]]),
    gauge("agent_start_time_seconds", "When it started.", Date.parse(status.startedAt) / 1_000),
    gauge(
      "agent_ready",
      "1 when an action that came now would start.",
      +(status.state === "ready"),
    ),
    gauge("agent_paused", "1 while it is paused.", +(status.paused !== undefined)),
    counter("agent_assignments_accepted_total", "Assignments taken on to be run.", tally.accepted),
    counter("agent_assignments_total", "Assignments answered; a rejected one never ran.", [
      [`outcome="succeeded"`, tally.succeeded],
      [`outcome="failed"`, tally.failed],
      [`outcome="rejected"`, tally.rejected],
    ]),
    counter("agent_assignments_cancelled_total", "Assignments called off.", tally.cancelled),
    histogram("agent_assignment_duration_seconds", "From start to result.", tally.took),
    gauge("agent_assignments_in_hand", "Accepted and not finished.", [
      [`phase="accepted"`, inHand.length - started],
      [`phase="started"`, started],
    ]),
    gauge("agent_outbox_results", "Results that the backend has not taken.", outbox.waiting),
    gauge("agent_outbox_aside", "Of them, those that wait aside.", outbox.aside),
    gauge("agent_outbox_oldest_seconds", "Age of the oldest of them.", ageS),
    counter("agent_results_delivered_total", "Results taken, repeats too.", tally.delivered),
    counter("agent_results_delayed_total", "Deliveries that failed for now.", tally.delayed),
    counter("agent_results_refused_total", "Results never taken.", tally.refused),
    gauge("agent_link_up", "1 while the backend answers.", +(link.state === "up")),
    counter("agent_link_failures_total", "Requests that failed for now.", tally.linkFailures),
    counter("agent_link_reconnects_total", "Times it answered again.", tally.reconnects),
    counter("agent_registrations_total", "Registrations.", link.registrations),
    histogram("agent_poll_duration_seconds", "Until a poll is answered, held or not.", tally.polls),
    counter("agent_child_restarts_total", "Plugin processes that ended early.", child.restarts),
    gauge("agent_journal_bytes", "Size of the journal.", journal.bytes),
    gauge("agent_journal_full", "1 while it cannot be written.", +journal.isFull),
    counter("agent_log_lines_total", "Events, by level.", levels),
    counter(
      "agent_log_lines_dropped_total",
      "Lines that a limit dropped, by where they are missing.",
      [
        [`from="stream"`, door.unread],
        [`from="disk"`, door.unwritten],
        [`from="plugin"`, tally.unsaid],
      ],
    ),
    gauge("agent_door_streams", "Open log streams.", door.streams),
    counter("agent_door_answers_total", "Answers of this door, by status.", answers),
  ].join("");
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1_000);
}
