/** What a commander tells beside its answers. Nothing has to be done about any of it. */

export type Notice =
  /** The line to the servers; it comes back by itself. */
  | { readonly type: "connected" | "disconnected" }
  /** It was stopped, and has not come since: what is sent waits for it. `sinceMs` by the server's clock. */
  | { readonly type: "machine.offline"; readonly machine: string; readonly sinceMs: number }
  /** An answer that names no run: it can be nobody's. */
  | {
      readonly type: "response.without-run";
      readonly machine: string;
      readonly step: number | null;
    }
  /** An answer for which nobody waits (any more), such as one that came too late. */
  | {
      readonly type: "response.unclaimed";
      readonly machine: string;
      readonly runId: string;
      readonly step: number | null;
    }
  | { readonly type: "response.unreadable"; readonly machine: string; readonly reason: string }
  /** A machine did not confirm the end of a run. */
  | {
      readonly type: "run.not-completed";
      readonly machine: string;
      readonly runId: string;
      readonly reason: string;
    };

export type Tell = (notice: Notice) => void;

/** A notice as a person reads it. */
export function noticeText(notice: Notice): string {
  switch (notice.type) {
    case "connected":
      return "the connection is back";
    case "disconnected":
      return "the connection is cut: it is tried again until it is back";
    case "machine.offline":
      return `"${notice.machine}" is offline since ${new Date(notice.sinceMs).toISOString()}: waiting for it`;
    case "response.without-run":
      return `passed over an answer of "${notice.machine}" that names no run`;
    case "response.unclaimed":
      return `passed over an answer of "${notice.machine}" to step ${notice.step} of the run "${notice.runId}": nobody waits for it`;
    case "response.unreadable":
      return `passed over an answer of "${notice.machine}": ${notice.reason}`;
    case "run.not-completed":
      return `"${notice.machine}" did not confirm the end of the run "${notice.runId}": ${notice.reason}`;
  }
}
