// Goal: what is called off never starts, what runs is told to stop, and nobody claims that a motion
// has ended before its servant says so. Method: the rules on a fake clock, then the routes on a
// real socket.
import { beforeEach, describe, expect, test } from "bun:test";
import { NEVER_HAD_MS } from "../../src/backend/hand.ts";
import { REPEAT_MS, type Wish } from "../../src/backend/servant.ts";
import { BELIEF_WAIT_MS, Servants } from "../../src/backend/servants.ts";
import { LEASE_MS } from "../../src/backend/silence.ts";
import { type AuditId, emptyResult, type Result } from "../../src/core/assignment.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { type Handout, type Harness, harness } from "./harness.ts";
import { execute, prepare, state } from "./playing.ts";

const all = { actions: true, beliefs: true, cancels: true };
const limited = { actions: false, beliefs: true, cancels: true };

describe("a servant that takes cancels", () => {
  let clock: FakeClock;
  let servants: Servants;
  let id: string;
  beforeEach(() => {
    clock = new FakeClock();
    servants = new Servants({ clock, log: () => {} });
    id = servants.register({ transitions: ["move"], fluents: ["robot_at"] }).id;
  });

  let count = 0;
  function act() {
    count += 1;
    const auditId = `audit-${count}` as AuditId;
    const action = { kind: "action", auditId, transition: "move", params: {} } as const;
    let outcome: Result | undefined;
    void servants.act(servants.get(id), action).then((value) => {
      outcome = value;
    });
    return { auditId, outcome: () => outcome?.code ?? outcome?.success };
  }
  const poll = (wish: Wish = {}) => servants.poll(id, { waitMs: 0, takes: all, ...wish });
  const told = (auditId: string) => ({ kind: "cancel", auditId, reason: "why" });
  const answer = (auditId: AuditId, success: boolean) =>
    servants.answer(id, emptyResult(auditId, success));

  test("is told at once on its held poll, and the step waits for its true answer", async () => {
    const { auditId, outcome } = act();
    await poll();
    const held = poll({ waitMs: 25_000, takes: limited });
    await settled();
    expect(servants.cancel(auditId, "why")).toMatchObject([
      { auditId, servantId: id, handedOut: true, told: true },
    ]);
    expect(await held).toMatchObject(told(auditId));
    await clock.advance(10 * REPEAT_MS);
    expect(outcome()).toBeUndefined();
    expect(answer(auditId, true)).toBe("taken");
    await settled();
    expect(outcome()).toBe(true); // cancelling is not cancelled
  });

  test("is told again until it answers, a second apart at least, and not after that", async () => {
    const { auditId } = act();
    await poll();
    servants.cancel(undefined, "why");
    expect(await poll()).toMatchObject(told(auditId));
    expect(await poll()).toBeUndefined();
    const held = poll({ waitMs: 25_000 });
    await clock.advance(REPEAT_MS - 1);
    const soon = Promise.race([held, settled().then(() => "held")]);
    expect(await soon).toBe("held");
    await clock.advance(1);
    expect(await held).toMatchObject(told(auditId));
    answer(auditId, false);
    await clock.advance(REPEAT_MS);
    expect(await poll()).toBeUndefined();
  });

  test("is told after it was silent for so long that its step failed", async () => {
    const { auditId, outcome } = act();
    await poll();
    servants.cancel(auditId, "why");
    await clock.advance(LEASE_MS + 1_000);
    expect(outcome()).toBe("servant.lost");
    expect(await poll()).toMatchObject(told(auditId));
  });

  test("never gets what still waited", async () => {
    const [first, second] = [act(), act()];
    await poll();
    expect(servants.cancel(second.auditId, "why")).toMatchObject([{ handedOut: false }]);
    await settled();
    expect([first.outcome(), second.outcome()]).toEqual([undefined, "execution.cancelled"]);
    answer(first.auditId, true);
    expect(await poll()).toBeUndefined();
  });

  test("gets nothing of the queue between the cancel of all and its answer", async () => {
    const [first, second] = [act(), act()];
    await poll();
    const held = poll({ waitMs: 25_000 });
    await settled();
    servants.cancel(undefined, "why");
    expect(await held).toMatchObject(told(first.auditId));
    await settled();
    expect(second.outcome()).toBe("execution.cancelled");
  });

  test("is not asked on for a belief that was called off, which stays unchecked", async () => {
    const belief = servants.observe(servants.get(id), "robot_at");
    const asked = await poll();
    const [one] = servants.cancel(asked?.auditId, "why");
    expect(one).toMatchObject({ told: true });
    expect((await belief).unchecked).toBe(true);
    expect(await poll()).toMatchObject({ kind: "cancel" });
    await clock.advance(BELIEF_WAIT_MS);
    expect(await poll({ holds: new Set() })).toBeUndefined(); // it is not there: no more words
  });

  test("knows nothing to cancel of what is unknown or answered", async () => {
    const { auditId } = act();
    await poll();
    answer(auditId, true);
    expect(servants.cancel(auditId, "why")).toEqual([]);
    expect(servants.cancel("never" as AuditId, "why")).toEqual([]);
    expect(servants.cancel(undefined, "why")).toEqual([]);
  });

  test("gets what was lost on its way once more, under the same audit id", async () => {
    const { auditId } = act();
    expect((await poll())?.auditId).toBe(auditId);
    expect(await poll({ holds: new Set() })).toBeUndefined(); // it may still be on its way
    const held = poll({ waitMs: 25_000, holds: new Set() });
    await clock.advance(REPEAT_MS);
    expect(await held).toMatchObject({ kind: "action", auditId });
    await clock.advance(REPEAT_MS);
    expect(await poll({ holds: new Set([auditId]) })).toBeUndefined();
    expect(await poll({ holds: new Set(), takes: limited })).toBeUndefined(); // it cannot take it
    expect(await poll()).toBeUndefined(); // it does not say
  });

  test("whose hand-out was lost and called off is free again, and never gets it", async () => {
    const { auditId, outcome } = act();
    await poll();
    servants.cancel(auditId, "why");
    const next = act();
    for (let passedMs = 0; passedMs < NEVER_HAD_MS; passedMs += REPEAT_MS) {
      expect(await poll({ holds: new Set() })).toMatchObject(told(auditId));
      expect(await poll({ holds: new Set() })).toBeUndefined();
      expect(outcome()).toBeUndefined();
      await clock.advance(REPEAT_MS);
    }
    expect((await poll({ holds: new Set() }))?.auditId).toBe(next.auditId);
    await settled();
    expect(outcome()).toBe("execution.cancelled");
  });

  test("gets only what it takes, and its polls count as life while it takes nothing", async () => {
    const first = act();
    await poll();
    for (let passedMs = 0; passedMs < 2 * LEASE_MS; passedMs += 1_000) {
      await clock.advance(1_000);
      const takes = { actions: false, beliefs: false, cancels: true };
      expect(await poll({ takes })).toBeUndefined();
    }
    expect(first.outcome()).toBeUndefined();
    void servants.observe(servants.get(id), "robot_at");
    expect(await poll({ takes: { ...limited, beliefs: false } })).toBeUndefined();
    expect(await poll({ takes: limited })).toMatchObject({ kind: "belief" });
    answer(first.auditId, true);
    const second = act();
    expect(await poll({ takes: limited })).toBeUndefined();
    expect((await poll())?.auditId).toBe(second.auditId);
  });
});

describe("POST /cancel", () => {
  const takesAll = { "Servant-Takes": "action, belief, cancel" };

  async function next(http: Harness, id: string): Promise<Handout> {
    const path = `/servant/${id}/next_assignment`;
    const { body, headers } = await http.get(path, { Prefer: "wait=5", ...takesAll });
    expect(headers.get("servant-takes")).toBe("action, belief, cancel");
    return body as unknown as Handout;
  }

  /** A step of an execution is in hand. */
  async function moving(http: Harness) {
    const id = await http.register(["move"]);
    await prepare(http, ["robot_at(room_two)"]);
    const execution = http.post("/execute");
    const step = await next(http, id);
    return { id, execution, step };
  }

  test("ends the execution after its step, whose outcome is told and believed", async () => {
    await using http = harness();
    const { id, execution, step } = await moving(http);
    const told = next(http, id);
    const cancel = await http.post("/cancel", { reason: "a person is in the room" });
    expect(cancel.body).toMatchObject({
      execution: true,
      cancelled: [
        {
          audit_id: step.audit_id,
          servant_id: id,
          what: "move(room_one, room_two)",
          handed_out: true,
          told: true,
        },
      ],
    });
    const { audit_id } = step;
    const reason = "a person is in the room";
    expect(await told).toMatchObject({ kind: "cancel", audit_id, reason });
    const telemetry = { code: "handler.cancelled", metres: 1 };
    await http.answer(id, audit_id, { success: false, message: "stopped", telemetry });
    const { status, body } = await execution;
    expect([status, body.success, body.code]).toEqual([200, false, "execution.cancelled"]);
    expect(body.message).toBe("cancelled: a person is in the room");
    expect(body.results).toMatchObject([
      { success: false, audit_id, code: "handler.cancelled", telemetry },
    ]);
  });

  test("counts a step that succeeds all the same, and starts no further one", async () => {
    await using http = harness();
    const id = await http.register(["pick", "place", "move"]);
    await prepare(http, ["box_at(room_two, box_a)"]);
    const execution = execute(http);
    const step = await next(http, id);
    // By the step's own audit id: the execution must not go on around it.
    const { body } = await http.post("/cancel", { audit_id: step.audit_id });
    expect(body).toMatchObject({ execution: true, cancelled: [{ told: true }] });
    expect(await next(http, id)).toMatchObject({ kind: "cancel" });
    await http.answer(id, step.audit_id);
    expect(await execution).toMatchObject([
      { success: true, action_name: "pick" },
      { type: "plan", success: false, message: "cancelled: asked for by a client" },
    ]);
    expect(await state(http)).toContain("holding(box_a)");
    expect((await http.post("/cancel")).body).toMatchObject({ execution: false, cancelled: [] });
  });

  test("does not wait for a servant that cannot be told, and gives it no second action", async () => {
    await using http = harness();
    const id = await http.register(["move"]);
    await prepare(http, ["robot_at(room_two)"]);
    const execution = execute(http);
    const step = await http.next(id);
    const { body } = await http.post("/cancel");
    expect(body).toMatchObject({ cancelled: [{ handed_out: true, told: false }] });
    const results = await execution;
    expect(results).toMatchObject([{ success: false, code: "execution.cancelled" }]);
    expect(results[0]?.message).toContain("cannot be told and may go on");
    const params = { start: "room_one", end: "room_two" };
    const trigger = http.post("/trigger", { action: "move", params });
    const path = `/servant/${id}/next_assignment`;
    expect((await http.get(path, { Prefer: "wait=0" })).status).toBe(204);
    expect((await http.answer(id, step.audit_id)).body.accepted).toBe(true);
    const second = await http.next(id);
    await http.answer(id, second.audit_id);
    expect((await trigger).body.success).toBe(true);
  });

  test("of one trigger leaves the execution alone", async () => {
    await using http = harness();
    const { id, execution, step } = await moving(http);
    const params = { start: "room_one", end: "room_three" };
    const trigger = http.post("/trigger", { action: "move", params });
    const queued = await openTrigger(http);
    const { body } = await http.post("/cancel", { audit_id: queued, reason: "no" });
    expect(body).toMatchObject({ execution: false, cancelled: [{ handed_out: false }] });
    expect((await trigger).body).toMatchObject({ success: false, message: "cancelled: no" });
    await http.answer(id, step.audit_id);
    expect((await execution).body.success).toBe(true);
  });

  /** The audit id of the last step that started. */
  async function openTrigger({ progress }: Harness): Promise<string> {
    const started = () => progress.filter(({ type }) => type === "step.started");
    while (started().length < 2) await Bun.sleep(1);
    const last = started().at(-1);
    return last?.type === "step.started" ? last.auditId : "";
  }

  test("refuses an audit id that is not open, and what it cannot read", async () => {
    await using http = harness();
    const unknown = await http.post("/cancel", { audit_id: "nothing" });
    expect([unknown.status, unknown.body.code]).toEqual([404, "assignment.not-open"]);
    for (const body of [{ audit_id: 7 }, { audit_id: "" }, { reason: "x".repeat(501) }]) {
      expect((await http.post("/cancel", body)).status).toBe(400);
    }
  });

  test("while a plan is made ends the execution before its first step", async () => {
    await using http = harness();
    await http.register(["move"]);
    await prepare(http, ["robot_at(room_two)"]);
    const [execution, cancel] = await Promise.all([http.post("/execute"), http.post("/cancel")]);
    expect(cancel.body).toMatchObject({ execution: true });
    expect(execution.body).toMatchObject({
      success: false,
      message: "cancelled: asked for by a client",
    });
  });

  test("is what a reset does too: the servant is told, the world is not touched after", async () => {
    await using http = harness();
    const { id, execution, step } = await moving(http);
    const told = next(http, id);
    await http.post("/reset");
    expect(await told).toMatchObject({ kind: "cancel", audit_id: step.audit_id });
    expect((await execution).body).toMatchObject({
      success: false,
      code: "execution.stopped",
      message: "stopped: the backend was reset",
    });
    await http.answer(id, step.audit_id);
    expect(await state(http)).toEqual(["hands_free"]);
  });
});
