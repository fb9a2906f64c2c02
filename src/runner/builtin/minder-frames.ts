/** What passes between a process and the minder of a command that it runs. */
import type { StopSignal } from "../../wire/scenario-builtins.ts";

export interface Job {
  /** Absolute. */
  readonly file: string;
  /** What the command finds as its own name. */
  readonly argv0: string;
  readonly args: readonly string[];
}

export type ToMinder =
  | ({ readonly type: "start" } & Job)
  /** The signal to its whole group, and SIGKILL if it has not ended by then. */
  | { readonly type: "stop"; readonly signal: StopSignal; readonly withinMs: number };

/** How the command ended, and how many processes it left that were then killed. */
export interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly left: number;
}

export type FromMinder =
  | { readonly type: "started"; readonly pid: number }
  | { readonly type: "failed"; readonly reason: string }
  | ({ readonly type: "ended" } & Ending);
