// Goal: the page of the Python machine's faults lists them all and points at tests that exist. Method:
// each test that it names is looked for, by its file and by the text of its name, which says the fault's
// number.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/binary.ts";

const page = readFileSync(join(root, "docs", "puda-faults.md"), "utf8");
const FAULTS = 29;

/** Rows by fault: `| W1 | what it is | what ours does | tests |`. */
const rows = new Map(
  page.split("\n").flatMap((line) => {
    const [, number = ""] = /^\| (W\d+) \|/.exec(line) ?? [];
    return number === "" ? [] : [[number, line] as const];
  }),
);

test("the page lists every fault, once", () => {
  const numbers = Array.from({ length: FAULTS }, (_, at) => `W${at + 1}`);
  expect([...rows.keys()]).toEqual(numbers);
  expect(page.match(/^\| W\d+ \|/gm)).toHaveLength(FAULTS);
});

test("every fault names a test that exists and says its number, or why there is none", () => {
  const wrong = [...rows].filter(([number, row]) => {
    const named = [...row.matchAll(/`(test\/[^`]+\.test\.ts)`: "([^"]+)"/g)];
    if (named.length === 0) return !row.includes("No test:");
    return named.some(([, path = "", name = ""]) => {
      const file = join(root, path);
      const says = new RegExp(`\\b${number}\\b`).test(name);
      return !says || !existsSync(file) || !readFileSync(file, "utf8").includes(`"${name}"`);
    });
  });
  expect(wrong.map(([number]) => number)).toEqual([]);
});
