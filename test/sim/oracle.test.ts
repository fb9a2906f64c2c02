// Goal: the oracle sees what no bug in a port can bring about: the simulation's own judge is tested.
import { expect, test } from "bun:test";
import { BELIEFS_MAX } from "../../src/agent/hand.ts";
import { IN_FLIGHT_MAX } from "../../src/agent/outbox.ts";
import { START_WITHIN_MS } from "../../src/agent/recovery.ts";
import { type Assignment, type AuditId, emptyResult } from "../../src/core/assignment.ts";
import { type Fact, keyOf } from "../../src/core/entry.ts";
import { Oracle } from "./oracle.ts";
import { type Moment, mayPassForFresh } from "./stories.ts";
import { Timeline } from "./timeline.ts";

const newOracle = () => new Oracle(new Timeline(), { concurrency: 2, hasSafe: true });

const action = (name: string): Assignment => ({
  kind: "action",
  auditId: name as AuditId,
  transition: "move",
  params: {},
});
const belief = (name: string): Assignment => ({
  kind: "belief",
  auditId: name as AuditId,
  fluent: "robot_at",
});

function accept(oracle: Oracle, assignment: Assignment): void {
  const key = keyOf(assignment.auditId);
  const facts: Fact[] = [
    { type: "accepted", atMs: 0, key, assignment, via: "servant-1" },
    { type: "started", atMs: 0, key },
  ];
  oracle.appended(facts, "here");
  oracle.written(facts, "here");
}

test("an agent that stops starts nothing more", () => {
  const oracle = newOracle();
  accept(oracle, action("a"));
  expect(oracle.violation).toBeUndefined();
  oracle.stops();
  accept(oracle, action("b"));
  expect(oracle.violation).toBe("an agent that stops starts nothing more: b");
});

test("only so many beliefs are observed at once", () => {
  const oracle = newOracle();
  for (let count = 0; count <= BELIEFS_MAX; count += 1) oracle.motion.begins(belief(`q${count}`));
  expect(oracle.violation).toBeUndefined(); // one was on its way on an older poll
  oracle.motion.begins(belief("too many"));
  expect(oracle.violation).toBe("a few beliefs are observed at once: too many");
});

test("only so many results are under way at once", () => {
  const oracle = newOracle();
  accept(oracle, action("a"));
  const result = emptyResult("a" as AuditId, false);
  const key = keyOf(result.auditId);
  const finished: Fact[] = [{ type: "finished", atMs: 0, key, result }];
  oracle.appended(finished, "here");
  oracle.written(finished, "here");
  const delivery = { key, result, kind: "action", via: "servant-1" } as const;
  oracle.sent(delivery, "here", IN_FLIGHT_MAX);
  expect(oracle.violation).toBeUndefined();
  oracle.sent(delivery, "here", IN_FLIGHT_MAX + 1);
  expect(oracle.violation).toBe("a few results are under way at once: a");
});

test("a servant fights neither for ever nor gives up too early", () => {
  const oracle = newOracle();
  oracle.registrations.gaveUp();
  expect(oracle.violation).toStartWith("a servant gives up only a place that is contested");
  const other = newOracle();
  for (let count = 0; count < 4; count += 1) other.registrations.registered();
  expect(other.violation).toStartWith("a servant does not fight for its place for ever");
});

const moment = (atMs: number, wallMs: number): Moment => ({ life: 1, atMs, wallMs });
const ageAndReading: [string, number, number, boolean][] = [
  ["young, by a clock that runs true", 29_000, 29_000, true],
  ["old, by a clock that runs true", 31_000, 31_000, false],
  ["old, and the clock was set back to just after it", 3_600_000, 5_000, true],
  ["old, and the clock was set far back", 3_600_000, -5_000, false],
  ["old, and the clock was set a little back, not enough", 90_000, 60_000, false],
  ["young, and the clock was set ahead", 1_000, 3_600_000, true],
];
for (const [what, ageMs, readingMs, isFresh] of ageAndReading) {
  test(`what may pass for fresh: ${what}`, () => {
    const [from, to] = [moment(0, 1_000_000), moment(ageMs, 1_000_000 + readingMs)];
    expect(mayPassForFresh(from, to, START_WITHIN_MS)).toBe(isFresh);
  });
}
