// Goal: a servant outlives its link, and ends for good only where trying again cannot help.
import { beforeEach, describe, expect, test } from "bun:test";
import { type ErrorCode, ServantError } from "../../src/core/errors.ts";
import { action, id, idle, until, World } from "../support/fake-ports.ts";

let world: World;
beforeEach(() => {
  world = new World();
});
const failure = (code: ErrorCode, retryAfterMs?: number) =>
  new ServantError(code, "Cannot reach it", retryAfterMs === undefined ? {} : { retryAfterMs });
const failures = (count: number, code: ErrorCode = "backend.unreachable") =>
  Array.from({ length: count }, () => failure(code));

describe("registration", () => {
  test("is tried again in a window of 1, 2, 4 ... 60 s, however often, and tells each wait", async () => {
    world.backend.registerFailures.push(...failures(9));
    await world.start();
    const waits = [1, 2, 4, 8, 16, 32, 60, 60, 60];
    for (const [at, seconds] of waits.entries()) {
      expect(world.backend.registrations).toBe(at + 1);
      await world.pass(seconds * 1_000 - 1);
      expect(world.backend.registrations).toBe(at + 1);
      await world.pass(1);
    }
    expect(world.backend.registrations).toBe(10);
    expect(world.told("link.lost").map(({ retryInMs }) => retryInMs / 1_000)).toEqual(waits);
    expect(world.told("link.restored")).toMatchObject([{ failures: 9 }]);
    expect(world.told("servant.registered")).toMatchObject([{ servantId: "servant-10" }]);
    expect(await world.stopped()).toBeUndefined();
  });

  test("that is refused for good ends the servant with the backend's word", async () => {
    const refusal = failure("backend.rejected");
    world.backend.registerFailures.push(refusal);
    await world.start();
    expect(await world.ended).toBe(refusal);
    expect([world.backend.registrations, world.backend.polls]).toEqual([1, 0]);
  });

  test("stops at the wish to stop, in the middle of a wait", async () => {
    world.backend.registerFailures.push(...failures(99));
    await world.start();
    expect(await world.stopped()).toBeUndefined();
    expect(world.backend.registrations).toBe(1);
  });
});

describe("polling", () => {
  test("goes on after the same waits, which begin anew once the backend answers", async () => {
    await world.start();
    for (const each of failures(3)) world.backend.failPoll(each);
    await world.pass(1_000 + 2_000 + 4_000);
    await until("it polls again", () => world.backend.isPolled);
    world.backend.send({ type: "idle" });
    await idle();
    world.backend.failPoll(failure("backend.unavailable"));
    await idle();
    const waits = world.told("link.lost").map(({ retryInMs }) => retryInMs);
    expect(waits).toEqual([1_000, 2_000, 4_000, 1_000]);
    expect(world.backend.registrations).toBe(1);
  });

  test("waits as long as the backend asks", async () => {
    world.random = () => 0;
    await world.start();
    world.backend.failPoll(failure("backend.unavailable", 7_000));
    await world.pass(6_999);
    expect(world.backend.polls).toBe(1);
    await world.pass(1);
    expect(world.backend.polls).toBe(2);
  });

  test("gives up after failuresMax failures in a row, and only then", async () => {
    world.failuresMax = 3;
    await world.start();
    for (const each of failures(2)) world.backend.failPoll(each);
    await world.pass(3_000);
    world.backend.send({ type: "idle" }); // the row is broken
    await idle();
    for (const each of failures(2)) world.backend.failPoll(each);
    await world.pass(3_000);
    expect(world.hasEnded).toBe(false);
    world.backend.failPoll(failure("backend.unreachable"));
    expect(await world.ended).toMatchObject({ code: "backend.gave-up", kind: "transient" });
    expect(world.told("link.lost")).toHaveLength(4);
  });

  for (const code of ["backend.unauthorized", "backend.session-gone"] as const) {
    test(`stops on ${code}, after what runs has ended; its result is kept`, async () => {
      world.reregister = false;
      await world.start();
      world.backend.onDeliver = () => {
        throw failure(code);
      };
      world.backend.assign(action("a"), action("b"));
      await until("both are taken", () => world.story("b").length === 1);
      world.backend.failPoll(failure(code));
      // It is not polled while both lanes are full: the end of "a" makes room for the bad news.
      await world.runner.end("a");
      await world.runner.end("b");
      expect(await world.ended).toMatchObject({ code });
      expect(world.told("agent.stopped")).toMatchObject([{ undelivered: 2 }]);
      expect(world.backend.registrations).toBe(1);
      expect(world.story("a")).toEqual(["accepted", "started", "finished"]);
      // The next life delivers them.
      world.backend.onDeliver = () => {};
      await world.start();
      expect(world.backend.results().map(({ auditId }) => `${auditId}`)).toEqual(["a", "b"]);
    });
  }

  test("answers what cannot be read, and counts what has no audit id", async () => {
    await world.start();
    world.backend.send({ type: "malformed", reason: "null" }, { type: "malformed", reason: "[]" });
    const problem = "Cannot read the assignment";
    const invalid = { kind: "invalid", code: "assignment.malformed", problem } as const;
    world.backend.assign({ ...invalid, auditId: action("a").auditId });
    await until("it is answered", () => world.backend.results("a").length === 1);
    await world.pass(1_000);
    world.backend.send({ type: "malformed", reason: "7" });
    await until("it is told", () => world.told("poll.malformed").length === 2);
    // The second came within the second of the first: it is counted only.
    const told = world.told("poll.malformed").map(({ count, reason }) => [count, reason]);
    expect(told).toEqual([
      [1, "null"],
      [3, "7"],
    ]);
    expect(world.backend.results("a")).toMatchObject([
      { success: false, code: "assignment.malformed", message: problem },
    ]);
    expect(world.started).toEqual([]);
  });
});

test("a listener that throws changes nothing", async () => {
  world.bus.listen(() => {
    throw new Error("broken report");
  });
  await world.start();
  world.backend.assign(action("a"));
  await world.runner.end("a");
  expect(world.backend.results("a")).toMatchObject([{ success: true }]);
  expect(await world.stopped()).toBeUndefined();
  expect(world.told("result.delivered")).toHaveLength(1); // the other listener heard it all
});

test("a wish to stop from before the start is heeded: nothing is registered", async () => {
  world.backend.registerFailures.push(...failures(1));
  const starting = world.start();
  world.stop.abort();
  await starting;
  expect(await world.stopped()).toBeUndefined();
  expect(world.backend.polls).toBe(0);
});

describe("a backend that has forgotten the servant", () => {
  const gone = () => failure("backend.session-gone");

  test("is registered with again, and the work goes on", async () => {
    await world.start();
    for (const round of [1, 2, 3, 4, 5]) {
      world.backend.failPoll(gone());
      await until("it is registered again", () => world.backend.registrations === round + 1);
      world.backend.assign(action(`a${round}`));
      await world.runner.end(`a${round}`);
    }
    expect(world.told("servant.forgotten")).toHaveLength(5);
    expect(world.backend.taken).toHaveLength(5);
  });

  test("while it acts: the action goes on and its result goes to the new registration", async () => {
    await world.start();
    world.backend.assign(action("a"));
    await until("it runs", () => world.runner.running.length === 1);
    world.backend.failPoll(gone());
    await until("it is registered again", () => world.backend.registrations === 2);
    await world.runner.end("a");
    expect(world.backend.results("a")).toMatchObject([{ success: true }]);
    expect(world.started).toEqual([id("a")]);
  });

  test("and says so of a result is registered with again, and gets it then", async () => {
    await world.start();
    let refusals = 1;
    world.backend.onDeliver = () => {
      if (refusals-- > 0) throw gone();
    };
    world.backend.assign(action("a"));
    await world.runner.end("a");
    await until("it is taken", () => world.backend.taken.length === 1);
    expect(world.backend.registrations).toBe(2);
  });

  test("three times within a minute, with no assignment between, is left alone", async () => {
    await world.start();
    world.backend.pollFailures.push(gone(), gone(), gone(), gone());
    world.backend.failPoll(gone());
    expect(await world.ended).toMatchObject({ code: "backend.session-gone" });
    expect(world.backend.registrations).toBe(3);
  });

  test("now and then is registered with each time", async () => {
    await world.start();
    for (let round = 1; round <= 6; round += 1) {
      world.backend.failPoll(gone());
      await until("it is registered again", () => world.backend.registrations === round + 1);
      await world.clock.advance(30_001);
    }
    expect(world.hasEnded).toBe(false);
  });
});
