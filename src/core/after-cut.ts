/** Calls what a plugin has for the time after an action was cut off: @reconcile and @safe. */
import type { Assignment } from "./assignment.ts";
import { messageOf, ServantError } from "./errors.ts";
import { type HandlerContext, RECONCILE, type Reconciled, type SafeContext } from "./handlers.ts";
import { badResult, call, codeOf, kindOf, stackOf, toMessage, toParams } from "./perform.ts";
import type { Handler, Plugin } from "./plugin.ts";

const STATES: readonly unknown[] = ["done", "not-done", "partly"] satisfies Reconciled["state"][];

/**
 * Asks the plugin what became of an action.
 *
 * @throws {ServantError} `assignment.unknown`, `assignment.bad-params`, `handler.threw`,
 * `handler.bad-result`, or the reason of the abort that it threw
 */
export async function reconcile(
  plugin: Plugin,
  { transition, params }: Extract<Assignment, { kind: "action" }>,
  ctx: HandlerContext,
  starting: () => void = () => {},
): Promise<Reconciled> {
  const handler = plugin.reconciles.get(transition);
  if (handler === undefined) {
    const problem = `Cannot reconcile "${transition}": the plugin has no @reconcile for it`;
    throw new ServantError("assignment.unknown", problem);
  }
  const args = [toParams(handler.mark, params), ctx];
  const returned = await called(handler, args, starting, ctx);
  const marked = typeof returned === "object" && returned !== null && RECONCILE in returned;
  const { state, message } = (marked ? returned : {}) as Record<string, unknown>;
  if (!STATES.includes(state)) {
    throw badResult(`a @reconcile returned ${kindOf(returned)}, not a Reconcile`);
  }
  return { state: state as Reconciled["state"], message: toMessage(message) };
}

/**
 * Has the plugin make the machine safe.
 *
 * @throws {ServantError} when it threw or returned anything but nothing or true
 */
export async function makeSafe(
  { safe }: Plugin,
  ctx: SafeContext,
  starting: () => void = () => {},
): Promise<void> {
  if (safe === undefined) {
    throw new ServantError("assignment.unknown", "Cannot make it safe: the plugin has no @safe");
  }
  const returned = await called(safe, [ctx], starting, ctx);
  if (returned === undefined || returned === null || returned === true) return;
  const told = returned === false ? "false" : kindOf(returned);
  throw new ServantError("handler.bad-result", `Cannot take it for safe: @safe returned ${told}`);
}

async function called(
  handler: Handler,
  args: readonly unknown[],
  starting: () => void,
  { log, signal }: SafeContext,
): Promise<unknown> {
  starting();
  try {
    return await call(handler, args);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === undefined && !signal.aborted) log.error(stackOf(cause));
    throw new ServantError(code ?? "handler.threw", toMessage(messageOf(cause)), { cause });
  }
}
