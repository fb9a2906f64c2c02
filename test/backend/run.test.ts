/** A run by itself: what it keeps of what it tells, and what it makes of its end. */
import { expect, test } from "bun:test";
import {
  ATTEMPTS_MAX,
  EVENTS_CHARACTERS_MAX,
  EVENTS_MAX,
  Run,
  TELEMETRY_CHARACTERS_MAX,
} from "../../src/backend/run.ts";

function runOf(): Run {
  const stopped = new AbortController().signal;
  return new Run({ kind: "goal", what: "all of it", now: () => 1_000, stopped, observe: () => {} });
}

test("a run keeps its last events, by number and by size, and counts on", () => {
  const many = runOf();
  for (let told = 0; told < EVENTS_MAX * 3; told += 1)
    many.tell({ type: "replanning", reason: "" });
  expect(many.events().length).toBeGreaterThanOrEqual(EVENTS_MAX);
  expect(many.events().length).toBeLessThanOrEqual(EVENTS_MAX * 2);
  expect(many.events().at(-1)?.seq).toBe(EVENTS_MAX * 3);
  const long = runOf();
  const reason = "x".repeat(EVENTS_CHARACTERS_MAX / 10);
  for (let told = 0; told < 100; told += 1) long.tell({ type: "replanning", reason });
  expect(long.events().length).toBeLessThanOrEqual(10);
  expect(long.events().at(-1)?.seq).toBe(100);
  expect(long.events(98).map(({ seq }) => seq)).toEqual([99, 100]);
});

test("a run that tries without end is over, and says so", () => {
  const run = runOf();
  for (let tried = 0; tried < ATTEMPTS_MAX; tried += 1) expect(run.mayAttempt()).toBe(true);
  expect(run.mayAttempt()).toBe(false);
  expect(run.halted.aborted).toBe(true);
  expect(run.halt().message).toContain(`more than ${ATTEMPTS_MAX} steps`);
});

test("those who listen hear the end, and nothing after it", () => {
  const run = runOf();
  const heard: (number | undefined)[] = [];
  run.listen((event) => heard.push(event?.seq));
  run.listen(() => heard.push(-1))();
  run.tell({ type: "replanning", reason: "" });
  run.end({ success: true, message: "" });
  run.listen(() => heard.push(-2));
  expect(heard).toEqual([1, 2, undefined]);
  expect(run.status).toBe("succeeded");
});

test("a run remembers telemetry while there is room for it, and says what it leaves out", () => {
  const run = runOf();
  const half = { image: "x".repeat(TELEMETRY_CHARACTERS_MAX / 2) };
  expect(run.remembered(half)).toBe(half);
  expect(run.remembered(half)).toEqual({ left_out: expect.stringContaining("characters") });
  expect(run.remembered({ metres: 3 })).toEqual({ metres: 3 });
});
