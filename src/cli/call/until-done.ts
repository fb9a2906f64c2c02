/**
 * Waits for what a backend carries out. The client may end first, by Ctrl-C, by `--timeout` or because
 * the link is lost: what it waited for goes on, and the person is told how to see and how to end it.
 */
import type { LongOptions } from "../../client/orchestrator.ts";
import { ServantError } from "../../core/errors.ts";
import type { CallOptions } from "./context.ts";

/** What a shell reports of a command that Ctrl-C ended. */
const INTERRUPTED = 130;

/** @throws {ServantError} `execution.unwatched` when it ends first; else whatever `begin` throws. */
export async function untilDone<T>(
  options: CallOptions,
  begin: (long: LongOptions) => Promise<T>,
): Promise<T> {
  const { timeout } = options;
  const late = new AbortController();
  const timer = timeout === undefined ? undefined : setTimeout(() => late.abort(), timeout * 1_000);
  let runId: string | undefined;
  const leave = () => {
    process.stderr.write(`\nagent: it goes on at the backend: ${waysOn(options, runId)}\n`);
    process.exit(INTERRUPTED);
  };
  process.once("SIGINT", leave);
  try {
    const onRun = (id: string) => {
      runId = id;
    };
    return await begin({ signal: late.signal, onRun });
  } catch (cause) {
    if (!late.signal.aborted && !(isLost(cause) && wasBegun(cause, runId))) throw cause;
    const why = late.signal.aborted ? `it took longer than ${timeout} s` : messageOf(cause);
    const reason = `Cannot wait for the end: ${why}; it may go on: ${waysOn(options, runId)}`;
    throw new ServantError("execution.unwatched", reason, { cause });
  } finally {
    clearTimeout(timer);
    process.removeListener("SIGINT", leave);
  }
}

/** The commands that tell how it goes and that end it, for the same backend. */
function waysOn({ to, session }: CallOptions, runId: string | undefined): string {
  const where = [to && ` --to ${to}`, session && ` --session ${session}`].filter(Boolean).join("");
  const look = runId === undefined ? "runs" : `run ${runId}`;
  return `see \`agent call ${look}${where}\`, end it with \`agent call cancel${where}\``;
}

function isLost(cause: unknown): cause is ServantError {
  return cause instanceof ServantError && cause.kind === "transient";
}

/** A connection that never was carried nothing to the backend. */
function wasBegun(cause: ServantError, runId: string | undefined): boolean {
  const { code } = (cause.cause ?? {}) as { readonly code?: unknown };
  const isRefused = code === "ECONNREFUSED" || code === "ConnectionRefused" || code === "ENOTFOUND";
  return runId !== undefined || (cause.code === "backend.unreachable" && !isRefused);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
