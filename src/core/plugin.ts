/**
 * A plugin class, read: its handlers, what it offers, how it starts. Shared by whatever runs
 * plugins: the agent's child process, the inline runner and the SDK's test kit.
 */
import { type Atom, parseAtom } from "./atom.ts";
import { commandOf } from "./catalogue.ts";
import { isServantError, messageOf, ServantError } from "./errors.ts";
import {
  type ActionOptions,
  type ActionRules,
  HANDLERS,
  type HandlerMark,
  metadataKey,
} from "./handlers.ts";
import type { Offer } from "./ports.ts";
import { domain } from "./vocabulary.ts";

export type PluginClass = new () => object;

export interface Handler {
  readonly mark: HandlerMark;
  readonly instance: object;
}

export interface Plugin {
  readonly offer: Offer;
  readonly actions: ReadonlyMap<string, Handler>;
  readonly beliefs: ReadonlyMap<string, Handler>;
  /** What finds out what became of an action, by transition. */
  readonly reconciles: ReadonlyMap<string, Handler>;
  /** What makes the machine safe. */
  readonly safe?: Handler;
  /** The plugin's objects, in the order of their classes. */
  readonly instances: readonly object[];
  /** The names of their methods that are handlers. */
  readonly marked: ReadonlySet<string | symbol>;
}

/** The marked methods of a class, its parents' included. */
export function handlerMarks(cls: object): readonly HandlerMark[] {
  const metadata = (cls as Record<symbol, unknown>)[metadataKey] ?? {};
  return (metadata as Record<symbol, readonly HandlerMark[] | undefined>)[HANDLERS] ?? [];
}

/** An object of the class. */
export type MakeInstance = (cls: PluginClass) => object;

/**
 * Registers the class the way it asks for and reads what it offers.
 *
 * @throws {ServantError} `plugin.no-handlers`, `plugin.duplicate-handler`, `plugin.load-failed`
 */
export async function readPlugin(
  cls: PluginClass,
  name: string,
  make: MakeInstance = constructed,
): Promise<Plugin> {
  const registrar = new ClassRegistrar(make);
  const register = staticMethod(cls, "register");
  if (register === undefined) registrar.registerClass(cls);
  else await guarded(`register ${name}`, () => register.call(cls, registrar, {}));
  const { actions, beliefs, ...others } = registrar.handlers();
  if (actions.size === 0 && beliefs.size === 0) {
    throw new ServantError("plugin.no-handlers", `Cannot run class "${name}": it has no handlers`);
  }
  const ask = async <T>(method: string, read: (each: unknown) => T): Promise<readonly T[]> =>
    await guarded(`use ${name}.${method}`, async () => {
      const answer: unknown = (await staticMethod(cls, method)?.call(cls, {})) ?? [];
      if (!Array.isArray(answer)) throw new TypeError("it must return a list");
      return answer.map(read);
    });
  const offer: Offer = {
    transitions: [...actions.keys()],
    fluents: [...beliefs.keys()],
    domainModules: await ask("getDomainModules", toText),
    catalogue: [...actions.values()].flatMap(({ mark }) =>
      mark.kind === "action" ? [commandOf(mark)] : [],
    ),
    vocabulary: vocabularyOf(name, actions, beliefs),
    startState: await ask("getStartState", toAtom),
    startGoal: await ask("getStartGoal", toAtom),
  };
  return { offer, actions, beliefs, ...others };
}

/** Actions of the agent's own, each with the object that does it. */
export type Additions = readonly Handler[];

/**
 * The plugin with these beside its own actions. Their objects are set up first and shut down last.
 *
 * @throws {ServantError} `plugin.duplicate-handler`: whose of two it would be, nobody could tell
 */
export function extended(plugin: Plugin, additions: Additions): Plugin {
  const taken = additions.find(({ mark }) => plugin.actions.has(mark.name))?.mark.name;
  if (taken !== undefined) {
    const problem = `Cannot add the agent's own "${taken}": the plugin has an action of that name`;
    throw new ServantError("plugin.duplicate-handler", problem);
  }
  const { offer } = plugin;
  const added = additions.flatMap(({ mark }) => (mark.kind === "action" ? [commandOf(mark)] : []));
  return {
    ...plugin,
    offer: {
      ...offer,
      transitions: [...offer.transitions, ...additions.map(({ mark }) => mark.name)],
      catalogue: [...(offer.catalogue ?? []), ...added],
    },
    actions: new Map([
      ...plugin.actions,
      ...additions.map((each) => [each.mark.name, each] as const),
    ]),
    instances: [...additions.map(({ instance }) => instance), ...plugin.instances],
  };
}

/** What a plugin's actions say of themselves, by transition; fit to be sent as JSON. */
export function actionRules({ actions, reconciles }: Plugin): Record<string, ActionRules> {
  const rules = [...actions].flatMap(([name, { mark }]): [string, ActionRules][] => {
    if (mark.kind !== "action") return [];
    const { onInterrupted = "fail", uses, ...limits } = mark.options;
    const interrupted = reconciles.has(name) ? "reconcile" : onInterrupted;
    const occupied = {
      ...(uses === undefined ? {} : { uses }),
      ...(mark.isLight === undefined ? {} : { isLight: mark.isLight }),
    };
    return [[name, { onInterrupted: interrupted, ...occupied, ...limited(limits) }]];
  });
  return Object.fromEntries(rules);
}

/** Infinity would not survive JSON: no limit is none, but no hang timeout would be the usual one. */
function limited({ timeoutMs, progressTimeoutMs, hangTimeoutMs }: ActionOptions): ActionOptions {
  const hangMs = hangTimeoutMs && Math.min(hangTimeoutMs, Number.MAX_SAFE_INTEGER);
  const limits = Object.entries({ timeoutMs, progressTimeoutMs, hangTimeoutMs: hangMs });
  return Object.fromEntries(limits.filter(([, ms]) => Number.isFinite(ms)));
}

function toText(each: unknown): string {
  if (typeof each !== "string") throw new TypeError(`it must list text, not a ${typeof each}`);
  return each;
}

function toAtom(each: unknown): Atom {
  return parseAtom(toText(each));
}

/** What `static register(orchestrator, cli)` talks to; its snake_case names are DYNOS's own. */
class ClassRegistrar {
  readonly #classes = new Map<PluginClass, object | undefined>();
  readonly #make: MakeInstance;

  constructor(make: MakeInstance) {
    this.#make = make;
  }

  registerClass(cls: PluginClass, options: { readonly autoConstruct?: boolean } = {}): this {
    const construct = options.autoConstruct ?? true;
    // An object that is already bound stays: a second one would not be the plugin's own.
    this.#classes.set(cls, this.#classes.get(cls) ?? (construct ? this.#make(cls) : undefined));
    return this;
  }

  bindInstance(instance: object): this {
    const cls: unknown = (instance as object | null | undefined)?.constructor;
    if (typeof cls !== "function") throw new TypeError("bindInstance takes an object of a class");
    this.#classes.set(cls as PluginClass, instance);
    return this;
  }

  register_class(cls: PluginClass, construct: boolean | { auto_construct?: boolean } = true): this {
    const autoConstruct = typeof construct === "boolean" ? construct : construct.auto_construct;
    return this.registerClass(cls, autoConstruct === undefined ? {} : { autoConstruct });
  }

  bind_instance(instance: object): this {
    return this.bindInstance(instance);
  }

  handlers(): Omit<Plugin, "offer"> {
    const found = {
      action: new Map<string, Handler>(),
      belief: new Map<string, Handler>(),
      reconcile: new Map<string, Handler>(),
      safe: new Map<string, Handler>(),
    };
    const bound = [...this.#classes.values()].filter((each) => each !== undefined);
    for (const [cls, instance] of this.#classes) {
      // Registered without an object and bound as a subclass: that one has the handlers.
      if (instance === undefined && bound.some((each) => each instanceof cls)) continue;
      for (const mark of handlerMarks(cls)) {
        if (instance === undefined) {
          throw new ServantError(
            "plugin.load-failed",
            `Cannot run class "${cls.name}": registered without an object, bind one`,
          );
        }
        const known = found[mark.kind].get(mark.name);
        if (known !== undefined) throw duplicate(mark, known.mark);
        found[mark.kind].set(mark.name, { mark, instance });
      }
    }
    checkReconciles(found.action, found.reconcile);
    const [safe] = found.safe.values();
    const handlers = Object.values(found).flatMap((each) => [...each.values()]);
    return {
      instances: [...this.#classes.values()].filter((each) => each !== undefined),
      marked: new Set(handlers.map(({ mark }) => mark.method)),
      actions: found.action,
      beliefs: found.belief,
      reconciles: found.reconcile,
      ...(safe === undefined ? {} : { safe }),
    };
  }
}

function checkReconciles(
  actions: ReadonlyMap<string, Handler>,
  reconciles: ReadonlyMap<string, Handler>,
): void {
  for (const [name, { mark }] of reconciles) {
    const action = actions.get(name)?.mark;
    const method = `"${String(mark.method)}"`;
    if (action?.kind !== "action") {
      const problem = `Cannot use @reconcile on ${method}: no @action does "${name}"`;
      throw new ServantError("plugin.load-failed", problem);
    }
    const { onInterrupted } = action.options;
    if (onInterrupted === undefined) continue;
    const said = `onInterrupted "${onInterrupted}" and its @reconcile ${method}`;
    throw new ServantError("plugin.load-failed", `Cannot do "${name}" with both ${said}: keep one`);
  }
}

function duplicate(mark: HandlerMark, known: HandlerMark): ServantError {
  const what = {
    action: `handlers for transition "${mark.name}"`,
    belief: `handlers for fluent "${mark.name}"`,
    reconcile: `@reconcile methods for transition "${mark.name}"`,
    safe: "@safe methods",
  }[mark.kind];
  const methods = `"${String(known.method)}" and "${String(mark.method)}"`;
  return new ServantError("plugin.duplicate-handler", `Cannot register two ${what}: ${methods}`);
}

/** For whoever only reads what a plugin says of itself: its constructor may reach for the machine. */
export function unconstructed(cls: PluginClass): object {
  return Object.create(cls.prototype as object) as object;
}

function constructed(cls: PluginClass): object {
  try {
    return new cls();
  } catch (cause) {
    if (isServantError(cause) && cause.code.startsWith("plugin.")) throw cause;
    throw new ServantError(
      "plugin.load-failed",
      `Cannot construct class "${cls.name}": ${messageOf(cause)}`,
      { cause },
    );
  }
}

type StaticMethod = (...args: unknown[]) => unknown;

function staticMethod(cls: object, name: string): StaticMethod | undefined {
  const snakeCase = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const statics = cls as Record<string, unknown>;
  const found = statics[name] ?? statics[snakeCase];
  return typeof found === "function" ? (found as StaticMethod) : undefined;
}

async function guarded<T>(what: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (isServantError(cause) && cause.code.startsWith("plugin.")) throw cause;
    throw new ServantError("plugin.load-failed", `Cannot ${what}: ${messageOf(cause)}`, { cause });
  }
}

function vocabularyOf(
  name: string,
  actions: ReadonlyMap<string, Handler>,
  beliefs: ReadonlyMap<string, Handler>,
) {
  const marks = [...actions.values(), ...beliefs.values()].map(({ mark }) => mark);
  return domain(name, {
    transitions: marks.flatMap((mark) =>
      mark.kind === "action" && mark.transition !== undefined ? [mark.transition] : [],
    ),
    fluents: marks.flatMap((mark) => (mark.kind === "belief" ? [mark.fluent] : [])),
  });
}
