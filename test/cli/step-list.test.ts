import { expect, test } from "bun:test";
import { advance } from "../../src/cli/call/live-steps.ts";
import { drawSteps, StepList, stepText } from "../../src/cli/call/step-list.ts";
import { openOutput } from "../../src/cli/output.ts";
import type { JsonObject } from "../../src/core/json.ts";

const { paint } = openOutput({ write: () => {} }, {});
const MOVE = "move(start=room_one, end=room_two)";
const PICK = "pick(room=room_two, box=box_a)";

function drawn(list: StepList, nowMs = 0): string[] {
  return drawSteps(list.steps, nowMs, paint, 200);
}

/** The backend's clock is another one than this machine's. */
function log(list: StepList, fields: JsonObject, atMs: number): void {
  advance(list, { message: "", fields, timestamp: 1_000_000 + atMs / 1_000 }, atMs);
}
const started = (step: string) => ({ event: "step.started", step });
const done = (step: string) => ({ event: "step.finished", step, success: true, reason: "" });
const failed = (step: string, reason: string) => ({ ...done(step), success: false, reason });

test("stepText() is the step as a call", () => {
  const step = { action_name: "move", parameters: { start: "room_one", end: "room_two" } };
  expect(stepText(step)).toBe(MOVE);
  expect(stepText({ action: "weigh", params: { grams: 3 } })).toBe("weigh(grams=3)");
});

test("a step list advances by what the backend logs of its steps", () => {
  const list = new StepList();
  list.planned([MOVE, PICK]);
  expect(drawn(list)).toEqual([`· ${MOVE}`, `· ${PICK}`]);
  log(list, started(MOVE), 1_000);
  log(list, started(MOVE), 1_500); // said twice, it is still one
  log(list, { servantId: "7" }, 1_600);
  expect(drawn(list, 3_000)).toEqual([`⠋ ${MOVE}  2.0 s`, `· ${PICK}`]);
  log(list, done(MOVE), 3_500);
  log(list, started(PICK), 3_500);
  log(list, failed(PICK, "slipped\n(done)"), 4_000);
  expect(drawn(list, 9_000)).toEqual([`✓ ${MOVE}  2.5 s`, `✗ ${PICK}: slipped ⏎ (done)  0.5 s`]);
});

test("a step list keeps what has run when the backend plans again", () => {
  const list = new StepList();
  list.planned([MOVE, PICK]);
  log(list, started(MOVE), 0);
  log(list, failed(MOVE, "stuck"), 0);
  log(list, { event: "replanning" }, 0);
  log(list, started(MOVE), 0);
  expect(drawn(list)).toEqual([`✗ ${MOVE}: stuck  0.0 s`, `⠋ ${MOVE}  0.0 s`]);
});

test("drawSteps() never lets a line wrap", () => {
  const list = new StepList();
  list.planned(["x".repeat(500)]);
  expect(drawSteps(list.steps, 0, paint, 40)[0]).toHaveLength(39);
});
