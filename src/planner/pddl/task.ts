/** A domain and a problem, section by section. Sections may come in any order that names allow. */
import type { Atom } from "../../core/atom.ts";
import type { Condition } from "../../core/condition.ts";
import { readNumber } from "./amount.ts";
import { type Effects, readEffect } from "./effect.ts";
import { type Parameter, readFormula, TRUE } from "./formula.ts";
import { EQUALS, Names, type Scope } from "./names.ts";
import { readForm, type Source, type Token } from "./source.ts";
import { Walk } from "./walk.ts";

const SUPPORTED = new Set([
  ":strips",
  ":typing",
  ":negative-preconditions",
  ":disjunctive-preconditions",
  ":existential-preconditions",
  ":universal-preconditions",
  ":quantified-preconditions",
  ":equality",
  ":conditional-effects",
  ":adl",
  ":action-costs",
  // Declared by domains that use numbers for their cost alone; any other use is refused where it stands.
  ":fluents",
  ":numeric-fluents",
]);

export interface Action {
  readonly name: string;
  /** First those that are declared, then those that only need to exist. */
  readonly parameters: readonly Parameter[];
  /** How many are declared. */
  readonly declared: number;
  readonly precondition: Condition;
  readonly effects: Effects;
}
export interface Task {
  readonly domain: string;
  readonly name: string;
  readonly names: Names;
  readonly actions: readonly Action[];
  readonly state: ReadonlySet<Atom>;
  readonly values: ReadonlyMap<Atom, number>;
  readonly goal: Condition;
  /** Variables of the goal that only need to exist. */
  readonly goalParameters: readonly Parameter[];
  /** True when the problem asks for little `total-cost`; else every action costs 1. */
  readonly hasCosts: boolean;
}

/** The sections of a text by their keyword. */
class Sections {
  readonly name: string;
  readonly nameAt: number;
  readonly source: Source;
  readonly #sections: { readonly keyword: Token; readonly walk: Walk }[] = [];

  constructor(source: Source, what: "domain" | "problem") {
    this.source = source;
    const form = readForm(source);
    const walk = new Walk(source, form);
    walk.word("define");
    const head = walk.inner(`"(${what} NAME)"`);
    head.word(what);
    const name = head.name(`the name of the ${what}`);
    head.end();
    this.name = name.text;
    this.nameAt = name.at;
    while (!walk.isDone) {
      const section = walk.inner('a section such as "(:action ...)"');
      this.#sections.push({ keyword: section.token("a keyword such as :action"), walk: section });
    }
  }

  /** Refuses every keyword that is not listed. */
  onlyThese(...keywords: string[]): void {
    for (const { keyword, walk } of this.#sections) {
      if (keywords.includes(keyword.text)) continue;
      const isKnown = [":derived", ":durative-action", ":constraints", ":length", ":process"];
      if (isKnown.includes(keyword.text)) {
        throw this.source.unsupported(keyword.at, `"${keyword.text}"`);
      }
      throw walk.wrong(keyword, `one of ${keywords.join(", ")}`);
    }
  }

  of(keyword: string): readonly Walk[] {
    return this.#sections.filter((each) => each.keyword.text === keyword).map(({ walk }) => walk);
  }

  need(keyword: string): Walk {
    const [section] = this.of(keyword);
    if (section !== undefined) return section;
    throw this.source.fault(this.nameAt, `"${this.name}" has no (${keyword} ...)`);
  }
}

/**
 * Reads both texts.
 *
 * @throws {ServantError} `pddl.malformed`, `pddl.unsupported`
 */
export function readTask(domainText: Source, problemText: Source): Task {
  const domain = new Sections(domainText, "domain");
  const problem = new Sections(problemText, "problem");
  const words = [":requirements", ":types", ":constants", ":predicates", ":functions", ":action"];
  domain.onlyThese(...words);
  problem.onlyThese(":domain", ":requirements", ":objects", ":init", ":goal", ":metric");
  for (const each of [...domain.of(":requirements"), ...problem.of(":requirements")])
    supported(each);
  const of = problem.need(":domain").name("the name of the domain");
  if (of.text !== domain.name) {
    throw problemText.fault(of.at, `it is for domain "${of.text}", not for "${domain.name}"`);
  }
  const names = new Names();
  for (const walk of domain.of(":types")) names.types.declare(walk);
  for (const walk of domain.of(":constants")) names.declareObjects(walk);
  for (const walk of problem.of(":objects")) names.declareObjects(walk);
  for (const walk of domain.of(":predicates")) names.declare(walk, names.predicates, "predicate");
  for (const walk of domain.of(":functions")) names.declare(walk, names.functions, "function");
  const actions = domain.of(":action").map((walk) => readAction(names, walk));
  refuseTwins(domain, actions);
  const goalParameters: Parameter[] = [];
  const goal = problem.need(":goal").inner("a formula");
  return {
    domain: domain.name,
    name: problem.name,
    names,
    actions,
    ...readInitial(names, problem.need(":init")),
    goal: readFormula(names, goal, new Map(), (each) => goalParameters.push(each)),
    goalParameters,
    hasCosts: problem.of(":metric").map(readMetric).length > 0,
  };
}

function supported(walk: Walk): void {
  while (!walk.isDone) {
    const { text, at } = walk.token("a requirement such as :strips");
    if (!SUPPORTED.has(text)) throw walk.source.unsupported(at, `requirement "${text}"`);
  }
}

function refuseTwins(domain: Sections, actions: readonly Action[]): void {
  const twin = actions.find(({ name }, at) => actions.findIndex((a) => a.name === name) < at);
  if (twin === undefined) return;
  throw domain.source.fault(domain.nameAt, `action "${twin.name}" is defined twice`);
}

function readAction(names: Names, walk: Walk): Action {
  const { source } = walk;
  const name = walk.name("the name of an action");
  const parts = new Map<string, Walk>();
  while (!walk.isDone) {
    const keyword = walk.token('":parameters", ":precondition" or ":effect"');
    if (![":parameters", ":precondition", ":effect"].includes(keyword.text)) {
      throw walk.wrong(keyword, '":parameters", ":precondition" or ":effect"');
    }
    if (parts.has(keyword.text)) throw source.fault(keyword.at, `"${keyword.text}" stands twice`);
    parts.set(keyword.text, walk.inner('"(...)"'));
  }
  const typed = parts.get(":parameters")?.typed("variable") ?? [];
  const scope: Map<string, string> = new Map();
  const parameters = typed.map((each): Parameter => {
    const { text, at } = each.name;
    if (scope.has(text)) throw source.fault(at, `parameter "${text}" is declared twice`);
    scope.set(text, text);
    return { name: text, types: names.types.names(walk, each) };
  });
  const declared = parameters.length;
  const condition = parts.get(":precondition");
  const lift = (parameter: Parameter) => void parameters.push(parameter);
  const precondition = condition ? readFormula(names, condition, scope, lift) : TRUE;
  const effect = parts.get(":effect");
  const none: Effects = { adds: [], removes: [], conditional: [], costs: [] };
  const effects = effect ? readEffect(names, effect, scope) : none;
  return { name: name.text, parameters, declared, precondition, effects };
}

function readInitial(names: Names, walk: Walk) {
  const nothing: Scope = new Map();
  const state = new Set<Atom>();
  const values = new Map<Atom, number>();
  while (!walk.isDone) {
    const fact = walk.inner("an atom");
    const head = fact.token("a predicate");
    if (head.text === EQUALS) {
      const target = fact.inner("a function such as (distance a b)");
      const name = target.name("the name of a function");
      const of = names.atom(target, name, nothing, names.functions);
      values.set(of, readNumber(fact));
      fact.end();
    } else if (head.text === "not") {
      const inner = fact.inner("an atom"); // false is what all else is
      names.atom(inner, inner.token("a predicate"), nothing, names.predicates);
      fact.end();
    } else {
      state.add(names.atom(fact, head, nothing, names.predicates));
    }
  }
  return { state, values };
}

function readMetric(walk: Walk): void {
  const direction = walk.token('"minimize"');
  const form = walk.peek();
  const of = walk.inner('"(total-cost)"');
  const what = of.token('"total-cost"');
  if (direction.text !== "minimize" || what.text !== "total-cost" || !of.isDone) {
    const at = form?.at ?? direction.at;
    throw walk.source.unsupported(at, "a metric other than minimize (total-cost)");
  }
  walk.end();
}
