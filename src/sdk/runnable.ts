/** The static side of a plugin class that takes part in its own registration. */
import type { Atom } from "../core/atom.ts";

/** What `static register(orchestrator, cli)` is given. */
export interface Registrar {
  /** Takes the class's handlers; constructs it unless `autoConstruct` is false. */
  registerClass(cls: new () => object, options?: { readonly autoConstruct?: boolean }): Registrar;
  /** Lets this object carry out its class's handlers. */
  bindInstance(instance: object): Registrar;
}

/**
 * A plugin class may have these static methods; each is also found under its snake_case name.
 * Without `register`, the class itself is registered and constructed.
 */
export interface Runnable {
  register?(orchestrator: Registrar, cli: Readonly<Record<string, never>>): void | Promise<void>;
  getStartState?(cli: object): readonly (Atom | string)[] | Promise<readonly (Atom | string)[]>;
  getStartGoal?(cli: object): readonly (Atom | string)[] | Promise<readonly (Atom | string)[]>;
  getDomainModules?(cli: object): readonly string[] | Promise<readonly string[]>;
}
