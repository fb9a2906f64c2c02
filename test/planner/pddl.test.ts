// Goal: PDDL is read as it is meant, and what is wrong is told at its place. Method: small domains with
// one thing in them, planned for; and random tasks, written as PDDL and read again, which must stay the same.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ServantError } from "../../src/core/errors.ts";
import { PddlSource, planText, readPddl } from "../../src/planner/pddl/read.ts";
import { DEPTH_MAX, TEXT_MAX } from "../../src/planner/pddl/source.ts";
import { findPlan } from "../../src/planner/plan.ts";
import { pddlTask } from "./pddl-tasks.ts";
import { fakeClock, problems } from "./tasks.ts";
import { writePddl } from "./write-pddl.ts";

const clock = fakeClock();

/** A domain of one section more, a problem with these sections. */
function texts(sections: string, problem: string) {
  return {
    domain: `(define (domain d)\n${sections})`,
    problem: `(define (problem p) (:domain d)\n${problem})`,
  };
}

function read({ domain, problem }: { domain: string; problem: string }) {
  return readPddl(new PddlSource("d.pddl", domain), new PddlSource("p.pddl", problem));
}

async function planned(sections: string, problem: string): Promise<string> {
  const task = read(texts(sections, problem));
  const { plan, reason, cost } = await findPlan(task.problem, { clock });
  return plan === null ? reason : planText(task, plan, cost ?? 0);
}

function faultOf(run: () => unknown): string {
  try {
    run();
  } catch (cause) {
    if (cause instanceof ServantError) return `${cause.code}: ${cause.message}`;
    throw cause;
  }
  return "nothing";
}

const TREE = `(:types car truck - vehicle vehicle crate - thing place)
  (:predicates (at ?t - thing ?p - place) (clean ?t - thing))
  (:action go :parameters (?v - vehicle ?a ?b - place)
    :precondition (at ?v ?a) :effect (and (at ?v ?b) (not (at ?v ?a))))
  (:action wash :parameters (?c - (either car crate)) :effect (clean ?c))`;
const THINGS =
  "(:objects c - car t - truck k - crate home shop - place) (:init (at c home) (at t home))";

test.each([
  ["a subtype is taken", "(at t shop)", "(go t home shop)\n; cost = 1 (unit cost)\n"],
  ["what is no subtype is not", "(at k shop)", "goal_unreachable"],
  ["one of two types is taken", "(clean k)", "(wash k)\n; cost = 1 (unit cost)\n"],
  ["one beside them is not", "(clean t)", "goal_unreachable"],
])("types: %s", async (_, goal, expected) => {
  expect(await planned(TREE, `${THINGS} (:goal ${goal})`)).toBe(expected);
});

test("types without a tree in use stay what they are, and nothing is added", () => {
  const { problem } = read(
    texts(
      `(:types room box) (:predicates (in ?b - box ?r - room))
       (:action put :parameters (?b - box ?r - room) :effect (in ?b ?r))`,
      "(:objects r - room b - box) (:init) (:goal (in b r))",
    ),
  );
  expect(problem.objects.map(({ type }) => type)).toEqual(["room", "box"]);
  expect([...problem.state]).toEqual([]);
  expect(problem.transitions[0]?.preconditions).toEqual([]);
});

const SWITCHES = "(:predicates (on ?x) (linked ?x ?y) (done) (off))";
const AB = "(:objects a b) (:init (on a) (linked a b))";

test.each<[string, string, string]>([
  ["equality keeps two apart", "(and (on ?x) (linked ?x ?y) (not (= ?x ?y)))", "(t a b)"],
  ["equality asks for one", "(and (on ?x) (= ?x ?y))", "(t a a)"],
  [
    "equality of constants",
    "(and (linked ?x ?y) (or (= a b) (and (= a a) (not (= b a)))))",
    "(t a b)",
  ],
  ["or", "(and (or (on ?x) (off)) (on ?y))", "(t a a)"],
  ["imply", "(and (imply (on ?x) (off)) (linked ?y ?x))", "(t b a)"],
  ["not over and", "(and (not (and (on ?x) (on ?y))) (linked ?x ?y))", "(t a b)"],
  ["exists", "(and (exists (?z) (linked ?z ?x)) (on ?y))", "(t b a)"],
  ["exists in an or", "(and (or (off) (exists (?z) (linked ?z ?x))) (on ?y))", "(t b a)"],
  ["not exists", "(and (not (exists (?z) (linked ?z ?x))) (on ?x) (on ?y))", "(t a a)"],
  ["forall", "(and (forall (?z) (imply (linked ?x ?z) (on ?x))) (linked ?x ?y))", "(t a b)"],
  ["not forall", "(and (not (forall (?z) (on ?z))) (linked ?x ?y))", "(t a b)"],
  ["nothing at all", "()", "(t "],
])("conditions: %s", async (_, condition, expected) => {
  const action = `(:action t :parameters (?x ?y) :precondition ${condition} :effect (done))`;
  expect(await planned(`${SWITCHES} ${action}`, `${AB} (:goal (done))`)).toStartWith(expected);
});

test("conditions: what can never hold is no action", async () => {
  const action = "(:action t :parameters (?x) :precondition (or) :effect (done))";
  expect(await planned(`${SWITCHES} ${action}`, `${AB} (:goal (done))`)).toBe("goal_unreachable");
});

test("effects: when, forall, and adding wins over removing", async () => {
  const action = `(:action t :parameters (?x) :precondition (not (off)) :effect (and (not (done)) (done) (off)
    (forall (?z) (when (linked ?x ?z) (and (on ?z) (not (on ?x)))))))`;
  const goal = "(:goal (and (on b) (not (on a)) (done)))";
  expect(await planned(`${SWITCHES} ${action}`, `${AB} ${goal}`)).toStartWith("(t a)\n;");
});

test.each<[string, string, string]>([
  ["asks for nothing", "(and)", "; cost = 0 (unit cost)\n"],
  ["is an or", "(or (done) (and (off) (not (off))))", "(t)\n; cost = 1 (unit cost)\n"],
  ["only needs something", "(exists (?z) (and (on ?z) (done)))", "(t)\n; cost = 1 (unit cost)\n"],
  ["is about everything", "(forall (?z) (imply (on ?z) (done)))", "(t)\n; cost = 1 (unit cost)\n"],
  ["can never hold", "(or)", "goal_unreachable"],
])("the goal %s", async (_, goal, expected) => {
  const action = "(:action t :parameters () :effect (done))";
  expect(await planned(`${SWITCHES} ${action}`, `${AB} (:goal ${goal})`)).toBe(expected);
});

test("costs are constants, functions and sums; a step whose cost has no value is none", async () => {
  const domain = `(:predicates (at ?x)) (:functions (way ?x ?y) - number (total-cost) - number)
    (:action go :parameters (?x ?y) :precondition (at ?x)
      :effect (and (at ?y) (not (at ?x)) (increase (total-cost) (+ 1 (way ?x ?y)))))`;
  const ways = "(= (total-cost) 0) (= (way a b) 9) (= (way a c) 2) (= (way c b) 3.5)";
  const goal = "(:objects a b c) (:goal (at b))";
  const costly = `${goal} (:init (at a) ${ways}) (:metric minimize (total-cost))`;
  expect(await planned(domain, costly)).toBe("(go a c)\n(go c b)\n; cost = 7.5 (general cost)\n");
  expect(await planned(domain, `${goal} (:init (at a) ${ways})`)).toBe(
    "(go a b)\n; cost = 1 (unit cost)\n",
  );
  const fixed = domain.replace("(+ 1 (way ?x ?y))", "3) (increase (total-cost) 2");
  expect(await planned(fixed, costly)).toBe("(go a b)\n; cost = 5 (general cost)\n");
  const free = domain.replace("(increase (total-cost) (+ 1 (way ?x ?y)))", "");
  expect(await planned(free, costly)).toBe("(go a b)\n; cost = 0 (general cost)\n");
  const bare = `${goal} (:init (at a)) (:metric minimize (total-cost))`;
  expect(await planned(domain, bare)).toBe("goal_unreachable");
});

test("letters of either case are one, comments are skipped", async () => {
  const domain = "(:PREDICATES (Done)) ; (nonsense\n(:Action T :Parameters () :Effect (DONE))";
  expect(await planned(domain, "(:init) (:GOAL (doNE)) ; )\n")).toStartWith("(t)\n");
});

const ACT = "(:predicates (on ?x))\n(:action t :parameters (?x)\n ";
const GOAL = "(:init) (:goal (and))";

test.each<[string, string, string, string]>([
  ["an unclosed bracket", "(:types a", GOAL, '1, column 1: this "(" is never closed'],
  ["what follows the end", "))", GOAL, '2, column 2: expected nothing after the last ")", not ")"'],
  ["a wrong section", "(:action-costs)", GOAL, "2, column 2: expected one of :requirements, "],
  ["a requirement", "(:requirements :timed-initial-literals)", GOAL, "2, column 16: requirement"],
  ["axioms", "(:derived (on ?x) (and))", GOAL, '2, column 2: ":derived" is not supported'],
  [
    "a type that is not there",
    "(:constants c - car)",
    GOAL,
    '2, column 17: there is no type "car"',
  ],
  ["a circle of types", "(:types a - b b - a)", GOAL, '2, column 19: type "a" is its own ancestor'],
  [
    "a predicate that is not there",
    `${ACT}:effect (off))`,
    GOAL,
    'line 4, column 11: there is no predicate "off"; nearest is "on"',
  ],
  [
    "a variable that is not there",
    `${ACT}:effect (on ?y))`,
    GOAL,
    '4, column 14: there is no variable "?y"; nearest is "?x"',
  ],
  ["too many arguments", `${ACT}:effect (on ?x ?x))`, GOAL, '"on" takes 1 argument, not 2'],
  [
    "a word for a list",
    `${ACT}:precondition on)`,
    GOAL,
    '4, column 16: expected "(...)", not "on"',
  ],
  ["a list for a word", `${ACT}:effect ((on ?x)))`, GOAL, 'not a "(" list'],
  [
    "an effect on numbers",
    `${ACT}:effect (decrease (f) 1))`,
    GOAL,
    '"decrease" in an effect is not',
  ],
  ["a test of numbers", `${ACT}:precondition (>= (f) 1))`, GOAL, '">=" in a condition is not'],
  [
    "an object that is not there",
    ACT.slice(0, 21),
    "(:init (on z)) (:goal (and))",
    'no object "z"',
  ],
  ["a metric", "", `${GOAL} (:metric maximize (total-cost))`, "a metric other than"],
  ["no goal", "", "(:init)", 'line 1, column 18: "p" has no (:goal ...)'],
  ["two equal actions", "(:action t) (:action t)", GOAL, 'action "t" is defined twice'],
  [
    "a type of nothing",
    "(:types - a)",
    GOAL,
    '2, column 9: expected a name before the type, not "-"',
  ],
])("readPddl() tells where %s stands", (_, domain, problem, expected) => {
  const fault = faultOf(() => read(texts(domain, problem)));
  expect(fault).toContain(expected);
  expect(fault).toMatch(
    /^pddl\.(malformed|unsupported): Cannot read "[dp]\.pddl", line \d+, column/,
  );
});

test("readPddl() has limits: nesting, length, ways to choose", () => {
  const deep = `${"(and ".repeat(DEPTH_MAX)}${")".repeat(DEPTH_MAX)}`;
  const nested = faultOf(() => read(texts("", `(:init) (:goal ${deep})`)));
  expect(nested).toContain(`more than ${DEPTH_MAX} nested brackets`);
  expect(faultOf(() => read(texts("", " ".repeat(TEXT_MAX))))).toContain("characters");
  const objects = Array.from({ length: 60 }, (_, at) => `o${at}`).join(" ");
  const wide = `(:objects ${objects}) (:init) (:goal (forall (?a ?b ?c) (on ?a)))`;
  expect(faultOf(() => read(texts(SWITCHES, wide)))).toContain("ways to choose objects");
  const another = { ...texts("", GOAL), domain: "(define (domain e))" };
  expect(faultOf(() => read(another))).toContain('it is for domain "d", not for "e"');
});

test("readPddl() never fails in another way, however the text is spoilt", () => {
  const cut = fc.record({
    seed: fc.nat(500),
    at: fc.nat(3000),
    by: fc.constantFrom("", "(", ")", "?", " - "),
  });
  fc.assert(
    fc.property(cut, ({ seed, at, by }) => {
      const { domain, problem } = pddlTask(seed);
      const spoil = (text: string) =>
        `${text.slice(0, at % text.length)}${by}${text.slice((at % text.length) + 3)}`;
      expect(faultOf(() => read({ domain: spoil(domain), problem }))).toMatch(/^(nothing$|pddl\.)/);
      expect(faultOf(() => read({ domain, problem: spoil(problem) }))).toMatch(
        /^(nothing$|pddl\.)/,
      );
    }),
    { numRuns: 200 },
  );
});

test("a problem that is written as PDDL and read again has the same verdict", async () => {
  await fc.assert(
    fc.asyncProperty(problems, async ({ allowed: _, ...problem }) => {
      const again = read(writePddl("again", problem)).problem;
      const first = await findPlan(problem, { clock });
      const second = await findPlan(again, { clock });
      // Here a goal of nothing is a mistake, there it holds. (Why there is no plan may be seen
      // sooner or later: the reader takes away what always holds.)
      const hasPlan = first.plan !== null || first.reason === "no_goal_set";
      expect(second.plan !== null).toBe(hasPlan);
    }),
    { numRuns: 200 },
  );
});
