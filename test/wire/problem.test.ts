// Goal: whoever sends what cannot be read is told what of it, and what would do, in a line.
import { expect, test } from "bun:test";
import { CreateSession } from "../../src/wire/gateway.ts";
import { AssignmentQuery, ClientFrame } from "../../src/wire/local.ts";
import { problemOf } from "../../src/wire/problem.ts";

function problem(schema: typeof ClientFrame | typeof AssignmentQuery, value: unknown): string {
  const { error } = schema.safeParse(value);
  if (error === undefined) throw new Error("it can be read");
  const { where, reason } = problemOf(error);
  return `${where}: ${reason}`;
}

test.each([
  { value: { subscribe: { levels: "warn" } }, told: 'subscribe: there is no "levels"' },
  {
    value: { subscribe: { level: "loud" } },
    told: "subscribe.level: none of debug, info, warn, error",
  },
  { value: { subscribe: { since: -1 } }, told: "subscribe.since: less than 0" },
  { value: { subscribe: { auditId: "" } }, told: "subscribe.auditId: less than 1 characters" },
  {
    value: { subscribe: { text: "x".repeat(10_000) } },
    told: "subscribe.text: more than 256 characters",
  },
  { value: { subscribe: { sources: "agent" } }, told: "subscribe.sources: not of type array" },
  { value: null, told: ": not of type object" },
])("of a frame $value it is told: $told", ({ value, told }) => {
  expect(problem(ClientFrame, value)).toBe(told);
});

test("types are called as JSON calls them", () => {
  const told = (value: unknown) =>
    problemOf(CreateSession.safeParse(value).error ?? { issues: [] });
  expect(told({ config: [] })).toEqual({ where: "config", reason: "not of type object" });
  expect(told({ timeout_s: 1.5 })).toEqual({ where: "timeout_s", reason: "not of type integer" });
});

test("of a query it is told what it may say", () => {
  const told = "state: none of unfinished, waiting, closed, refused";
  expect(problem(AssignmentQuery, { state: "lost" })).toBe(told);
  expect(problem(AssignmentQuery, { limit: "1e9" })).toBe("limit: more than 200");
});

test("a reason stays a line, whatever it is about", () => {
  const told = problem(ClientFrame, { subscribe: { ["x".repeat(10_000)]: 1 } });
  expect(told.length).toBeLessThan(300);
});
