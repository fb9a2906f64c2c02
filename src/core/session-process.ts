/**
 * The processes and folders of sessions as the gateway's rules see them. The real ones are processes of
 * this program and folders on disk; tests bring their own.
 */
import type { ErrorCode } from "./errors.ts";

/** A process, told apart from another one that has got its number since. */
export interface ProcessMark {
  readonly pid: number;
  /** When it was started, as its system says it: equal or not, nothing more. */
  readonly startedAt: string;
}

/** What a process reports once over its pipe: it listens, or why it cannot. */
export type StartReport =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly code: ErrorCode; readonly message: string };

/** Where a session's process answers, and what it wants to be shown with every request. */
export interface ProcessAddress {
  readonly port: number;
  readonly secret: string;
}

export interface SessionStart extends ProcessAddress {
  readonly id: string;
  /** The simulated robot beside it. */
  readonly robot: string | undefined;
}

export interface ProcessUse {
  /** Proportional share of memory in bytes, where the system tells it. */
  readonly memoryBytes?: number;
  /** Seconds of processor time so far. */
  readonly cpuS?: number;
}

export interface SessionProcess {
  readonly mark: ProcessMark;
  /** Resolves at its end; true when it ended as one that was asked to. */
  readonly ended: Promise<{ readonly isPeaceful: boolean }>;
  /** Whether it is there at this moment; `ended` may tell later. */
  isThere(): boolean;
  /** Signals its process group; nothing when it is gone, whoever has its number now. */
  signal(name: "SIGTERM" | "SIGKILL"): void;
  use(): Promise<ProcessUse>;
}

export interface SessionProcesses {
  /** False when something listens on this port of 127.0.0.1, whoever it is. */
  isFree(port: number): Promise<boolean>;
  /**
   * Starts one and resolves once it listens. It is not told its secret, and so does nothing, before
   * `noted` has resolved: a gateway that dies can find whatever runs.
   *
   * @throws {ServantError} `local.port-in-use`; `session.unstartable`, whose message is what it said last
   */
  start(
    session: SessionStart,
    noted: (mark: ProcessMark) => Promise<void>,
  ): Promise<SessionProcess>;
  /** The process of an earlier gateway; undefined when it is gone. */
  find(mark: ProcessMark): SessionProcess | undefined;
  /** True when what listens there takes the secret. It then also knows that its gateway is there. */
  greet(address: ProcessAddress): Promise<boolean>;
}

export interface SessionFolders {
  logPath(id: string): string;
  /** The newest part of its log, whole lines. */
  readLog(id: string): Promise<string>;
  /** Keeps the log within its bounds. */
  boundLog(id: string): void;
  /** Throws its world away; its log stays. */
  clearWorld(id: string): Promise<void>;
  /** Throws all of it away. */
  remove(id: string): Promise<void>;
}
