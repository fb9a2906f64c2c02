// Goal: no finished result is lost or held up, whatever the backend says to it.
import { beforeEach, describe, expect, test } from "bun:test";
import { PAGE_RESULTS } from "../../src/agent/backlog.ts";
import {
  BACKLOG_IN_FLIGHT_MAX,
  BELIEF_FRESH_MS,
  IN_FLIGHT_MAX,
  runOutbox,
} from "../../src/agent/outbox.ts";
import {
  ANSWERS_PROVE_LIFE,
  ASIDE_RETRY_MS,
  STRIKES_MAX,
  UNCLAIMED_RETRY_MS,
} from "../../src/agent/troubles.ts";
import { type Assignment, emptyResult } from "../../src/core/assignment.ts";
import { RETRY_AFTER_MAX_MS } from "../../src/core/backoff.ts";
import { keyOf } from "../../src/core/entry.ts";
import { type ErrorCode, ServantError } from "../../src/core/errors.ts";
import { FRESH_MAX } from "../../src/core/ledger.ts";
import type { Delivery } from "../../src/core/ports.ts";
import { action, belief, id, idle, until, World } from "../support/fake-ports.ts";
import { MemoryJournal } from "../support/memory-journal.ts";

let world: World;
beforeEach(async () => {
  world = new World();
  await world.open();
});

const failure = (code: ErrorCode, retryAfterMs?: number) =>
  new ServantError(code, "Cannot post", retryAfterMs === undefined ? {} : { retryAfterMs });
const range = (count: number) => Array.from({ length: count }, (_, at) => `r${at}`);
const taken = () => world.backend.results().map(({ auditId }) => `${auditId}`);

let present = { registration: 1, pollsAnswered: 0 };
const presence = () => present;

async function finish(assignment: Assignment): Promise<void> {
  const { auditId } = assignment;
  const head = { atMs: world.clock.now(), key: keyOf(auditId) };
  const observed = emptyResult(auditId, true, "seen");
  await world.ledger.record([
    { ...head, type: "accepted", assignment, via: "servant-1" },
    { ...head, type: "finished", result: observed },
  ]);
}

/** Runs the outbox until it fails or the returned function is called. */
function run(): { stop: () => Promise<void>; ended: Promise<unknown> } {
  const { backend, bus, clock, ledger, random } = world;
  const abort = new AbortController();
  const ended = runOutbox({ backend, bus, clock, ledger, random, presence }, abort.signal).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  const stop = async () => {
    abort.abort();
    expect(await ended).toBeUndefined();
  };
  return { stop, ended };
}

describe("delivery", () => {
  test("is oldest first, several under way at once", async () => {
    for (const each of range(30)) await finish(action(each));
    const asked: string[] = [];
    const gate = Promise.withResolvers<void>();
    world.backend.onDeliver = ({ result }: Delivery) => {
      asked.push(result.auditId);
      return gate.promise;
    };
    const { stop } = run();
    await idle();
    expect(asked).toEqual(range(IN_FLIGHT_MAX));
    gate.resolve();
    await until("all are taken", () => world.backend.taken.length === 30);
    expect(asked).toEqual(range(30));
    expect(taken()).toEqual(range(30));
    expect(world.told("result.delivered")).toHaveLength(30);
    await stop();
  });

  test("of one that hangs does not hold up the others, and leaves no waiters behind", async () => {
    world.backend.onDeliver = ({ result }: Delivery) =>
      result.auditId === "r0" ? new Promise(() => {}) : undefined;
    const abort = new AbortController();
    const { backend, bus, clock, ledger, random } = world;
    void runOutbox({ backend, bus, clock, ledger, random, presence }, abort.signal);
    for (const each of range(30)) await finish(action(each));
    await until("the others are taken", () => world.backend.taken.length === 29);
    expect(ledger.waiting).toBeLessThan(3);
    abort.abort();
  });

  test("names the registration that received the assignment", async () => {
    await finish(action("a"));
    const { stop } = run();
    await idle();
    expect(world.backend.taken).toMatchObject([{ via: "servant-1", kind: "action" }]);
    await stop();
  });
});

describe("a backlog", () => {
  /** Finished by an earlier life. */
  const inherit = async (names: readonly string[]) => {
    for (const each of names) await finish(action(each));
    await world.open();
  };

  test("goes out oldest first, page by page, a few at once", async () => {
    const names = range(2 * PAGE_RESULTS + 9);
    await inherit(names);
    const asked: string[] = [];
    let inFlight = 0;
    let most = 0;
    world.backend.onDeliver = async ({ result }: Delivery) => {
      asked.push(result.auditId);
      inFlight += 1;
      most = Math.max(most, inFlight);
      await idle();
      inFlight -= 1;
    };
    const { stop } = run();
    await until("all are taken", () => world.backend.taken.length === names.length);
    await idle();
    expect(asked).toEqual(names);
    expect(most).toBe(BACKLOG_IN_FLIGHT_MAX);
    expect([world.ledger.undelivered, world.ledger.backlog]).toEqual([0, 0]);
    await stop();
  });

  test("leaves places for what finishes now", async () => {
    await inherit(range(50));
    world.backend.onDeliver = ({ result }: Delivery) =>
      result.auditId.startsWith("r") ? new Promise(() => {}) : undefined;
    const abort = new AbortController();
    const { backend, bus, clock, ledger, random } = world;
    void runOutbox({ backend, bus, clock, ledger, random, presence }, abort.signal);
    await idle();
    for (const each of ["new1", "new2", "new3"]) {
      await finish(action(each));
      await until(`${each} is taken`, () => taken().includes(each));
    }
    abort.abort();
  });

  test("of this life, past what memory holds, goes out too", async () => {
    const names = range(FRESH_MAX.results + 30);
    for (const each of names) await finish(action(each));
    expect(world.ledger.backlog).toBe(30);
    expect([...world.ledger.openEntries()]).toHaveLength(FRESH_MAX.results);
    const { stop } = run();
    await until("all are taken", () => world.backend.taken.length === names.length);
    expect(new Set(taken())).toEqual(new Set(names));
    await stop();
  });

  test("begins again with the oldest when the link comes back", async () => {
    await inherit(range(60));
    let isDown = true;
    world.backend.onDeliver = async () => {
      await idle();
      if (isDown) throw failure("backend.unreachable");
    };
    const { stop } = run();
    await world.pass(10_000);
    isDown = false;
    await world.pass(60_000);
    await until("all are taken", () => world.backend.taken.length === 60);
    expect(taken()).toEqual(range(60));
    await stop();
  });
});

describe("one that the backend cannot take while it takes others", () => {
  /** Finishes others, so that the link is seen to work. */
  const others = async (name: string) => {
    for (const each of [1, 2, 3]) await finish(action(`${name}-${each}`));
    await idle();
  };

  test("waits by itself, then aside, tried again each minute, and holds up nobody", async () => {
    let tries = 0;
    let isPoison = true;
    world.backend.onDeliver = ({ result }: Delivery) => {
      if (result.auditId !== "poison") return;
      tries += 1;
      if (isPoison) throw failure("backend.unavailable");
    };
    const { stop } = run();
    await finish(action("poison"));
    await others("during");
    await world.pass(1_000); // it may be the link: that shows when another one passes
    for (let round = 0; world.told("result.aside").length === 0 && round < 40; round += 1) {
      await world.pass(500);
      await others(`round${round}`);
      expect(taken()).toContain(`round${round}-3`); // at once: nothing waits behind it
    }
    expect(world.told("result.aside")).toMatchObject([{ auditId: id("poison"), aside: 1 }]);
    expect(tries).toBeGreaterThanOrEqual(STRIKES_MAX);
    expect([world.ledger.undelivered, world.ledger.aside]).toEqual([1, 1]);
    const before = tries;
    await world.pass(ASIDE_RETRY_MS);
    await others("later");
    await world.pass(ASIDE_RETRY_MS);
    expect(tries).toBe(before + 2);
    isPoison = false;
    await world.pass(ASIDE_RETRY_MS);
    expect(taken()).toContain("poison");
    expect([world.ledger.undelivered, world.ledger.aside]).toEqual([0, 0]);
    expect(world.told("result.aside")).toHaveLength(1);
    await stop();
  });

  test("of the backlog is read once, not in circles", async () => {
    for (const each of range(40)) await finish(action(each));
    await world.open();
    let reads = 0;
    const { waiting } = MemoryJournal.prototype;
    MemoryJournal.prototype.waiting = function (...args) {
      reads += 1;
      return waiting.apply(this, args);
    };
    world.backend.onDeliver = ({ result }: Delivery) => {
      if (Number(result.auditId.slice(1)) % 4 === 0) throw failure("backend.unavailable");
    };
    try {
      const { stop } = run();
      await world.pass(20 * ASIDE_RETRY_MS);
      expect(taken()).toHaveLength(30);
      expect(world.ledger.aside).toBe(10);
      expect(reads).toBeLessThan(100);
      await stop();
    } finally {
      MemoryJournal.prototype.waiting = waiting;
    }
  });
});

test("a result that no registration knows is refused once the present one has shown that it lives", async () => {
  await finish(action("a"));
  world.backend.onDeliver = () => {
    throw failure("backend.result-unclaimed");
  };
  const { stop } = run();
  await idle();
  await world.pass(2 * UNCLAIMED_RETRY_MS);
  // The backend may have forgotten the servant too: then the next poll tells, and it is another.
  expect(world.story("a")).toEqual(["accepted", "finished"]);
  present = { registration: 2, pollsAnswered: ANSWERS_PROVE_LIFE };
  await world.pass(UNCLAIMED_RETRY_MS);
  expect(world.story("a")).toEqual(["accepted", "finished"]);
  present = { registration: 2, pollsAnswered: 2 * ANSWERS_PROVE_LIFE };
  await world.pass(UNCLAIMED_RETRY_MS);
  expect(world.story("a")).toEqual(["accepted", "finished", "refused"]);
  expect(world.told("result.refused")).toMatchObject([{ code: "backend.result-unclaimed" }]);
  await stop();
});

test("a fault of ours while delivering refuses nothing", async () => {
  await finish(action("a"));
  let isBroken = true;
  world.backend.onDeliver = () => {
    if (isBroken) throw new TypeError("undefined is not a function");
  };
  const { stop } = run();
  await world.pass(10 * ASIDE_RETRY_MS);
  expect(world.ledger.undelivered).toBe(1);
  isBroken = false;
  await world.pass(ASIDE_RETRY_MS);
  expect(taken()).toEqual(["a"]);
  await stop();
});

describe("a transient failure", () => {
  test("waits in a window of 1, 2, 4 ... 60 s and tries again, oldest first; success begins anew", async () => {
    for (const each of range(IN_FLIGHT_MAX + 2)) await finish(action(each));
    let tries = 0;
    world.backend.onDeliver = () => {
      tries += 1;
      throw failure("backend.unreachable");
    };
    const { stop } = run();
    for (const [round, seconds] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
      await world.pass(0);
      expect(tries).toBe(IN_FLIGHT_MAX * (round + 1));
      await world.pass(seconds * 1_000 - 1);
      expect(tries, `after ${seconds} s`).toBe(IN_FLIGHT_MAX * (round + 1));
      await world.pass(1);
    }
    world.backend.onDeliver = () => {};
    await world.pass(60_000);
    expect(taken()).toEqual(range(IN_FLIGHT_MAX + 2));
    world.backend.onDeliver = () => {
      throw failure("backend.unavailable");
    };
    await finish(action("late"));
    await idle();
    expect(world.told("result.delayed").at(-1)).toMatchObject({ retryInMs: 1_000 });
    await stop();
  });

  test("waits as long as the backend asks, within bounds", async () => {
    const words = [7_000, 0, 1e9];
    world.random = () => 0;
    await finish(action("a"));
    world.backend.onDeliver = () => {
      const word = words.shift();
      if (word !== undefined) throw failure("backend.unavailable", word);
    };
    const { stop } = run();
    await world.pass(7_000 + 1_000 + RETRY_AFTER_MAX_MS);
    expect(world.told("result.delayed").map(({ retryInMs }) => retryInMs)).toEqual([
      7_000,
      1_000,
      RETRY_AFTER_MAX_MS,
    ]);
    expect(taken()).toEqual(["a"]);
    await stop();
  });

  test("leaves no waiters behind, however long the outage", async () => {
    world.backend.onDeliver = () => {
      throw failure("backend.unreachable");
    };
    await finish(action("a"));
    const { stop } = run();
    await world.pass(100 * 60_000);
    expect(world.ledger.waiting).toBeLessThan(3);
    await stop();
    expect(world.ledger.waiting).toBe(0);
  });
});

describe("a failure for good", () => {
  test("refuses that one result; the rest go on", async () => {
    for (const each of range(8)) await finish(action(each));
    world.backend.onDeliver = ({ result }: Delivery) => {
      if (result.auditId === "r2") throw failure("backend.rejected");
    };
    const { stop } = run();
    await until("the rest is taken", () => world.backend.taken.length === 7);
    await stop();
    expect(taken()).not.toContain("r2");
    expect(world.story("r2")).toEqual(["accepted", "finished", "refused"]);
    expect(world.told("result.refused")).toMatchObject([{ auditId: id("r2") }]);
    await world.open();
    const { entries } = await world.ledger.readBacklog(0, 100);
    expect(entries.map(({ key }) => `${key}`)).not.toContain("r2");
  });

  for (const code of ["backend.unauthorized", "servant.unknown"] as const) {
    test(`${code} ends the outbox at once and keeps every result`, async () => {
      for (const each of range(4)) await finish(action(each));
      const gate = Promise.withResolvers<void>();
      world.backend.onDeliver = async ({ result }: Delivery) => {
        if (result.auditId !== "r2") throw failure("backend.unreachable");
        await gate.promise;
        throw failure(code);
      };
      const { ended } = run();
      await idle();
      gate.resolve(); // the others have already asked for a wait
      expect(await ended).toMatchObject({ code });
      expect(world.ledger.undelivered).toBe(4);
    });
  }

  test("a broken journal ends the outbox", async () => {
    await finish(action("a"));
    world.backend.onDeliver = () => {
      throw failure("backend.rejected");
    };
    world.disk.broken = failure("journal.damaged");
    expect(await run().ended).toBe(world.disk.broken);
  });
});

describe("an observation", () => {
  const answer = async (ageMs: number, wallMs = world.clock.now()) => {
    world.clock.setWall(wallMs);
    await finish(belief("q"));
    await world.open(); // the next life
    world.clock.setWall(world.clock.now() + ageMs);
    const { stop } = run();
    await until("it is taken", () => world.backend.taken.length === 1);
    await stop();
    return world.backend.results("q")[0];
  };

  test("is sent as it is while it is new", async () => {
    expect(await answer(BELIEF_FRESH_MS)).toMatchObject({ unchecked: false, message: "seen" });
  });

  const unchecked: [string, number, number?][] = [
    ["older than a minute", BELIEF_FRESH_MS + 1],
    ["from the future", -1],
    ["of an earlier life whose clock was never set", 5_000, 20_000],
  ];
  for (const [what, ageMs, wallMs] of unchecked) {
    test(`${what} is sent as unchecked`, async () => {
      expect(await answer(ageMs, wallMs)).toMatchObject({ success: true, unchecked: true });
    });
  }

  test("of this life is sent as it is even by a clock that was never set", async () => {
    world.clock.setWall(20_000);
    const { stop } = run();
    await finish(belief("q"));
    await until("it is taken", () => world.backend.taken.length === 1);
    expect(world.backend.results("q")).toMatchObject([{ unchecked: false }]);
    await stop();
  });
});

test("the abort ends a delivery under way, and records nothing of it", async () => {
  await finish(action("a"));
  world.backend.onDeliver = (_delivery, signal: AbortSignal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const { stop } = run();
  await idle();
  await stop();
  expect(world.story("a")).toEqual(["accepted", "finished"]);
  expect(world.ledger.undelivered).toBe(1);
});
