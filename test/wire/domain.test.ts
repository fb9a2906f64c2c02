/** Vocabularies as documents: what is read is what was written, and what is wrong has a place. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { and, type Condition, not, or } from "../../src/core/condition.ts";
import type { Domain } from "../../src/core/domain.ts";
import type { Json } from "../../src/core/json.ts";
import {
  domain,
  fluent,
  objectType,
  optional,
  step,
  transition,
  when,
} from "../../src/core/vocabulary.ts";
import { adaptiveResampling } from "../../src/domains/adaptive-resampling.ts";
import { sentry } from "../../src/domains/sentry.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import { DomainFile, domainSchema, shapeProblems, toDocument } from "../../src/wire/domain.ts";

/** A domain without what data cannot say. */
function dataOf(domain: Domain) {
  const { code: _, view: _view, identity: _identity, checkObject: _check, ...data } = domain;
  return { ...data, uses: [] };
}

function read(content: Json) {
  const parsed = DomainFile.safeParse(content);
  if (parsed.success) return parsed.data;
  return shapeProblems(parsed.error).map(({ place, reason }) => `${place}: ${reason}`);
}

const lab = objectType("lab", { level: "number" });
const home = lab("home", { level: 3 });
const lit = fluent("lit", { lab }).defaultTrue().exclusive();
const clean = fluent("clean", { lab });
const sweep = transition("sweep", {
  params: { where: lab, by: optional(lab) },
  preconditions: ({ where }) => [and(lit(where), or(not(clean(where)), not(and(lit(home)))))],
  adds: ({ where }) => [clean(where)],
  effects: ({ where }) => [when(not(lit(home)), { removes: [lit(where)] })],
  cost: 2.5,
});
const round = transition("round", { script: () => [step(sweep, { where: home })] });
const laboratory = domain("laboratory", { transitions: [sweep, round], modules: ["my_lab"] });

test.each([laboratory, warehouse, sentry, adaptiveResampling])(
  "the document of a vocabulary is read back as what it was: $name",
  (vocabulary) => {
    const text = JSON.stringify(toDocument(vocabulary));
    expect(read(JSON.parse(text))).toEqual(dataOf(vocabulary));
  },
);

test("every condition is read back as it was", () => {
  const name = fc.constantFrom("lit(home)", "clean(?where)", "free");
  const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 5 },
      fc.record({ atom: name, holds: fc.boolean() }) as fc.Arbitrary<Condition>,
      fc.record({ and: fc.array(tie("condition"), { maxLength: 3 }) }),
      fc.record({ or: fc.array(tie("condition"), { maxLength: 3 }) }),
      fc.record({ not: tie("condition") }),
    ),
  }));
  fc.assert(
    fc.property(condition, (precondition) => {
      const def = { ...sweep.def, preconditions: [precondition] };
      const wrote = { ...laboratory, transitions: [def] };
      expect(read(toDocument(wrote))).toEqual(dataOf(wrote));
    }),
  );
});

test("what an editor wants to see in a file is let pass", () => {
  const $schema = "./domain.schema.json";
  expect(read({ $schema, $comment: "mine", name: "empty" })).toEqual({
    name: "empty",
    ...{ modules: [], uses: [], types: [], fluents: [], transitions: [], objects: [] },
  });
});

describe("a mistake is told with its place", () => {
  const inTransition = (parts: Json) => ({
    name: "x",
    transitions: [{ name: "a" }, { name: "b", ...(parts as object) }],
  });
  test.each<[Json, string]>([
    [inTransition({ adds: ["at(x)", "at(x"] }), 'transitions[1].adds[1]: "at(x" is no atom'],
    [
      inTransition({ preconditions: [{ and: ["free", { not: "at((x))" }] }] }),
      'transitions[1].preconditions[0].and[1].not: "at((x))" is no atom',
    ],
    [inTransition({ preconditions: [{ andd: [] }] }), 'preconditions[0]: write an atom, {"and"'],
    [inTransition({ preconditions: [{ or: "free" }] }), "preconditions[0].or: Invalid input"],
    [inTransition({ preconditions: [{ atom: "free" }] }), "preconditions[0].holds: Invalid"],
    [inTransition({ preconditions: [3] }), "preconditions[0]: write an atom"],
    [inTransition({ effects: [{ adds: ["free"] }] }), "transitions[1].effects[0].when: write"],
    [inTransition({ cost: -1 }), "transitions[1].cost: Too small"],
    [inTransition({ pre: [] }), 'transitions[1]: Unrecognized key: "pre"'],
    [inTransition({ script: [{ transition: "a b" }] }), "script[0].transition: use letters"],
    [{ name: "x", types: [{ name: "t", fields: { a: "metre" } }] }, "types[0].fields.a: "],
    [{ name: "../../etc/passwd" }, "name: use letters, digits"],
    [{}, "name: Invalid input"],
    [[], ": Invalid input: expected object"],
    ["text", ": Invalid input: expected object"],
  ])("%j", (content, says) => {
    const problems = read(content);
    expect(problems).toBeArrayOfSize(1);
    expect((problems as string[])[0]).toContain(says);
  });
});

test("the schema describes documents, and itself refers to nothing outside", () => {
  const text = JSON.stringify(domainSchema());
  const { properties, $defs } = JSON.parse(text);
  expect(Object.keys(properties)).toEqual([
    "$schema",
    "$comment",
    ...["name", "modules", "uses", "types", "fluents", "transitions", "objects"],
  ]);
  expect(Object.keys($defs).sort()).toEqual(["atom", "condition", "value"]);
  expect($defs.condition.anyOf).toHaveLength(5);
  const refs = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref);
  expect(new Set(refs)).toEqual(new Set(Object.keys($defs).map((name) => `#/$defs/${name}`)));
});
