/** The rules of handing out: who gets what, when silence counts, which answers count. */
import { beforeEach, expect, test } from "bun:test";
import { SERVANTS_MAX } from "../../src/backend/servant-list.ts";
import {
  ANSWER_LOST_MS,
  BELIEF_WAIT_MS,
  HOLD_MAX_MS,
  Servants,
  type ServantsOptions,
} from "../../src/backend/servants.ts";
import { LEASE_MS, LOST_MS } from "../../src/backend/silence.ts";
import { type AuditId, emptyResult, type Result } from "../../src/core/assignment.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";

/** Silence is looked at every half second: what is due is seen this much later at most. */
const SEEN_MS = 500;

let clock: FakeClock;
let logged: string[];
let servants: Servants;

function open(options: Partial<ServantsOptions> = {}): Servants {
  return new Servants({ clock, log: (_level, message) => void logged.push(message), ...options });
}

beforeEach(() => {
  clock = new FakeClock();
  logged = [];
  servants = open();
});

function register(...transitions: string[]): string {
  return servants.register({ transitions, fluents: ["robot_at"] }).id;
}

let count = 0;
function act(id: string): { auditId: AuditId; result: Promise<Result>; outcome(): unknown } {
  count += 1;
  const auditId = `audit-${count}` as AuditId;
  const action = { kind: "action", auditId, transition: "move", params: {} } as const;
  const result = servants.act(servants.get(id), action);
  let outcome: Result | undefined;
  void result.then((value) => {
    outcome = value;
  });
  return { auditId, result, outcome: () => outcome?.code ?? outcome?.success };
}

async function poll(id: string, waitMs?: number): Promise<string | undefined> {
  return (await servants.poll(id, { waitMs }))?.auditId;
}

test("the newest provider of a transition wins, the older one when it is lost", async () => {
  const [older, newer] = [register("move", "pick"), register("move")];
  expect(servants.providerOf("move")?.id).toBe(newer);
  expect(servants.providerOf("pick")?.id).toBe(older);
  expect(servants.providerOf("place")).toBeUndefined();
  await clock.advance(LOST_MS - 1);
  await poll(older);
  await clock.advance(SEEN_MS);
  expect(servants.providerOf("move")?.id).toBe(older);
  await poll(newer);
  expect(servants.providerOf("move")?.id).toBe(newer);
});

test("a servant with nothing in hand is lost after 3 s of silence, and back when it polls", async () => {
  const id = register("move");
  await clock.advance(LOST_MS - 1);
  expect(servants.providerOf("move")?.id).toBe(id);
  await clock.advance(SEEN_MS);
  expect(servants.providerOf("move")).toBeUndefined();
  await poll(id);
  expect(servants.providerOf("move")?.id).toBe(id);
});

test("a held poll is no silence", async () => {
  const id = register("move");
  const held = poll(id, 25_000);
  await clock.advance(24_999);
  expect(servants.providerOf("move")?.id).toBe(id);
  await clock.advance(1);
  expect(await held).toBeUndefined();
});

test("a poll is held for a minute at most", async () => {
  const id = register("move");
  let ended = false;
  void poll(id, 3_600_000).then(() => {
    ended = true;
  });
  await clock.advance(HOLD_MAX_MS - 1);
  expect(ended).toBe(false);
  await clock.advance(1);
  expect(ended).toBe(true);
});

test("an action that waits for a lost servant fails", async () => {
  const id = register("move");
  const { outcome } = act(id);
  await clock.advance(LOST_MS + SEEN_MS);
  expect(outcome()).toBe("servant.lost");
  expect(await poll(id)).toBeUndefined();
});

test("a servant never has two actions in hand; beliefs pass", async () => {
  const id = register("move");
  const [first, second] = [act(id), act(id)];
  expect(await poll(id, 0)).toBe(first.auditId);
  const belief = servants.observe(servants.get(id), "robot_at");
  const asked = await servants.poll(id, { waitMs: 0 });
  expect(asked).toMatchObject({ kind: "belief", fluent: "robot_at" });
  expect(await poll(id, 0)).toBeUndefined();
  servants.answer(id, emptyResult(asked?.auditId as AuditId, true));
  expect((await belief).unchecked).toBe(false);
  servants.answer(id, emptyResult(first.auditId, true));
  expect(await poll(id, 0)).toBe(second.auditId);
});

test("the answer to one action hands the next to the poll that is held", async () => {
  const id = register("move");
  const [first, second] = [act(id), act(id)];
  await poll(id, 0);
  const held = poll(id, 25_000);
  await settled();
  servants.answer(id, emptyResult(first.auditId, true));
  expect(await held).toBe(second.auditId);
});

test("a newer poll ends the older held one, and gets the action", async () => {
  const id = register("move");
  const older = poll(id, 25_000);
  await settled();
  const newer = poll(id, 25_000);
  await settled();
  const { auditId } = act(id);
  expect(await older).toBeUndefined();
  expect(await newer).toBe(auditId);
});

test("a held poll whose client went away takes no action with it", async () => {
  const id = register("move");
  const client = new AbortController();
  const held = servants.poll(id, { waitMs: 25_000 }, client.signal);
  await settled();
  client.abort();
  const { auditId } = act(id);
  expect(await held).toBeUndefined();
  expect(await servants.poll(id, { waitMs: 0 }, AbortSignal.abort())).toBeUndefined();
  expect(await poll(id, 0)).toBe(auditId);
});

test("a servant that polls while it acts fails its step after the lease", async () => {
  const id = register("move");
  const { outcome, auditId } = act(id);
  await poll(id, 0);
  await clock.advance(LEASE_MS - 1);
  expect(outcome()).toBeUndefined();
  await clock.advance(SEEN_MS);
  expect(outcome()).toBe("servant.lost");
  expect(servants.providerOf("move")).toBeUndefined();
  expect(servants.answer(id, emptyResult(auditId, true))).toBe("not-awaited");
});

test("polls renew the lease", async () => {
  const id = register("move");
  const { outcome } = act(id);
  await poll(id, 0);
  for (let polls = 0; polls < 5; polls += 1) {
    await clock.advance(LEASE_MS - SEEN_MS);
    await poll(id, 0);
  }
  expect(outcome()).toBeUndefined();
});

test("a plain servant may be silent for hours while it acts; its silence is logged", async () => {
  const id = register("move");
  const { outcome, auditId } = act(id);
  expect(await poll(id)).toBe(auditId);
  await clock.advance(3 * 3_600_000);
  expect(outcome()).toBeUndefined();
  const told = logged.filter((message) => message.includes("with an action in hand"));
  expect(told.length).toBeGreaterThan(3);
  expect(told.length).toBeLessThan(20);
  expect(servants.answer(id, emptyResult(auditId, true))).toBe("taken");
  await settled();
  expect(outcome()).toBe(true);
});

test("a silent lease, when there is one, ends a plain servant's step too", async () => {
  servants = open({ silentLeaseMs: 60_000 });
  const id = register("move");
  const { outcome } = act(id);
  await poll(id);
  await clock.advance(60_000 - 1);
  expect(outcome()).toBeUndefined();
  await clock.advance(SEEN_MS);
  expect(outcome()).toBe("servant.lost");
});

test("a plain servant that polls with an action in hand has lost it or its answer", async () => {
  const id = register("move");
  const [first, second] = [act(id), act(id)];
  await poll(id);
  expect(await poll(id)).toBeUndefined();
  await clock.advance(ANSWER_LOST_MS - 1);
  expect(await poll(id)).toBeUndefined();
  expect(first.outcome()).toBeUndefined();
  await clock.advance(1);
  expect(await poll(id)).toBe(second.auditId);
  expect(first.outcome()).toBe("servant.lost");
});

test("a belief that is not answered in 5 s is unchecked, and its late answer changes nothing", async () => {
  const id = register("move");
  const belief = servants.observe(servants.get(id), "robot_at");
  const asked = await servants.poll(id, { waitMs: 0 });
  await clock.advance(BELIEF_WAIT_MS);
  expect(await belief).toMatchObject({ success: true, unchecked: true });
  const late = emptyResult(asked?.auditId as AuditId, true);
  expect(servants.answer(id, late)).toBe("not-awaited");
});

test("a belief that nobody fetched is not handed out later", async () => {
  const id = register("move");
  await poll(id);
  const acting = act(id);
  await poll(id); // a plain servant: from now on it does not poll
  const belief = servants.observe(servants.get(id), "robot_at");
  await clock.advance(BELIEF_WAIT_MS);
  expect((await belief).unchecked).toBe(true);
  servants.answer(id, emptyResult(acting.auditId, true));
  expect(await poll(id)).toBeUndefined();
});

test("an answer counts once; one to an unknown audit id is logged", async () => {
  const id = register("move");
  const { auditId, outcome } = act(id);
  expect(servants.answer(id, emptyResult(auditId, true))).toBe("not-awaited"); // not handed out
  await poll(id);
  expect(servants.answer(id, emptyResult(auditId, true))).toBe("taken");
  expect(servants.answer(id, emptyResult(auditId, false))).toBe("not-awaited");
  expect(servants.answer(id, emptyResult("never-sent" as AuditId, true))).toBe("not-awaited");
  await settled();
  expect(outcome()).toBe(true);
  expect(logged.filter((message) => message.includes("nobody waits for"))).toHaveLength(3);
});

test("a servant that registered anew may answer under its new id", async () => {
  const id = register("move");
  const { auditId, outcome } = act(id);
  await poll(id);
  expect(servants.answer(register("move"), emptyResult(auditId, true))).toBe("taken");
  await settled();
  expect(outcome()).toBe(true);
});

test("a stopped action stays in hand: no second one before its servant is heard", async () => {
  const id = register("move");
  const first = act(id);
  await poll(id, 0);
  servants.stopAll("reset", { isTold: false });
  await settled();
  expect(first.outcome()).toBe("execution.stopped");
  const second = act(id);
  expect(await poll(id, 0)).toBeUndefined();
  expect(servants.answer(id, emptyResult(first.auditId, true))).toBe("not-awaited");
  expect(await poll(id, 0)).toBe(second.auditId);
});

test("a plain servant that polls again after a stop is free for the next action", async () => {
  const id = register("move");
  act(id);
  await poll(id);
  servants.stopAll("reset", { isTold: false });
  const second = act(id);
  expect(await poll(id)).toBeUndefined();
  await clock.advance(ANSWER_LOST_MS);
  expect(await poll(id)).toBe(second.auditId);
});

test("a new servant takes the place of the one lost longest, never of a live one", async () => {
  const [first, second, third] = [register("move"), register("move"), register("move")];
  await clock.advance(500);
  await poll(third);
  await clock.advance(LOST_MS);
  await poll(first);
  while (servants.list().length < SERVANTS_MAX) register("wave");
  const held = servants.poll(first, { waitMs: 25_000 });
  register("wave");
  expect(() => servants.get(second)).toThrow(second);
  expect(servants.get(third).isLost).toBe(true);
  register("wave");
  expect(() => servants.get(third)).toThrow(third);
  await clock.advance(500); // all have polled, or registered, a moment ago
  expect(() => register("wave")).toThrow(`${SERVANTS_MAX} servants are connected`);
  await clock.advance(LOST_MS); // all but the one that holds a poll are silent
  for (let more = 1; more < SERVANTS_MAX; more += 1) register("wave");
  expect(servants.get(first).isLost).toBe(false);
  expect(servants.list()).toHaveLength(SERVANTS_MAX);
  servants.close();
  await held;
});

test("a servant with an action in hand keeps its place until it is lost", async () => {
  const busy = register("move");
  const { outcome } = act(busy);
  await poll(busy); // a plain one: it is silent while it acts
  while (servants.list().length < SERVANTS_MAX) register("wave");
  await clock.advance(LOST_MS);
  for (let more = 1; more < SERVANTS_MAX; more += 1) register("wave");
  expect(servants.get(busy).inHand).toBeDefined();
  expect(outcome()).toBeUndefined();
});

test("an unknown servant is refused by every call", async () => {
  expect(() => servants.get("nobody")).toThrow('Cannot find servant "nobody"');
  await expect(servants.poll("nobody", { waitMs: 0 })).rejects.toThrow("nobody");
  expect(() => servants.answer("nobody", emptyResult("x" as AuditId, true))).toThrow("nobody");
});

test("close() answers what is held and fails what is open", async () => {
  const id = register("move");
  const { outcome } = act(id);
  await poll(id, 0);
  const held = poll(id, 25_000);
  await settled();
  servants.close();
  expect(await held).toBeUndefined();
  expect(outcome()).toBe("execution.stopped");
});
