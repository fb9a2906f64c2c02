/** The decorators that mark a plugin's handlers. They only mark: the class stays ordinary. */
import { type ErrorCode, ServantError } from "../core/errors.ts";
import {
  type ActionOptions,
  HANDLERS,
  type HandlerContext,
  type HandlerMark,
  type ParamsSchema,
  type SafeContext,
} from "../core/handlers.ts";
import type { AnyFluent, ParamSpec, ParamsOf, Transition } from "../core/vocabulary.ts";
import type { ActionReturn, BeliefReturn, Reconcile } from "./results.ts";

type Awaitable<T> = T | Promise<T>;
type ActionMethod<T> = (params: T, ctx: HandlerContext) => Awaitable<ActionReturn>;
type ReconcileMethod<T> = (params: T, ctx: HandlerContext) => Awaitable<Reconcile>;
// biome-ignore lint/suspicious/noConfusingVoidType: a method may simply return
type SafeMethod = (ctx: SafeContext) => Awaitable<boolean | void>;
type BeliefMethod = (ctx: HandlerContext) => Awaitable<BeliefReturn>;
type Decorator<M> = (method: M, context: ClassMethodDecoratorContext) => void;

/**
 * Marks the method that performs a transition. Its parameters are typed by the transition: each
 * arrives as a reference with a `name`. A handler that has no transition brings a schema.
 *
 * @example
 * @action(move, { timeoutMs: 60_000 })
 * async drive({ end }: { end: Room }, ctx: ActionContext) { ... }
 *
 * @action("weigh", { params: z.object({ grams: z.number() }) })
 * weigh({ grams }: { grams: number }) { ... }
 */
export function action<P extends ParamSpec>(
  transition: Transition<P>,
  options?: ActionOptions,
): Decorator<ActionMethod<ParamsOf<P>>>;
export function action<T>(
  name: string,
  options: ActionOptions & { readonly params: ParamsSchema<T> },
): Decorator<ActionMethod<T>>;
export function action(
  subject: Transition | string,
  options: ActionOptions & { readonly params?: ParamsSchema } = {},
): Decorator<ActionMethod<never>> {
  const { params: schema, ...rest } = options;
  const subjectMark = markOf(subject, schema, "@action");
  checkOptions(rest);
  return (_method, context) => {
    requireMethod(context, "@action");
    mark(context, { kind: "action", method: context.name, options: rest, ...subjectMark });
  };
}

/** The same as `action`, as DYNOS 0.2.2 names it for handlers made of further steps. */
export const script = action;

/**
 * Marks the method that observes a fluent.
 *
 * @example
 * @belief(robotAt)
 * where() { return BeliefResult.sole(robotAt(this.room)); }
 */
export function belief(fluent: AnyFluent): Decorator<BeliefMethod> {
  if (!isMade(fluent, "args")) {
    refuse(`Cannot use @belief of ${told(fluent)}: write @belief(fluent)`);
  }
  return (_method, context) => {
    requireMethod(context, "@belief");
    mark(context, { kind: "belief", name: fluent.def.name, method: context.name, fluent });
  };
}

/**
 * Marks the method that reads the world and says what became of a transition that was cut off (by a
 * crash, a kill or a power cut). It is given what the action was given, and must move nothing.
 *
 * @example
 * @reconcile(move)
 * look({ end }: { end: Room }) {
 *   return this.room === end.name ? Reconcile.done() : Reconcile.notDone();
 * }
 */
export function reconcile<P extends ParamSpec>(
  transition: Transition<P>,
): Decorator<ReconcileMethod<ParamsOf<P>>>;
export function reconcile<T>(
  name: string,
  options: { readonly params: ParamsSchema<T> },
): Decorator<ReconcileMethod<T>>;
export function reconcile(
  subject: Transition | string,
  { params }: { readonly params?: ParamsSchema } = {},
): Decorator<ReconcileMethod<never>> {
  const subjectMark = markOf(subject, params, "@reconcile");
  return (_method, context) => {
    requireMethod(context, "@reconcile");
    mark(context, { kind: "reconcile", method: context.name, ...subjectMark });
  };
}

/**
 * Marks the one method that makes the machine safe: stops motors, closes valves. It runs in a new
 * process before anything else when an action was cut off, again until it succeeds; throwing or
 * returning false is failure.
 *
 * @example
 * @safe()
 * async halt() { await this.wheels.stop(); }
 */
export function safe(): Decorator<SafeMethod> {
  return (_method, context) => {
    requireMethod(context, "@safe");
    mark(context, { kind: "safe", name: "safe", method: context.name });
  };
}

function markOf(
  subject: Transition | string,
  schema: ParamsSchema | undefined,
  decorator: "@action" | "@reconcile",
) {
  if (typeof subject === "string") {
    return { name: subject, ...(schema === undefined ? {} : { schema }) };
  }
  if (!isMade(subject, "params")) {
    refuse(`Cannot use ${decorator} of ${told(subject)}: write ${decorator}(transition)`);
  }
  return { name: subject.def.name, transition: subject };
}

/** Made by `transition` or `fluent`: JavaScript, and a forgotten pair of brackets, pass anything. */
function isMade(subject: unknown, member: "params" | "args"): boolean {
  const { def } = (subject ?? {}) as { def?: unknown };
  return typeof def === "object" && def !== null && member in def;
}

function told(subject: unknown): string {
  const { name } = (subject ?? {}) as { name?: unknown };
  return typeof name === "string" && name !== "" ? `"${name}"` : String(typeof subject);
}

const LIMITS = ["timeoutMs", "progressTimeoutMs", "hangTimeoutMs"] as const;
const INTERRUPTED: readonly unknown[] = [undefined, "fail", "rerun"];

/** The type checker knows all this; a plugin in JavaScript has none. */
function checkOptions(options: Readonly<Partial<Record<keyof ActionOptions, unknown>>>): void {
  for (const name of LIMITS) {
    const ms = options[name];
    if (ms === undefined || (typeof ms === "number" && ms > 0)) continue;
    refuse(`Cannot use ${name} ${String(ms)}: give milliseconds above 0`);
  }
  const { description, onInterrupted, uses } = options;
  if (description !== undefined && typeof description !== "string") {
    refuse(`Cannot use description ${JSON.stringify(description)}: give text`);
  }
  if (!INTERRUPTED.includes(onInterrupted)) {
    refuse(`Cannot use onInterrupted ${JSON.stringify(onInterrupted)}: give "fail" or "rerun"`);
  }
  if (uses === undefined) return;
  const isNamed = (each: unknown) => typeof each === "string" && each !== "";
  if (!Array.isArray(uses) || !uses.every(isNamed)) {
    refuse(`Cannot use uses ${JSON.stringify(uses)}: list names such as ["arm"]`);
  }
}

function requireMethod(context: ClassMethodDecoratorContext, decorator: string): void {
  // A legacy decorator is called with the property's name instead of a context.
  if (typeof context !== "object" || context === null || !("metadata" in context)) {
    refuse(`Cannot apply ${decorator} as a legacy decorator`, "plugin.legacy-decorator");
  }
  const kind: string = context.kind;
  if (kind === "method" && !context.static && !context.private) return;
  const found = kind === "method" ? (context.static ? "static" : "private") : kind;
  refuse(
    `Cannot use ${decorator} on ${found} "${String(context.name)}": mark a public instance method`,
  );
}

function refuse(message: string, code: ErrorCode = "plugin.load-failed"): never {
  throw new ServantError(code, message);
}

function mark(context: ClassMethodDecoratorContext, handler: HandlerMark): void {
  const metadata = context.metadata as Record<symbol, readonly HandlerMark[] | undefined>;
  const parent = Object.getPrototypeOf(metadata) as typeof metadata | null;
  const inherited = parent?.[HANDLERS] ?? [];
  // A subclass starts from its parent's marks; a method it marks anew loses its parent's.
  const others = (metadata[HANDLERS] ?? []).filter(
    (each) => each.method !== handler.method || !inherited.includes(each),
  );
  metadata[HANDLERS] = [...others, handler];
}
