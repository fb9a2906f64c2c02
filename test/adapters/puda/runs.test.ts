// Goal: whatever commanders send in whatever order, a machine is in one run at most, and nothing of a
// run that was called off begins again.
// Method: any sequence of what may happen, beside a model that keeps only what the peers' contract says.
import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  admit,
  CANCELLED_MAX,
  cancel,
  complete,
  ended,
  noRuns,
  type Runs,
  reset,
  start,
} from "../../../src/adapters/puda/runs.ts";

const id = fc.constantFrom("a", "b", "");
const event = fc.oneof(
  fc.record({ does: fc.constantFrom("start", "complete", "cancel"), run: fc.option(id) }),
  fc.record({ does: fc.constant("reset") }),
  fc.record({
    does: fc.constant("command"),
    run: id,
    isFirst: fc.boolean(),
    isBusy: fc.boolean(),
    fails: fc.boolean(),
  }),
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

interface World {
  runs: Runs;
  /** Runs that a commander called off and nobody started since. */
  readonly off: Set<string>;
}

function happen(world: World, given: Event): void {
  if (!("run" in given)) {
    world.runs = reset(world.runs);
    return;
  }
  const before = world.runs.active?.id;
  if ("isFirst" in given) {
    const { run, isFirst, isBusy, fails } = given;
    const step = admit(world.runs, { runId: run, isFirstGeneration: isFirst }, isBusy, true);
    if ("refused" in step) {
      // A run of its own is refused to nobody; another's is to the newer commanders, always.
      expect(before === run && run !== "").toBe(false);
      return;
    }
    expect(step.runs.active?.id).toBe(run);
    expect(world.off.has(run)).toBe(false);
    if (before !== run) expect(isFirst).toBe(true);
    world.runs = fails ? ended(step.runs, run) : step.runs;
    if (fails) expect(world.runs.active).toBeUndefined();
    return;
  }
  const run = given.run ?? null;
  const act = {
    start: () => start(world.runs, run, false),
    complete: () => complete(world.runs, run),
    cancel: () => cancel(world.runs, run, undefined),
  }[given.does as "start"];
  const step = act();
  if (!run) {
    expect(step).toMatchObject({ refused: { code: "MISSING_RUN_ID" } });
    return;
  }
  if (step.runs !== undefined) world.runs = step.runs;
  if (given.does === "cancel") {
    world.off.add(run);
    expect(world.runs.active?.id).not.toBe(run);
  }
  if (given.does === "start" && !("refused" in step)) {
    world.off.delete(run);
    expect(world.runs.active).toEqual({ id: run, isImplicit: false });
  }
  if (given.does === "complete" && !("refused" in step)) expect(before).toBe(run);
}

test("a machine is in one run at most, and a run that was called off stays off until it is started", () => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 20, maxLength: 60 }), (events) => {
      const world: World = { runs: noRuns, off: new Set() };
      for (const each of events) happen(world, each);
    }),
    { numRuns: 500 },
  );
});

test("a run that was started gives way to nobody, one that began by itself as soon as nothing runs", () => {
  const started = start(noRuns, "a", false).runs as Runs;
  const first = { runId: "b", isFirstGeneration: true };
  expect(start(started, "b", false)).toMatchObject({ refused: { code: "RUN_ID_MISMATCH" } });
  expect(admit(started, first, false, true)).toMatchObject({ refused: { code: "run.mismatch" } });
  const implicit = admit(noRuns, { ...first, runId: "a" }, false, true).runs as Runs;
  expect(admit(implicit, first, true, true)).toMatchObject({ refused: { code: "run.mismatch" } });
  expect(admit(implicit, first, false, true)).toMatchObject({ runs: { active: { id: "b" } } });
  expect(start(implicit, "b", false)).toMatchObject({ runs: { active: { isImplicit: false } } });
  expect(admit(noRuns, first, false, false)).toMatchObject({ refused: { code: "run.mismatch" } });
});

test("so many runs that were called off are remembered and no more", () => {
  let runs = noRuns;
  for (let nth = 0; nth < CANCELLED_MAX + 10; nth += 1) {
    runs = cancel(runs, `run-${nth}`, undefined).runs ?? runs;
  }
  expect(runs.cancelled).toHaveLength(CANCELLED_MAX);
  expect(runs.cancelled.at(-1)).toBe(`run-${CANCELLED_MAX + 9}`);
});

test("start() says which run is in the way, be it the same one", () => {
  const running = { ...noRuns, active: { id: "a", isImplicit: false } };
  expect(start(running, "b", false)).toMatchObject({
    refused: { problem: "Cannot start run b: run a is active" },
  });
  expect(start(running, "a", false)).toMatchObject({
    refused: { problem: "Cannot start run a: it is started already" },
  });
});
