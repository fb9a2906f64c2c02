/** Which part of a grounded problem can matter to a goal: the rest is not worth a bit or a look. */
import type { Grounding, Operator, Rule } from "./ground.ts";
import type { Pace } from "./pace.ts";

/** The clock is asked once in so many operators. */
export const OPERATORS_PER_LOOK = 256;

export interface Relevant {
  /** Operators that can matter, each with those of its effects that can. */
  readonly operators: readonly Operator[];
  /** Numbers of the atoms that can change and matter. */
  readonly atoms: ReadonlySet<number>;
}

/**
 * Walks from the goal back to everything that can help to it, or spoil what helps.
 *
 * @throws {OutOfTime} when the pace says so.
 */
export async function relevantTo(
  { operators, canBe }: Grounding,
  goal: readonly number[],
  pace: Pace,
): Promise<Relevant> {
  const changes = (wanted: number) => canBe(wanted) && canBe(wanted ^ 1);
  const wanted = new Set(goal.filter(changes));
  const kept = new Set<number>();
  const makers = await makersOf(operators, pace);
  const want = (literals: readonly number[]) => {
    for (const each of literals) if (changes(each)) wanted.add(each);
  };
  // The walk includes what it inserts; effects that spoil may start it again.
  let walk = wanted.values();
  for (;;) {
    for (const each of walk) {
      if (pace.due()) await pace.rest();
      for (const { index, rule } of makers.get(each) ?? []) {
        kept.add(index);
        want((operators[index] as Operator).needs);
        want(rule.needs);
      }
    }
    const before = wanted.size;
    for (const index of kept) {
      const operator = operators[index] as Operator;
      if (operator.effects.length === 0) continue;
      if (pace.due()) await pace.rest();
      want(spoilers(operator, wanted));
    }
    if (wanted.size === before) break;
    walk = wanted.values();
  }
  const atoms = new Set([...wanted].map((each) => each >> 1));
  const touches = ({ makes }: Rule) => makes.some((each) => atoms.has(each >> 1));
  const relevant: Operator[] = [];
  for (const [index, operator] of operators.entries()) {
    if (index % OPERATORS_PER_LOOK === 0 && pace.due()) await pace.rest();
    if (!kept.has(index)) continue;
    const { effects } = operator;
    relevant.push(
      effects.length === 0 ? operator : { ...operator, effects: effects.filter(touches) },
    );
  }
  return { operators: relevant, atoms };
}

/**
 * What an operator's conditional effects depend on, either way: an effect that touches what matters
 * must be foreseen, and one that spoils it may have to be kept from happening.
 */
function spoilers({ effects }: Operator, wanted: ReadonlySet<number>): number[] {
  return effects
    .filter(({ makes }) => makes.some((each) => wanted.has(each) || wanted.has(each ^ 1)))
    .flatMap(({ needs }) => needs.flatMap((each) => [each, each ^ 1]));
}

async function makersOf(operators: readonly Operator[], pace: Pace) {
  const makers = new Map<number, { readonly index: number; readonly rule: Rule }[]>();
  for (const [index, operator] of operators.entries()) {
    if (index % OPERATORS_PER_LOOK === 0 && pace.due()) await pace.rest();
    for (const rule of [operator, ...operator.effects]) {
      for (const made of rule.makes) {
        const known = makers.get(made);
        if (known === undefined) makers.set(made, [{ index, rule }]);
        else known.push({ index, rule });
      }
    }
  }
  return makers;
}
