// Goal: docs/dialects.md says of each dialect what its adapter's suite leaves out, and why; and the tests
// that it names are there. Method: the page beside the suite's own dialects.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Ability, Dialect } from "../contract/dialects/dialect.ts";
import { dynosOurs } from "../contract/dialects/dynos-ours.ts";
import { dynosPlain } from "../contract/dialects/dynos-plain.ts";
import { pudaOn } from "../contract/dialects/puda.ts";
import { scenarioBy } from "../contract/dialects/scenario.ts";
import { root } from "../support/binary.ts";
import type { RunningNats } from "../support/nats.ts";

const page = readFileSync(join(root, "docs", "dialects.md"), "utf8");
const cellsOf = (row: string) =>
  row
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
const rowsOf = (title: string) =>
  (page.split(`\n## ${title}\n`)[1]?.split("\n## ")[0] ?? "")
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map(cellsOf);

/** As the page calls them, in its order. */
const ABILITIES: readonly (readonly [string, Ability])[] = [
  ["ask for a belief", "belief"],
  ["cancel", "cancel"],
  ["hear a cancel while it stops", "drain"],
  ["tell why, and what was measured", "details"],
  ["forget a servant", "forget"],
  ["outlive a lost link", "link"],
  ["parameters that are any JSON", "json"],
  ["pause", "pause"],
  ["refuse a result", "refuse"],
  ["hand out the same twice", "repeat"],
  ["send what cannot be read", "unreadable"],
];

test("what each dialect cannot do, and why, is what its suite leaves out", () => {
  // Nobody is asked for a server or a client here.
  const puda = pudaOn(undefined as unknown as RunningNats);
  const dialects: readonly Dialect[] = [dynosPlain, dynosOurs, puda, scenarioBy("")];
  const rows = ABILITIES.map(([name, ability]) => [
    name,
    ...dialects.map(({ cannot }) => cannot[ability] ?? ""),
  ]);
  expect(rowsOf("What each cannot").slice(1)).toEqual(rows);
});

test("every test that it names is there", () => {
  const cells = rowsOf("What holds it").slice(1);
  expect(cells.length).toBeGreaterThan(5);
  for (const [concept = "", tests = ""] of cells) {
    const named = [...tests.matchAll(/`(test\/[^`]+\.ts)`: "((?:[^"\\]|\\.)+)"/g)];
    expect(named.length, concept).toBeGreaterThan(0);
    for (const [, path = "", name = ""] of named) {
      const file = join(root, path);
      expect(existsSync(file), path).toBe(true);
      expect(readFileSync(file, "utf8"), path).toContain(name.replaceAll('\\"', '"'));
    }
  }
});

test("every concept has a cell for each dialect", () => {
  const rows = rowsOf("What each can say");
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.filter((cells) => cells.length !== 4 || cells.includes(""))).toEqual([]);
});
