/** What can be had of a goal that cannot be had whole. */
import type { Literal } from "../core/condition.ts";
import { OutOfMemory, OutOfTime } from "./pace.ts";
import type { Blocked, Relaxation } from "./problem.ts";
import { type Found, isSame, type Solver, spell } from "./solve.ts";

/**
 * The goal without its obstacles, planned for. Where that has no plan either, the parts are taken up
 * in the order of the goal, each that can be had beside those before it.
 */
export async function relaxed(
  solver: Solver,
  goal: readonly Literal[],
  obstacles: readonly Blocked[],
): Promise<Relaxation> {
  const given = new Map<Literal, Blocked>();
  for (const obstacle of obstacles) {
    const wanted = goal.find((each) => isSame(each, obstacle) && !given.has(each));
    if (wanted !== undefined) given.set(wanted, obstacle);
  }
  const rest = () => goal.filter((each) => !given.has(each));
  const result = (plan: Found["plan"] | null): Relaxation => ({
    blocking: goal.flatMap((each) => given.get(each) ?? []),
    goal: rest(),
    plan,
  });
  try {
    // A goal without obstacles was searched for already, and there was nothing.
    const whole = obstacles.length === 0 ? undefined : await solver.solve(rest());
    if (whole !== undefined) return result(whole.plan);
    const kept: Literal[] = [];
    let plan: Found["plan"] = [];
    for (const wanted of goal) {
      // What excludes another part can be had if that other one cannot.
      if ((given.get(wanted)?.why ?? "mutex") !== "mutex") continue;
      const found = await solver.tryFor([...kept, wanted]);
      if ("plan" in found) {
        given.delete(wanted);
        kept.push(wanted);
        plan = found.plan;
      } else given.set(wanted, found.obstacle ?? besideOf(kept, wanted));
    }
    return result(plan);
  } catch (cause) {
    if (cause instanceof OutOfTime || cause instanceof OutOfMemory) return result(null);
    throw cause;
  }
}

function besideOf(kept: readonly Literal[], wanted: Literal): Blocked {
  const others = kept.map(spell).join(", ");
  const detail =
    kept.length === 0
      ? "every reachable state was seen, it holds in none"
      : `every reachable state was seen, it holds in none together with ${others}`;
  return { ...wanted, why: "together", detail };
}
