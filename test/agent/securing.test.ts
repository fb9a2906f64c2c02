import { expect, test } from "bun:test";
import type { Assignment } from "../../src/core/assignment.ts";
import { type Fact, keyOf } from "../../src/core/entry.ts";
import { ServantError } from "../../src/core/errors.ts";
import { MACHINE_KEY } from "../../src/core/machine.ts";
import { type FakeChild, Nursery, never } from "../support/fake-child.ts";
import { action, belief } from "../support/fake-ports.ts";
import { MemoryJournal } from "../support/memory-journal.ts";

const SECOND = 1_000;

/** A plugin that can make its machine safe. */
function careful(): Nursery {
  const nursery = new Nursery();
  nursery.loaded = { ...nursery.loaded, hasSafe: true };
  return nursery;
}

function secured(child: FakeChild): void {
  child.say({ type: "secured", id: child.start("safe") });
}

function failed(child: FakeChild, message: string): void {
  child.say({ type: "failed", id: child.start("safe"), code: "handler.threw", message });
}

/** What the child was given, oldest first. */
const given = (child: FakeChild) => child.work().map(({ type }) => type);

function machineFacts({ disk }: Nursery): string[] {
  return disk
    .facts("http://fake")
    .filter(({ key }) => key === MACHINE_KEY)
    .map(({ type }) => type);
}

async function before(nursery: Nursery, ...facts: Fact[]): Promise<void> {
  await new MemoryJournal(nursery.disk, "http://fake").append(facts);
}

/** As an agent that was killed while its action ran. */
async function leaveInDoubt(nursery: Nursery, assignment: Assignment = action("a0")) {
  const key = keyOf(assignment.auditId);
  await before(
    nursery,
    { type: "accepted", atMs: 0, key, assignment, via: "servant-1" },
    { type: "started", atMs: 0, key },
  );
}

test("after a crash the machine is made safe before anything else starts", async () => {
  const nursery = await careful().open();
  const { supervisor } = nursery;
  let factsWhenTold: string[] | undefined;
  const cut = supervisor.run(action("a1"), never).catch((cause) => {
    factsWhenTold = machineFacts(nursery);
    return cause;
  });
  const waiting = supervisor.run(belief("b1"), never);
  nursery.child.start("a1");
  nursery.child.end();
  expect(await cut).toMatchObject({ code: "handler.crashed" });
  expect(factsWhenTold).toEqual(["doubted"]);
  await nursery.clock.advance(0);
  expect(given(nursery.child)).toEqual(["safe"]);
  expect(supervisor.isReady).toBe(false);
  const [told] = nursery.told("agent.not-ready");
  expect(told?.reason).toContain("move was cut off: its process ended with exit code 1");
  secured(nursery.child);
  await nursery.clock.advance(0);
  expect(supervisor.isReady).toBe(true);
  expect(machineFacts(nursery)).toEqual(["doubted", "secured"]);
  expect(nursery.events.map(({ type }) => type).slice(-2)).toEqual([
    "machine.secured",
    "agent.ready",
  ]);
  nursery.child.succeed("b1");
  expect(await waiting).toMatchObject({ success: true });
});

test.each(["hang", "kill"])("after a %s it is made safe too", async (how) => {
  const nursery = await careful().open();
  const abort = new AbortController();
  const run = nursery.supervisor.run(action("a1"), abort.signal).catch((cause) => cause);
  nursery.child.start("a1");
  if (how === "hang") nursery.child.isAwake = false;
  else abort.abort();
  await nursery.clock.advance(20 * SECOND);
  expect((await run).code).toBe(how === "hang" ? "handler.hung" : "handler.cancelled");
  expect(given(nursery.child)).toEqual(["safe"]);
});

test.each([
  { what: "a belief", hasSafe: true, assignment: belief("b1"), isStarted: true },
  { what: "an action that had not started", hasSafe: true, assignment: action("a1") },
  {
    what: "an action of a plugin without a safe method",
    assignment: action("a1"),
    isStarted: true,
  },
])("the end of $what leaves nothing in doubt", async ({ assignment, hasSafe, isStarted }) => {
  const nursery = await (hasSafe ? careful() : new Nursery()).open();
  nursery.supervisor.run(assignment, never).catch(() => {});
  if (isStarted) nursery.child.start(assignment.auditId);
  nursery.child.end();
  await nursery.clock.advance(0);
  expect(machineFacts(nursery)).toEqual([]);
  expect(nursery.supervisor.isReady).toBe(true);
});

test("a safe method that fails is tried again, ever more slowly, and told each time", async () => {
  const nursery = careful();
  await leaveInDoubt(nursery);
  await nursery.open();
  const { child, clock } = nursery;
  for (const waitMs of [1, 2, 4, 8].map((seconds) => seconds * SECOND)) {
    failed(child, "the valve sticks");
    await clock.advance(0);
    expect(nursery.told("machine.unsafe").at(-1)).toEqual({
      type: "machine.unsafe",
      reason: "the valve sticks",
      retryInMs: waitMs,
    });
    const count = child.work().length;
    await clock.advance(waitMs - 1);
    expect(child.work()).toHaveLength(count);
    await clock.advance(1);
    expect(child.work()).toHaveLength(count + 1);
  }
  expect(nursery.supervisor.isReady).toBe(false);
  secured(child);
  await clock.advance(0);
  expect(nursery.supervisor.isReady).toBe(true);
  expect(nursery.children).toHaveLength(1);
});

test("a safe method that takes too long is killed and runs anew in the next child", async () => {
  const nursery = careful();
  await leaveInDoubt(nursery);
  await nursery.open({ safeTimeoutMs: 3 * SECOND });
  const [first] = nursery.children;
  await nursery.clock.advance(2_999);
  expect(first?.signals).toEqual([]);
  await nursery.clock.advance(1);
  expect(first?.signals).toEqual(["SIGTERM"]);
  expect(nursery.told("machine.unsafe")[0]?.reason).toContain('"safe" in 3000 ms');
  expect(given(nursery.child)).toEqual(["safe"]);
  expect(nursery.child).not.toBe(first as FakeChild);
  secured(nursery.child);
  await nursery.clock.advance(0);
  expect(nursery.supervisor.isReady).toBe(true);
});

test("children that make it safe and then only die are replaced ever more slowly", async () => {
  const nursery = await careful().open();
  const run = nursery.supervisor.run(action("a1"), never).catch(() => {});
  nursery.child.start("a1");
  nursery.child.end();
  await run;
  for (let turn = 0; turn < 20; turn += 1) {
    await nursery.clock.advance(0);
    if (given(nursery.child).at(-1) === "safe") secured(nursery.child);
    await nursery.clock.advance(0);
    nursery.child.end();
  }
  expect(nursery.children).toHaveLength(2);
});

test.each([
  { what: "a started action", fact: action("a1"), isDoubted: true },
  { what: "a started belief", fact: belief("b1"), isDoubted: false },
])("a restart that finds $what: in doubt $isDoubted", async ({ fact: assignment, isDoubted }) => {
  const nursery = careful();
  await leaveInDoubt(nursery, assignment);
  await nursery.open();
  expect(given(nursery.child)).toEqual(isDoubted ? ["safe"] : []);
  // On record from here on: the entry will be finished long before the machine is safe.
  expect(machineFacts(nursery)).toEqual(isDoubted ? ["doubted"] : []);
});

test.each([
  { what: "is in doubt on record", facts: ["doubted"], expected: ["safe"] },
  { what: "was made safe since", facts: ["doubted", "secured"], expected: [] },
] as const)("a restart of a machine that $what runs $expected", async ({ facts, expected }) => {
  const nursery = careful();
  const stamps = { atMs: 0, key: MACHINE_KEY, reason: "a kill" };
  await before(nursery, ...facts.map((type) => ({ type, ...stamps })));
  await nursery.open();
  expect(given(nursery.child)).toEqual([...expected]);
});

test("a restart before another backend finds what the first one's agent was doing", async () => {
  const nursery = await careful().open({}, true);
  expect(given(nursery.child)).toEqual(["safe"]);
  expect(machineFacts(nursery)).toEqual(["doubted"]);
});

test("a full disk keeps no machine from being made safe", async () => {
  const nursery = await careful().open();
  nursery.disk.rowsMax = 0;
  const run = nursery.supervisor.run(action("a1"), never).catch((cause) => cause);
  nursery.child.start("a1");
  nursery.child.end();
  expect(await run).toMatchObject({ code: "handler.crashed" });
  await nursery.clock.advance(0);
  secured(nursery.child);
  await nursery.clock.advance(0);
  expect(nursery.supervisor.isReady).toBe(true);
});

test("a broken journal ends what waits for the machine to be safe", async () => {
  const nursery = await careful().open();
  nursery.disk.broken = new ServantError("journal.damaged", "Cannot write it");
  const cut = nursery.supervisor.run(action("a1"), never).catch((cause) => cause);
  const waiting = nursery.supervisor.run(belief("b1"), never).catch((cause) => cause);
  nursery.child.start("a1");
  nursery.child.end();
  expect(await cut).toMatchObject({ code: "handler.crashed" });
  expect(await waiting).toMatchObject({ code: "journal.damaged" });
  expect(nursery.supervisor.isReady).toBe(false);
});

test("a pause keeps no machine from being made safe", async () => {
  const nursery = await careful().open();
  nursery.supervisor.run(action("a1"), never).catch(() => {});
  nursery.child.start("a1");
  nursery.supervisor.setPaused(true);
  nursery.child.end();
  await nursery.clock.advance(0);
  secured(nursery.child);
  await nursery.clock.advance(0);
  expect(nursery.supervisor.isReady).toBe(true);
  expect(nursery.child.orders.at(-1)).toEqual({ type: "pause", isPaused: true });
});
