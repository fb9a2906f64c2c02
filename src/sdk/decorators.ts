/** The decorators that mark a plugin's handlers. They only mark: the class stays ordinary. */
import { type ErrorCode, ServantError } from "../core/errors.ts";
import {
  type ActionOptions,
  HANDLERS,
  type HandlerContext,
  type HandlerMark,
  type ParamsSchema,
} from "../core/handlers.ts";
import type { AnyFluent, ParamSpec, ParamsOf, Transition } from "../core/vocabulary.ts";
import type { ActionReturn, BeliefReturn } from "./results.ts";

type Awaitable<T> = T | Promise<T>;
type ActionMethod<T> = (params: T, ctx: HandlerContext) => Awaitable<ActionReturn>;
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
  if (typeof subject !== "string" && !isMade(subject, "params")) {
    refuse(`Cannot use @action of ${told(subject)}: write @action(transition)`);
  }
  checkLimit(options.timeoutMs);
  const { params: schema, ...rest } = options;
  return (_method, context) => {
    requireMethod(context, "@action");
    mark(context, {
      kind: "action",
      method: context.name,
      options: rest,
      ...(typeof subject === "string"
        ? { name: subject, ...(schema === undefined ? {} : { schema }) }
        : { name: subject.def.name, transition: subject }),
    });
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

/** Made by `transition` or `fluent`: JavaScript, and a forgotten pair of brackets, pass anything. */
function isMade(subject: unknown, member: "params" | "args"): boolean {
  const { def } = (subject ?? {}) as { def?: unknown };
  return typeof def === "object" && def !== null && member in def;
}

function told(subject: unknown): string {
  const { name } = (subject ?? {}) as { name?: unknown };
  return typeof name === "string" && name !== "" ? `"${name}"` : String(typeof subject);
}

function checkLimit(timeoutMs: unknown): void {
  if (timeoutMs === undefined || (typeof timeoutMs === "number" && timeoutMs > 0)) return;
  refuse(`Cannot use timeoutMs ${String(timeoutMs)}: give milliseconds above 0`);
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
