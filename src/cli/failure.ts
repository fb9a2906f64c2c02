/** What a person reads when a command fails, and the exit code a supervisor sees. */
import { exitCodes, messageOf, ServantError } from "../core/errors.ts";
import { Secrets } from "../core/secrets.ts";

/** Prints a failure to stderr and returns the exit code of its kind. */
export function reportFailure(cause: unknown): number {
  if (isClosedPipe(cause)) return 0; // `agent call objects | head -1` is no failure
  process.stderr.write(`${failureText(cause)}\n`);
  return cause instanceof ServantError ? exitCodes[cause.kind] : exitCodes.permanent;
}

/**
 * The lines of a failure; what is not a ServantError is ours and shows its stack. What was mistyped
 * on the command line may hold a password: it is masked.
 */
export function failureText(cause: unknown): string {
  const { masked } = new Secrets();
  if (cause instanceof ServantError && cause.code !== "agent.internal") {
    return `agent: ${masked(cause.message)}\nhint: ${cause.hint}`;
  }
  const origin = cause instanceof ServantError && cause.cause !== undefined ? cause.cause : cause;
  const stack = origin instanceof Error ? (origin.stack ?? messageOf(origin)) : messageOf(origin);
  const hint = new ServantError("agent.internal", "").hint;
  const text = `agent: internal error: ${messageOf(cause)}\n${stack}`;
  return `${masked(text)}\nhint: ${hint}`;
}

function isClosedPipe(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "EPIPE";
}
