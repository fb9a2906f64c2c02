/** The parameters of one transition, as clients give them. */
import type { TransitionDef } from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { suggestion } from "../core/nearest.ts";
import type { World } from "./world.ts";

/** Absent parameters are null or `"None"` on the wire; numbers and booleans are names as text. */
export function paramTexts(params: JsonObject): Record<string, string> {
  const given = Object.entries(params).filter(([, value]) => value !== null && value !== "None");
  return Object.fromEntries(
    given.map(([name, value]) => {
      if (typeof value === "object") {
        throw new ServantError(
          "assignment.bad-params",
          `Cannot use parameter "${name}": give the name of an object`,
        );
      }
      return [name, String(value)];
    }),
  );
}

/**
 * Every declared parameter with an object of its type; `arg0` stands for the first one. What is
 * optional may be left out, and is not there then.
 *
 * @throws {ServantError} `assignment.bad-params`
 */
export function checkedParams(
  { name, params }: TransitionDef,
  given: Readonly<Record<string, string>>,
  world: Pick<World, "object" | "objects">,
): Record<string, string> {
  const bad = (reason: string) =>
    new ServantError("assignment.bad-params", `Cannot use "${name}": ${reason}`);
  const known = params.flatMap((param, index) => [param.name, `arg${index}`]);
  const stray = Object.keys(given).find((key) => !known.includes(key));
  if (stray !== undefined) {
    const names = params.map((param) => param.name);
    throw bad(`it has no parameter "${stray}"${suggestion(stray, names)}`);
  }
  return Object.fromEntries(
    params.flatMap((param, index): [string, string][] => {
      const object = given[param.name] ?? given[`arg${index}`];
      if (object === undefined && param.optional) return [];
      if (object === undefined) throw bad(`its parameter "${param.name}" is missing`);
      const type = world.object(object)?.type;
      if (type === undefined) {
        const peers = world.objects().filter((each) => each.type === param.type);
        const near = suggestion(
          object,
          peers.map((each) => each.name),
        );
        throw bad(`there is no object "${object.slice(0, 200)}" for "${param.name}"${near}`);
      }
      if (type !== param.type) {
        throw bad(`"${object}" is a ${type}, and "${param.name}" is a ${param.type}`);
      }
      return [[param.name, object]];
    }),
  );
}
