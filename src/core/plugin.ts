/**
 * A plugin class, read: its handlers, what it offers, how it starts. Shared by whatever runs
 * plugins: the agent's child process, the inline runner and the SDK's test kit.
 */
import { type Atom, parseAtom } from "./atom.ts";
import { isServantError, messageOf, ServantError } from "./errors.ts";
import { HANDLERS, type HandlerMark, metadataKey } from "./handlers.ts";
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
}

/** The marked methods of a class, its parents' included. */
export function handlerMarks(cls: object): readonly HandlerMark[] {
  const metadata = (cls as Record<symbol, unknown>)[metadataKey] ?? {};
  return (metadata as Record<symbol, readonly HandlerMark[] | undefined>)[HANDLERS] ?? [];
}

/**
 * Registers the class the way it asks for and reads what it offers.
 *
 * @throws {ServantError} `plugin.no-handlers`, `plugin.duplicate-handler`, `plugin.load-failed`
 */
export async function readPlugin(cls: PluginClass, name: string): Promise<Plugin> {
  const registrar = new ClassRegistrar();
  const register = staticMethod(cls, "register");
  if (register === undefined) registrar.registerClass(cls);
  else await guarded(`register ${name}`, () => register.call(cls, registrar, {}));
  const { actions, beliefs } = registrar.handlers();
  if (actions.size === 0 && beliefs.size === 0) {
    throw new ServantError("plugin.no-handlers", `Cannot run class "${name}": it has no handlers`);
  }
  const ask = async <T>(method: string): Promise<readonly T[]> => {
    const found = staticMethod(cls, method);
    const answer = found && (await guarded(`call ${name}.${method}`, () => found.call(cls, {})));
    return (answer as readonly T[] | null | undefined) ?? [];
  };
  const offer: Offer = {
    transitions: [...actions.keys()],
    fluents: [...beliefs.keys()],
    domainModules: await ask<string>("getDomainModules"),
    vocabulary: vocabularyOf(name, actions, beliefs),
    startState: (await ask<Atom | string>("getStartState")).map((each) => parseAtom(String(each))),
    startGoal: (await ask<Atom | string>("getStartGoal")).map((each) => parseAtom(String(each))),
  };
  return { offer, actions, beliefs };
}

/** What `static register(orchestrator, cli)` talks to; its snake_case names are DYNOS's own. */
class ClassRegistrar {
  readonly #classes = new Map<PluginClass, object | undefined>();

  registerClass(cls: PluginClass, options: { readonly autoConstruct?: boolean } = {}): this {
    const construct = options.autoConstruct ?? true;
    const made = construct ? constructed(cls) : this.#classes.get(cls);
    this.#classes.set(cls, made);
    return this;
  }

  bindInstance(instance: object): this {
    this.#classes.set(instance.constructor as PluginClass, instance);
    return this;
  }

  register_class(cls: PluginClass, construct: boolean | { auto_construct?: boolean } = true): this {
    const autoConstruct = typeof construct === "boolean" ? construct : construct.auto_construct;
    return this.registerClass(cls, autoConstruct === undefined ? {} : { autoConstruct });
  }

  bind_instance(instance: object): this {
    return this.bindInstance(instance);
  }

  handlers(): Pick<Plugin, "actions" | "beliefs"> {
    const found = { action: new Map<string, Handler>(), belief: new Map<string, Handler>() };
    for (const [cls, instance] of this.#classes) {
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
    return { actions: found.action, beliefs: found.belief };
  }
}

function duplicate(mark: HandlerMark, known: HandlerMark): ServantError {
  const what = mark.kind === "action" ? "transition" : "fluent";
  const methods = `"${String(known.method)}" and "${String(mark.method)}"`;
  return new ServantError(
    "plugin.duplicate-handler",
    `Cannot register two handlers for ${what} "${mark.name}": ${methods}`,
  );
}

function constructed(cls: PluginClass): object {
  try {
    return new cls();
  } catch (cause) {
    if (isServantError(cause)) throw cause;
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

async function guarded(what: string, call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (cause) {
    if (isServantError(cause)) throw cause;
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
