/** The decorators that mark a plugin's handlers. They only mark: the class stays ordinary. */
import { ServantError } from "../core/errors.ts";
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
  const { params: schema, ...rest } = options;
  return (_method, context) => {
    requireStandard(context, "@action");
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
  return (_method, context) => {
    requireStandard(context, "@belief");
    mark(context, { kind: "belief", name: fluent.def.name, method: context.name, fluent });
  };
}

function requireStandard(context: unknown, decorator: string): void {
  // A legacy decorator is called with the property's name instead of a context.
  if (typeof context !== "object" || context === null || !("metadata" in context)) {
    throw new ServantError(
      "plugin.legacy-decorator",
      `Cannot apply ${decorator} as a legacy decorator`,
    );
  }
}

function mark(context: ClassMethodDecoratorContext, handler: HandlerMark): void {
  if (context.static) {
    throw new ServantError(
      "plugin.load-failed",
      `Cannot use static method "${String(context.name)}" as a handler: make it an instance method`,
    );
  }
  const metadata = context.metadata as Record<symbol, HandlerMark[] | undefined>;
  const own = Object.hasOwn(metadata, HANDLERS) ? metadata[HANDLERS] : undefined;
  // A subclass starts from its parent's marks and may override them by method name.
  const inherited = (own ?? metadata[HANDLERS] ?? []).filter(
    (each) => own !== undefined || each.method !== handler.method,
  );
  metadata[HANDLERS] = [...inherited, handler];
}
