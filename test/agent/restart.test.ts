// Goal: after a crash nothing physical repeats unasked, and everything that was asked is answered.
import { beforeEach, describe, expect, test } from "bun:test";
import { START_WITHIN_MS, verdictAfterRestart } from "../../src/agent/recovery.ts";
import { emptyResult } from "../../src/core/assignment.ts";
import { type Entry, keyOf } from "../../src/core/entry.ts";
import { action, belief, id, until, World } from "../support/fake-ports.ts";

let world: World;
beforeEach(async () => {
  world = await new World().start();
});
/** "a" runs, "b" is held, and the power goes. */
async function crashWithBoth(): Promise<void> {
  world.backend.assign(action("a"), action("b"));
  await until("both are recorded", () => world.story("b").length === 1);
  await world.crash();
}

describe("after a crash", () => {
  test("what had started is answered handler.interrupted; what had not runs while fresh", async () => {
    await crashWithBoth();
    world.clock.setWall(world.clock.now() + START_WITHIN_MS - 1);
    await world.start();
    await world.runner.end("b");
    expect(world.backend.codes("a")).toEqual(["handler.interrupted"]);
    expect(world.backend.results("b")).toMatchObject([{ success: true }]);
    expect(world.started).toEqual([id("a"), id("b")]);
    expect(world.told("assignment.finished")).toMatchObject([{ auditId: "a" }, { auditId: "b" }]);
  });

  test("what its backend needs to answer is still there, as it was asked for last", async () => {
    const hand = (nth: number) =>
      world.backend.send({
        type: "assign",
        assignment: action("a"),
        via: "rig",
        reply: { ack: nth },
      });
    hand(1);
    await until("a runs", () => world.runner.running.length === 1);
    await world.crash();
    await world.start();
    await until("a is answered", () => world.backend.taken.length === 1);
    expect(world.backend.taken[0]).toMatchObject({ via: "rig", reply: { ack: 1 } });
    hand(2);
    await until("a is answered again", () => world.backend.taken.length === 2);
    expect(world.backend.taken[1]).toMatchObject({ via: "rig", reply: { ack: 2 } });
  });

  const insane: [string, (nowMs: number) => number][] = [
    ["30 s later", (nowMs) => nowMs + START_WITHIN_MS],
    ["by a clock that jumped back", (nowMs) => nowMs - 1],
    ["by a clock that starts in 1970", () => 5_000],
  ];
  for (const [when, wall] of insane) {
    test(`what had not started is answered assignment.stale ${when}`, async () => {
      await crashWithBoth();
      world.clock.setWall(wall(world.clock.now()));
      await world.start();
      await until("both are answered", () => world.backend.taken.length === 2);
      expect(world.backend.codes("b")).toEqual(["assignment.stale"]);
      expect(world.backend.results("b")[0]?.message).toMatch(/^Cannot start move\(\): \w/);
      expect(world.started).toEqual([id("a")]);
    });
  }

  test("what was accepted in 1970 is stale however young it looks in 1970", async () => {
    world.clock.setWall(20_000);
    await crashWithBoth();
    world.clock.setWall(25_000);
    await world.start();
    await until("both are answered", () => world.backend.taken.length === 2);
    expect(world.backend.codes("b")).toEqual(["assignment.stale"]);
  });

  test("a belief is answered failed, however fresh", async () => {
    world.backend.assign(belief("q"));
    await until("it runs", () => world.runner.running.length === 1);
    await world.crash();
    await world.start();
    await until("it is answered", () => world.backend.taken.length === 1);
    expect(world.backend.results("q")).toMatchObject([{ success: false, unchecked: false }]);
    expect(world.started).toEqual([id("q")]);
  });

  test("what was on its way to the disk was never there: it may be assigned and run", async () => {
    world.disk.isSlow = true;
    world.backend.assign(action("a"));
    await until("it is taken", () => world.told("assignment.accepted").length === 1);
    await world.crash();
    await world.start();
    expect(world.backend.taken).toEqual([]);
    world.backend.assign(action("a"));
    await world.runner.end("a");
    expect(world.started).toEqual([id("a")]);
  });

  test("a result between its finish and its delivery is delivered by the next life", async () => {
    world.backend.onDeliver = () => new Promise(() => {});
    world.backend.assign(action("a"));
    await world.runner.end("a");
    await world.crash();
    world.backend.onDeliver = () => {};
    await world.start();
    expect(world.backend.results("a")).toMatchObject([{ success: true }]);
    expect(world.started).toEqual([id("a")]);
  });

  test("a result between its delivery and the record of it is delivered twice, not lost", async () => {
    world.backend.assign(action("a"));
    await world.runner.end("a");
    expect(world.story("a")).not.toContain("delivered"); // it waits to ride along
    await world.crash();
    await world.start();
    expect(world.backend.results("a")).toHaveLength(2);
  });

  test("a crash loop answers everything once it ends, and runs nothing twice", async () => {
    for (let life = 0; life < 20; life += 1) {
      world.backend.assign(action(`a${life}`), action(`b${life}`));
      await until("the second is recorded", () => world.story(`b${life}`).length >= 1);
      await world.crash();
      await world.start();
      await until("the held one runs", () => world.runner.running.includes(`b${life}`));
      await world.runner.end(`b${life}`);
    }
    expect(new Set(world.started).size).toBe(world.started.length);
    const answered = new Set(world.backend.results().map(({ auditId }) => auditId));
    expect(answered.size).toBe(40);
  });
});

test("verdictAfterRestart() never lets run what had started, is a belief, or has no sane age", () => {
  const nowMs = Date.UTC(2025, 5, 1);
  const entry = (over: Partial<Entry>): Entry => ({
    key: keyOf(id("a")),
    assignment: action("a"),
    via: "s",
    phase: "accepted",
    acceptedAtMs: nowMs,
    starts: 0,
    ...over,
  });
  const verdict = (over: Partial<Entry>) => {
    const found = verdictAfterRestart(entry(over), nowMs);
    return found.is === "answer" ? found.code : found.is;
  };
  expect(verdict({})).toBe("run");
  expect(verdict({ phase: "started", startedAtMs: nowMs })).toBe("doubt");
  expect(verdict({ assignment: belief("a") })).toBe("doubt");
  expect(verdict({ acceptedAtMs: nowMs - START_WITHIN_MS })).toBe("assignment.stale");
  expect(verdict({ acceptedAtMs: nowMs + 1 })).toBe("assignment.stale");
  expect(verdict({ acceptedAtMs: Number.NaN })).toBe("assignment.stale");
});

test("what waits across a restart runs in its order, one at a time", async () => {
  await world.stopped();
  const ledger = await world.open();
  for (const auditId of ["a", "b", "c"]) {
    const { key, assignment } = { key: keyOf(id(auditId)), assignment: action(auditId) };
    const atMs = world.clock.now();
    await ledger.record([{ type: "accepted", atMs, key, assignment, via: "servant-1" }]);
  }
  await world.start();
  await world.runner.end("a", emptyResult(id("a"), true));
  expect(world.runner.running).toEqual(["b"]);
  await world.runner.end("b");
  await world.runner.end("c");
  await until("all are answered", () => world.backend.taken.length === 3);
  expect(world.started).toEqual([id("a"), id("b"), id("c")]);
});

test("what was fresh at the restart and grew old while it waited is answered, not started", async () => {
  await world.stopped();
  const ledger = await world.open();
  for (const auditId of ["a", "b"]) {
    const [key, assignment] = [keyOf(id(auditId)), action(auditId)];
    const atMs = world.clock.now();
    await ledger.record([{ type: "accepted", atMs, key, assignment, via: "servant-1" }]);
  }
  await world.start();
  await until("the first one runs", () => world.runner.running.length === 1);
  await world.clock.advance(START_WITHIN_MS);
  await world.runner.end("a");
  await until("both are answered", () => world.backend.taken.length === 2);
  expect(world.backend.codes("b")).toEqual(["assignment.stale"]);
  expect(world.started).toEqual([id("a")]);
});
