/** What becomes of a handler's schema, as the command makes it. */
import { z } from "zod";
import { schemaOf } from "../../src/core/catalogue.ts";
import { declare, type Source } from "../../src/stubs/declare.ts";
import { oscText } from "../../src/stubs/write-osc.ts";

export function source(name: string, shape: z.core.$ZodLooseShape, description?: string): Source {
  return sourceOf(name, z.object(shape), description);
}

export function sourceOf(name: string, schema: z.ZodType, description?: string): Source {
  const mark = { kind: "action" as const, name, method: name, schema, options: {} };
  return { name, description, schema: schemaOf(mark) };
}

/** The declarations, without what stands above them in every library. */
export function written(...sources: readonly Source[]): string {
  const { library, leftOut } = declare("arm", sources);
  if (leftOut.length > 0) throw new Error(JSON.stringify(leftOut));
  return oscText(library, "origin").replace(/^.*?import osc\.types\n\n?/s, "");
}

/** Why an action with such a parameter is left out. */
export function reasons(...sources: readonly Source[]): readonly string[] {
  return declare("arm", sources).leftOut.flatMap((each) => each.reasons);
}
