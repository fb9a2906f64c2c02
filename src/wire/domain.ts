/**
 * A vocabulary as a JSON document: what `agent host --domain FILE` and `--domain-path` read and
 * `agent domain import` writes. Strict: it is ours. `agent domain schema` prints it as JSON Schema.
 */
import { z } from "zod";
import { type Atom, parseAtom } from "../core/atom.ts";
import type { Condition } from "../core/condition.ts";
import type {
  ConditionalEffect,
  Domain,
  FluentDef,
  Problem,
  TransitionDef,
} from "../core/domain.ts";
import type { Json, JsonObject } from "../core/json.ts";

const Name = z.string().regex(/^[A-Za-z_][\w.:-]*$/, "use letters, digits, _ . : -");
const AtomText = z
  .string()
  .transform((text, context): Atom => {
    try {
      return parseAtom(text);
    } catch {
      context.addIssue(`"${text.slice(0, 200)}" is no atom: write name(?param, object)`);
      return z.NEVER;
    }
  })
  .meta({
    id: "atom",
    description: "A fluent with its arguments: objects by name, parameters as ?name",
    examples: ["robot_at(?start)", "hands_free"],
  });
const Atoms = z.array(AtomText).default([]);

/** What a condition that is none of its forms is told. */
export const CONDITION_FORMS = 'write an atom, {"and"|"or": [...]}, {"not": ...} or {atom, holds}';

const Inner = z.lazy(() => ConditionForm);
const ConditionForm: z.ZodType<Condition> = z
  .union(
    [
      AtomText.transform((atom) => ({ atom, holds: true })),
      z.strictObject({ atom: AtomText, holds: z.boolean() }),
      z.strictObject({ and: z.array(Inner) }),
      z.strictObject({ or: z.array(Inner) }),
      z.strictObject({ not: Inner }),
    ],
    CONDITION_FORMS,
  )
  .meta({ id: "condition", description: "An atom that holds, or conditions joined" });

const Arg = z.strictObject({ name: Name, type: Name });
const Type = z.strictObject({
  name: Name,
  fields: z
    .record(z.string(), z.enum(["number", "string", "boolean", "json"]))
    .default({})
    .describe("The values that its objects may carry, and their kinds"),
});
const Fluent = z.strictObject({
  name: Name,
  args: z.array(Arg).default([]).describe("In order; each of an object type"),
  default: z.boolean().default(false).describe("What holds of what nothing has set"),
  exclusive: z
    .literal(true)
    .exactOptional()
    .describe("Only one grounding can hold: observing one denies the others"),
});
const Effect = z.strictObject({
  when: ConditionForm.describe("Judged in the state before the step"),
  adds: Atoms,
  removes: Atoms,
});
const Step = z.strictObject({
  transition: Name,
  parameters: z
    .record(z.string(), z.string())
    .default({})
    .describe("Object names, or ?name of a parameter of the transition around it"),
});
const Transition = z.strictObject({
  name: Name,
  params: z
    .array(
      Arg.extend({
        optional: z
          .literal(true)
          .exactOptional()
          .describe("May be left out by who triggers it; a planner never gives it"),
      }),
    )
    .default([]),
  preconditions: z.array(ConditionForm).default([]).describe("All of them are needed"),
  adds: Atoms.describe("What a step makes true; wins over what it removes"),
  removes: Atoms.describe("What a step makes false"),
  effects: z.array(Effect).exactOptional().describe("What happens only under a condition"),
  cost: z.number().nonnegative().exactOptional().describe("Of one step; 1 when absent"),
  script: z.array(Step).exactOptional().describe("The steps that it is made of"),
});
const InnerValue = z.lazy(() => Value);
const Value: z.ZodType<Json> = z
  .union([
    z.union([z.null(), z.boolean(), z.number(), z.string()]),
    z.array(InnerValue),
    z.record(z.string(), InnerValue),
  ])
  .meta({ id: "value", description: "Any JSON" });
const ObjectForm = z.strictObject({
  name: Name,
  type: Name,
  fields: z.record(z.string(), Value).default({}),
  parent: Name.exactOptional().describe("The object that it is a part of"),
});

export const DomainFile = z
  .strictObject({
    $schema: z.string().exactOptional(),
    $comment: z.string().exactOptional(),
    name: Name,
    modules: z
      .array(z.string())
      .default([])
      .describe("The names under which a servant may ask for it, beside its own"),
    uses: z.array(Name).default([]).describe("The vocabularies whose words it uses"),
    types: z.array(Type).default([]),
    fluents: z.array(Fluent).default([]),
    transitions: z.array(Transition).default([]),
    objects: z.array(ObjectForm).default([]),
  })
  .transform(({ $schema, $comment, ...document }): DomainDocument => document)
  .meta({ title: "A vocabulary for agent", description: "Types, fluents, transitions, objects" });

/** A vocabulary with the names of those whose words it uses. */
export interface DomainDocument extends Domain {
  readonly uses: readonly string[];
}

/** JSON Schema (2020-12) of such a document. */
export function domainSchema(): JsonObject {
  return z.toJSONSchema(DomainFile, { io: "input" }) as JsonObject;
}

/**
 * What is wrong with a document. Of the forms that a condition may have, the one is taken that was
 * meant.
 */
export function shapeProblems(error: z.core.$ZodError): Problem[] {
  return error.issues.flatMap((issue) => problemsOf(issue, []));
}

function problemsOf(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): Problem[] {
  const path = [...above, ...issue.path];
  if (issue.code === "invalid_union") {
    const isElsewhere = ({ code, path: { length } }: z.core.$ZodIssue) =>
      length === 0 && (code === "invalid_type" || code === "unrecognized_keys");
    const meant = issue.errors.filter((issues) => !issues.some(isElsewhere));
    if (meant.length === 1) return (meant[0] ?? []).flatMap((each) => problemsOf(each, path));
  }
  return [{ place: placeText(path), reason: issue.message }];
}

function placeText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`));
  return text.join("").replace(/^\./, "");
}

/** The document of a vocabulary, short: what is at its default is left out. Code has no words. */
export function toDocument(domain: Domain & { readonly uses?: readonly string[] }): JsonObject {
  const { name, modules, uses = [], types, fluents, transitions, objects } = domain;
  return {
    name,
    ...unlessEmpty({ modules, uses }),
    ...unlessEmpty({
      types: types.map(({ fields, ...rest }) => ({ ...rest, ...unlessEmpty({ fields }) })),
      fluents: fluents.map(fluentDocument),
      transitions: transitions.map(transitionDocument),
      objects: objects.map(({ fields, ...rest }) => ({ ...rest, ...unlessEmpty({ fields }) })),
    }),
  };
}

function fluentDocument({ name, args, default: isTrue, exclusive }: FluentDef): JsonObject {
  const list = args.map((arg) => ({ ...arg }));
  return {
    ...{ name, ...unlessEmpty({ args: list }), ...(isTrue ? { default: true } : {}) },
    ...(exclusive === undefined ? {} : { exclusive }),
  };
}

function transitionDocument(def: TransitionDef): JsonObject {
  const { name, params, preconditions, adds, removes, effects = [], cost, script } = def;
  return {
    name,
    ...unlessEmpty({
      params: params.map((param) => ({ ...param })),
      preconditions: preconditions.map(conditionDocument),
      ...{ adds, removes, effects: effects.map(effectDocument) },
    }),
    ...(cost === undefined ? {} : { cost }),
    ...(script === undefined ? {} : { script: script.map((step) => ({ ...step })) }),
  };
}

function effectDocument({ when, adds, removes }: ConditionalEffect): JsonObject {
  return { when: conditionDocument(when), ...unlessEmpty({ adds, removes }) };
}

function conditionDocument(condition: Condition): Json {
  if ("atom" in condition) return condition.holds ? condition.atom : { ...condition };
  if ("not" in condition) return { not: conditionDocument(condition.not) };
  if ("and" in condition) return { and: condition.and.map(conditionDocument) };
  return { or: condition.or.map(conditionDocument) };
}

function unlessEmpty(members: Readonly<Record<string, Json>>): JsonObject {
  const isEmpty = (value: Json) =>
    typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !isEmpty(value)));
}
