/**
 * Names for the enums and structs of a library. Those that are alike share one. The client looks
 * names up from the inside out, parameters among them: no type may be called as any parameter is.
 */
import type { Declaration } from "./declare.ts";
import type { Field, MadeType, ValueType } from "./value-type.ts";
import { nameProblem, snakeCase } from "./words.ts";

export interface TypeNames {
  /** What is declared, each before whatever uses it. */
  readonly declared: readonly { readonly name: string; readonly type: MadeType }[];
  of(type: MadeType): string;
}

export function nameTypes(
  library: string,
  actors: readonly string[],
  actions: readonly Declaration[],
): TypeNames {
  const taken = new Set([...actors, ...actions.map(({ name }) => name)]);
  for (const { fields } of actions) for (const name of namesIn(fields)) taken.add(name);
  const naming = new Naming(library, taken);
  for (const { name, fields } of actions) {
    for (const field of fields) naming.visit(field.type, name, field.name);
  }
  return { declared: naming.declared, of: (type) => naming.of(type) };
}

function namesIn(fields: readonly Field[]): string[] {
  return fields.flatMap(({ name, type }) => {
    const inner = type.is === "list" ? type.of : type;
    return inner.is === "struct" ? [name, ...namesIn(inner.fields)] : [name];
  });
}

class Naming {
  readonly declared: { name: string; type: MadeType }[] = [];
  readonly #byShape = new Map<string, string>();
  readonly #library: string;
  readonly #taken: Set<string>;

  constructor(library: string, taken: Set<string>) {
    this.#library = library;
    this.#taken = taken;
  }

  visit(type: ValueType, action: string, field: string): void {
    const inner = type.is === "list" ? type.of : type;
    if (inner.is !== "enum" && inner.is !== "struct") return;
    if (inner.is === "struct") {
      for (const each of inner.fields) this.visit(each.type, action, each.name);
    }
    const shape = JSON.stringify(inner);
    if (this.#byShape.has(shape)) return;
    const name = this.#free(inner.title, action, field);
    this.#byShape.set(shape, name);
    this.#taken.add(name);
    this.declared.push({ name, type: inner });
  }

  of(type: MadeType): string {
    const name = this.#byShape.get(JSON.stringify(type));
    if (name === undefined) throw new Error("Cannot name a type that no action uses");
    return name;
  }

  /** By its title, else by the parameter that brings it, else by the action, too. */
  #free(title: string | undefined, action: string, field: string): string {
    const own = title === undefined ? "" : snakeCase(title);
    const names = [own, `${this.#library}_${own === "" ? field : own}`];
    names.push(`${action.replace(".", "_")}_${field}`);
    const free = (name: string) =>
      !this.#taken.has(name) && nameProblem(name, "type") === undefined;
    const found = names.find(free);
    if (found !== undefined) return found;
    for (let count = 2; ; count += 1) {
      const name = `${names.at(-1)}_${count}`;
      if (free(name)) return name;
    }
  }
}
