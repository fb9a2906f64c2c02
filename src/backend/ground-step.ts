/** The parameters of one transition, as a trigger gives them. */
import type { TransitionDef } from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import { suggestion } from "./nearest.ts";

/** Every declared parameter with an object of its type; `arg0` stands for the first one. */
export function checkedParams(
  { name, params }: TransitionDef,
  given: Readonly<Record<string, string>>,
  typeOf: (object: string) => string | undefined,
): Record<string, string> {
  const bad = (reason: string) =>
    new ServantError("assignment.bad-params", `Cannot trigger "${name}": ${reason}`);
  const known = params.flatMap((param, index) => [param.name, `arg${index}`]);
  const stray = Object.keys(given).find((key) => !known.includes(key));
  if (stray !== undefined) {
    const names = params.map((param) => param.name);
    throw bad(`it has no parameter "${stray}"${suggestion(stray, names)}`);
  }
  return Object.fromEntries(
    params.map((param, index) => {
      const object = given[param.name] ?? given[`arg${index}`];
      if (object === undefined) throw bad(`its parameter "${param.name}" is missing`);
      const type = typeOf(object);
      if (type === undefined) throw bad(`there is no object "${object}"`);
      if (type !== param.type) throw bad(`"${object}" is a ${type}, not a ${param.type}`);
      return [param.name, object];
    }),
  );
}
