// Goal: `agent plan` is of use to a person and to a program. Method: the command as a process, on
// the public kinds of problems in test/fixtures/pddl.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TEXT_MAX } from "../../src/planner/pddl/read.ts";
import { root } from "../support/binary.ts";

const MAIN = join(root, "src", "main.ts");
const pddl = (name: string) => join(root, "test", "fixtures", "pddl", `${name}.pddl`);
const folder = mkdtempSync(join(tmpdir(), "agent-plan-"));
afterAll(() => rmSync(folder, { recursive: true }));

function start(args: readonly string[], stdin?: string) {
  return Bun.spawn([process.execPath, MAIN, "plan", ...args], {
    env: { ...process.env, NO_COLOR: "1" },
    stdin: stdin === undefined ? "ignore" : new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function plan(args: readonly string[], stdin?: string) {
  const child = start(args, stdin);
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

const named = (domain: string, problem: string) => [
  ...["--domain", pddl(`${domain}-domain`)],
  ...["--problem", pddl(`${domain}-${problem}`)],
];

test("agent plan prints a plan as other planners do", async () => {
  const { code, stdout, stderr } = await plan(named("briefcase", "pay-day"));
  const lines = stdout.trimEnd().split("\n");
  expect({ code, stderr, last: lines.at(-1) }).toEqual({
    code: 0,
    stderr: "",
    last: expect.stringMatching(/^; cost = \d+ \(general cost\)$/),
  });
  for (const line of lines.slice(0, -1))
    expect(line).toMatch(/^\((carry|pack|unpack)( [a-z]+)+\)$/);
});

test("agent plan reads one of the texts from stdin and writes the plan to a file", async () => {
  const output = join(folder, "six.plan");
  const args = ["--domain", pddl("gripper-domain"), "--problem", "-", "--output", output];
  const run = await plan(args, readFileSync(pddl("gripper-six-balls"), "utf8"));
  expect(run).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(readFileSync(output, "utf8")).toMatch(
    /^\(.*\(release b1 garden .*; cost = \d+ \(unit cost\)\n$/s,
  );
});

test("agent plan --json is one document, with a plan and without", async () => {
  const found = await plan([...named("blocks", "turn-over"), "--json"]);
  const document = JSON.parse(found.stdout);
  expect(document).toMatchObject({ reason: "plan_found", cost: document.plan.length });
  expect(document.plan.at(-1)).toEqual({
    action: expect.any(String),
    arguments: expect.any(Array),
  });
  const none = await plan([...named("blocks", "ring"), "--json"]);
  expect(none.code).toBe(1);
  expect(JSON.parse(none.stdout)).toMatchObject({ plan: null, cost: null });
});

test.each([
  ["gripper", "no-hand", "lies-in(b1, garden)"],
  ["freight", "no-plane", "at(flour, shop)"],
  ["briefcase", "apart", "the goal"],
  ["lights", "pair", "lit(b)"],
])("agent plan ends with 1 and says why %s %s has no plan", async (domain, problem, why) => {
  const { code, stdout, stderr } = await plan(named(domain, problem));
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^agent: No plan \((goal_unreachable|no_plan_found)\): /);
  expect(stderr).toContain(stderr.includes("goal_unreachable") ? why : "");
});

test.each<[string, string[], string | undefined, number, RegExp]>([
  [
    "a file that is not there",
    ["--domain", "/none", "--problem", "-"],
    "",
    2,
    /Cannot read "\/none": .*\nhint: /,
  ],
  [
    "a text that is too long",
    ["--domain", "-", "--problem", pddl("gripper-no-hand")],
    " ".repeat(TEXT_MAX + 1),
    2,
    /Cannot read "stdin", line 1, column 1: more than \d+ characters/,
  ],
  ["both texts on stdin", ["--domain", "-", "--problem", "-"], "", 2, /both texts from stdin/],
  ["no problem", ["--domain", "-"], "", 2, /required option '--problem <file>'/],
  [
    "a text that is none",
    ["--domain", "-", "--problem", pddl("gripper-no-hand")],
    "(define (domain gripper)\n  (:typos))",
    2,
    /^agent: Cannot read "stdin", line 2, column 4: expected one of .*not ":typos"\nhint: Mend/,
  ],
])("agent plan refuses %s", async (_, args, stdin, code, says) => {
  const run = await plan(args, stdin);
  expect(run.stderr).toMatch(says);
  expect([run.code, run.stdout]).toEqual([code, ""]);
});

/** A counter of so many bits must be counted through: there is a plan, of 2^40 steps. */
function counter(bits: number): string {
  const actions = Array.from({ length: bits }, (_, at) => {
    const below = Array.from({ length: at }, (_, bit) => bit);
    return `(:action up-${at} :parameters ()
      :precondition (and (not (bit-${at})) ${below.map((bit) => `(bit-${bit})`).join(" ")})
      :effect (and (bit-${at}) ${below.map((bit) => `(not (bit-${bit}))`).join(" ")}))`;
  });
  const predicates = Array.from({ length: bits }, (_, at) => `(bit-${at})`).join(" ");
  return `(define (domain counter) (:predicates ${predicates}) ${actions.join("\n")})`;
}

test("agent plan gives up when its time is up, and stops at Ctrl-C", async () => {
  const goal = Array.from({ length: 40 }, (_, at) => `(bit-${at})`).join(" ");
  const problem = join(folder, "counter.pddl");
  await Bun.write(problem, `(define (problem p) (:domain counter) (:init) (:goal (and ${goal})))`);
  const args = ["--domain", "-", "--problem", problem];
  const late = await plan([...args, "--time-budget", "0.5"], counter(40));
  expect(late.stderr).toMatch(
    /No plan \(planner_timeout\): .*\nhint: give it longer with --time-budget/s,
  );
  expect(late.code).toBe(75);
  // Who can write into the pipe knows that it is read, and that Ctrl-C is listened for by then.
  const pipe = join(folder, "domain.pipe");
  expect(await Bun.spawn(["mkfifo", pipe]).exited).toBe(0);
  const child = start(["--domain", pipe, "--problem", problem]);
  await writeFile(pipe, counter(40));
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
  expect(await child.stderr.text()).toContain("Planning was stopped");
});
