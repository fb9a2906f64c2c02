// Goal: our verdict, plan or none, is the truth, and no plan is wrong. Method: Fast Downward judges the same
// tasks with a complete search; unified-planning's validator and a simulation on Fast Downward's own
// reading of the text judge our plans. `npm run truth` does it a thousand times.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compare, type Truth, taskOf } from "../planner/truth.ts";
import { root } from "../support/binary.ts";
import { Judge, plannersPython } from "../support/planners.ts";

const TASKS = 100;
/** Judges at once: their translator is slow, and there are two cores at least. */
const JUDGES = 2;

const python = await plannersPython();
const folder = join(root, "test", "fixtures", "pddl");
const files = readdirSync(folder).filter((name) => !name.endsWith("-domain.pddl"));

describe.skipIf(python === undefined)("Fast Downward and unified-planning", () => {
  test(`${TASKS} random tasks have the same verdict, and our plans are valid`, async () => {
    const found: Truth[] = [];
    const share = async (first: number) => {
      await using judge = new Judge(python ?? "");
      for (let seed = first; seed < TASKS; seed += JUDGES) {
        const truth = await compare(judge, taskOf(seed));
        expect({ seed, faults: truth.faults }).toEqual({ seed, faults: [] });
        found.push(truth);
      }
    };
    await Promise.all(Array.from({ length: JUDGES }, (_, first) => share(first)));
    // They are worth something only when every verdict comes up often.
    const count = (verdict: Truth["verdict"]) =>
      found.filter((each) => each.verdict === verdict).length;
    expect(count("plan")).toBeGreaterThan(TASKS / 5);
    expect(count("none")).toBeGreaterThan(TASKS / 5);
    expect(found.filter(({ undecided }) => undecided).length).toBeLessThan(TASKS / 20);
  }, 300_000);

  test(`the ${files.length} tasks of test/fixtures/pddl have the same verdict, and our plans are valid`, async () => {
    await using judge = new Judge(python ?? "");
    const read = (file: string) => readFileSync(join(folder, file), "utf8");
    for (const file of files) {
      const domain = read(`${file.split("-")[0]}-domain.pddl`);
      const { faults } = await compare(judge, { domain, problem: read(file) });
      expect({ file, faults }).toEqual({ file, faults: [] });
    }
  }, 120_000);
});
