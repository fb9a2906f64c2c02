/** A vocabulary as a JSON document: what `agent host --domain FILE` reads. Strict: it is ours. */
import { z } from "zod";
import { type Atom, parseAtom } from "../core/atom.ts";
import type { Domain } from "../core/domain.ts";

const Name = z.string().regex(/^[A-Za-z_][\w.:-]*$/, "use letters, digits, _ . : -");
/** Parameters stand in atoms as `?name`. */
const AtomText = z.string().transform((text, context): Atom => {
  try {
    return parseAtom(text);
  } catch {
    context.addIssue(`"${text}" is no atom: write name(?param, object)`);
    return z.NEVER;
  }
});
const Args = z.array(z.strictObject({ name: Name, type: Name })).default([]);

export const DomainFile = z.strictObject({
  name: Name,
  modules: z.array(z.string()).default([]),
  types: z
    .array(
      z.strictObject({
        name: Name,
        fields: z.record(z.string(), z.enum(["number", "string", "boolean", "json"])).default({}),
      }),
    )
    .default([]),
  fluents: z
    .array(z.strictObject({ name: Name, args: Args, default: z.boolean().default(false) }))
    .default([]),
  transitions: z
    .array(
      z.strictObject({
        name: Name,
        params: Args,
        preconditions: z
          .array(
            z.union([
              AtomText.transform((atom) => ({ atom, holds: true })),
              z.strictObject({ atom: AtomText, holds: z.boolean() }),
            ]),
          )
          .default([]),
        adds: z.array(AtomText).default([]),
        removes: z.array(AtomText).default([]),
      }),
    )
    .default([]),
  objects: z
    .array(
      z.strictObject({
        name: Name,
        type: Name,
        fields: z.record(z.string(), z.json()).default({}),
      }),
    )
    .default([]),
}) satisfies z.ZodType<Domain>;
