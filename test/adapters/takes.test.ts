// Goal: a servant that cannot take everything is still reached by cancels where the backend can
// tell them, asks a plain backend for nothing it would have to hold, and loses nothing that was
// handed out while a newer poll took the place of an older one.
// Method: the adapter against a real socket, its intake moved by the test.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { dynosBackend } from "../../src/adapters/dynos-http.ts";
import type { AuditId } from "../../src/core/assignment.ts";
import type { Backend, Directive, Offer } from "../../src/core/ports.ts";
import { domain } from "../../src/core/vocabulary.ts";
import { systemClock } from "../../src/system/clock.ts";
import { Connection } from "../../src/wire/connection.ts";
import { HostileBackend } from "../support/hostile-backend.ts";
import { TestIntake } from "../support/test-intake.ts";

const offer: Offer = {
  transitions: ["move"],
  fluents: [],
  domainModules: [],
  vocabulary: domain("none", {}),
  startState: [],
  startGoal: [],
};
const ALL = "action, belief, cancel";
const LIMITED = "belief, cancel";

let peer: HostileBackend;
let intake: TestIntake;
let stop: AbortController;

beforeEach(() => {
  peer = new HostileBackend();
  intake = new TestIntake();
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await peer.stop();
});

const understands = { "Servant-Takes": ALL };
/** A poll that is held until the test answers it. */
function held(): (answer: Response) => void {
  const { promise, resolve } = Promise.withResolvers<Response>();
  peer.polls.push(() => promise);
  return resolve;
}
const nothing = () => new Response(null, { status: 204, headers: understands });
const work = (auditId: string) =>
  Response.json({ transition_name: "move", audit_id: auditId }, { headers: understands });
const cancel = (body: object) =>
  Response.json({ kind: "cancel", ...body }, { headers: understands });
const polls = () => peer.requests("/next_assignment");
const takes = () => polls().map(({ headers }) => headers.get("servant-takes"));

interface Followed {
  readonly backend: Backend;
  readonly seen: Directive[];
  /** What it failed with, once it has ended; follows on after that. */
  readonly failures: unknown[];
}

/** Registers and follows the directives over failures, as the servant does. */
async function follow(isPlain = false, pollIntervalMs = 10): Promise<Followed> {
  const connection = new Connection({ url: peer.url });
  const options = { clock: systemClock, quickPoll: false, assignmentMaxBytes: 100_000 };
  const backend = dynosBackend(connection, { ...options, pollIntervalMs });
  if (!isPlain) {
    peer.registrations.push(Response.json({ servant_id: "servant-1" }, { headers: understands }));
  }
  await backend.register(offer, stop.signal);
  const followed: Followed = { backend, seen: [], failures: [] };
  const { signal } = stop;
  const mine = intake;
  void (async () => {
    while (!signal.aborted) {
      try {
        for await (const each of backend.directives(mine, signal)) followed.seen.push(each);
      } catch (cause) {
        followed.failures.push(cause);
      }
    }
  })();
  return followed;
}
const assigned = ({ seen }: Followed) =>
  seen.flatMap((each) => (each.type === "assign" ? `${each.assignment.auditId}` : []));

describe("a plain backend", () => {
  test("hears what can be taken, and no poll while something cannot", async () => {
    intake.set(false);
    const followed = await follow(true);
    held();
    await Bun.sleep(50); // nothing to wait for: several intervals pass without a poll
    expect(polls()).toHaveLength(0);
    intake.set(true);
    await peer.until("a poll", () => polls().length === 1);
    expect(takes()).toEqual([ALL]);
    expect(followed.failures).toEqual([]);
  });

  test("is not polled again when the intake shrinks and grows under a held poll", async () => {
    const answer = held();
    const followed = await follow(true);
    await peer.until("a poll", () => polls().length === 1);
    intake.set(false);
    intake.set(true);
    intake.set(false);
    answer(Response.json({ transition_name: "move", audit_id: "a1" }));
    await peer.until("the assignment", () => assigned(followed).length === 1);
    expect(polls()).toHaveLength(1);
  });
});

describe("a backend that understands", () => {
  test("is polled for what can be taken, and for cancels always", async () => {
    intake.set(false, false);
    for (let count = 0; count < 2; count++) held();
    await follow();
    await peer.until("a poll", () => polls().length === 1);
    intake.set(false, true);
    await peer.until("another", () => polls().length === 2);
    expect(takes()).toEqual(["cancel", LIMITED]);
  });

  test("that stops saying so is a plain one from then on", async () => {
    intake.set(false);
    const answer = held();
    await follow();
    await peer.until("a poll", () => polls().length === 1);
    answer(new Response(null, { status: 204 }));
    await Bun.sleep(50); // several intervals pass without a poll
    expect(polls()).toHaveLength(1);
  });

  test("loses nothing when a newer poll overtakes the older one", async () => {
    intake.set(false);
    const [older, newer] = [held(), held()];
    const followed = await follow();
    await peer.until("a limited poll", () => polls().length === 1);
    intake.set(true);
    await peer.until("a further one", () => polls().length === 2);
    expect(takes()).toEqual([LIMITED, ALL]);
    held();
    newer(work("a2"));
    older(work("a1"));
    await peer.until("both", () => assigned(followed).length === 2);
    expect(assigned(followed).sort()).toEqual(["a1", "a2"]);
  });

  test("ends the older poll itself, and the newer one stays the only one", async () => {
    intake.set(false);
    const [older] = [held(), held()];
    const followed = await follow();
    await peer.until("a limited poll", () => polls().length === 1);
    intake.set(true);
    await peer.until("a further one", () => polls().length === 2);
    older?.(nothing());
    await peer.until("its end", () => followed.seen.length === 1);
    await Bun.sleep(50); // several intervals pass without a third
    expect(polls()).toHaveLength(2);
  });

  test("has two polls at most, however the intake moves", async () => {
    const older = held();
    for (let count = 0; count < 2; count++) held();
    await follow();
    await peer.until("a poll", () => polls().length === 1);
    intake.set(false);
    await peer.until("a second", () => polls().length === 2);
    intake.set(true);
    intake.set(false, false);
    await Bun.sleep(50); // several intervals pass without a third
    expect(polls()).toHaveLength(2);
    older(nothing());
    await peer.until("a third, once there is room", () => polls().length === 3);
    expect(takes()).toEqual([ALL, LIMITED, "cancel"]);
  });

  test("the older poll's failure is none of the link; the newest's is, and hides nothing", async () => {
    intake.set(false);
    const [older, newer] = [held(), held()];
    const followed = await follow();
    await peer.until("a limited poll", () => polls().length === 1);
    intake.set(true);
    await peer.until("a further one", () => polls().length === 2);
    older(new Response(null, { status: 500 }));
    const [second, third] = [held(), held()];
    newer(work("a1"));
    await peer.until("the next", () => polls().length === 3);
    expect(followed.failures).toEqual([]);
    intake.set(false);
    await peer.until("a limited one", () => polls().length === 4);
    const fourth = held();
    third(new Response(null, { status: 503 }));
    await peer.until("the failure", () => followed.failures.length === 1);
    expect(followed.failures[0]).toMatchObject({ code: "backend.unavailable" });
    second(work("a2"));
    await peer.until("what the older one brought", () => assigned(followed).length === 2);
    fourth(nothing());
  });

  test("is asked in the new name alone once the servant has registered again", async () => {
    const old = held();
    const followed = await follow();
    await peer.until("a poll", () => polls().length === 1);
    held();
    const answered = Promise.withResolvers<Response>();
    peer.registrations.push(() => answered.promise);
    const registered = followed.backend.register(offer, stop.signal);
    await peer.until("it asks", () => peer.requests("/servant/register").length === 2);
    answered.resolve(Response.json({ servant_id: "servant-2" }, { headers: understands }));
    await registered;
    await peer.until("a poll in the new name", () => polls().length === 2);
    expect(polls()[1]?.path).toBe("/servant/servant-2/next_assignment");
    old(work("late"));
    await Bun.sleep(20);
    expect(followed.seen).toEqual([]);
    expect(followed.failures).toEqual([]);
  });

  test("hears which assignments are here, a few of them, whatever their ids are", async () => {
    intake.holds = ["a1", "b, c/ü", "\ud800", "x".repeat(5_000)].map((each) => each as AuditId);
    held();
    await follow();
    await peer.until("a poll", () => polls().length === 1);
    expect(polls()[0]?.headers.get("servant-holds")).toBe("a1, b%2C%20c%2F%C3%BC, %EF%BF%BD");
  });
});

describe("a cancel", () => {
  test("is told with its reason, and the next poll follows at once", async () => {
    peer.polls.push(cancel({ audit_id: "a1", reason: "stop it" }), cancel({ audit_id: "a2" }));
    peer.polls.push(work("a3"));
    held();
    const followed = await follow(false, 60_000);
    await peer.until("all three", () => followed.seen.length === 3);
    expect(followed.seen.slice(0, 2)).toEqual([
      { type: "cancel", auditId: "a1" as AuditId, reason: "stop it" },
      { type: "cancel", auditId: "a2" as AuditId, reason: "the backend asks for it" },
    ]);
  });

  test("that is repeated at once makes no hot loop", async () => {
    for (let count = 0; count < 100; count++) peer.polls.push(cancel({ audit_id: "a1" }));
    const followed = await follow(false, 60_000);
    await peer.until("the repetition", () => followed.seen.length === 2);
    await Bun.sleep(20);
    expect(polls()).toHaveLength(2);
  });

  test("without an audit id or of another shape is malformed, and never an assignment", async () => {
    for (const body of [{}, { audit_id: 7 }, { audit_id: "" }, { audit_id: null, reason: "x" }]) {
      peer.polls.push(cancel(body));
    }
    peer.polls.push(cancel({ audit_id: "a1", reason: 5 }));
    held();
    const followed = await follow();
    await peer.until("all", () => followed.seen.length === 5);
    expect(followed.seen.map(({ type }) => type)).toEqual([
      ...Array.from({ length: 4 }, () => "malformed" as const),
      "cancel", // a reason that cannot be read takes nothing away from it
    ]);
  });
});

test("directives() leaves one wait at the intake, and none when it ends", async () => {
  for (let count = 0; count < 30; count++) peer.polls.push(work(`a${count}`));
  held();
  const followed = await follow();
  await peer.until("all", () => assigned(followed).length === 30);
  expect(intake.bell.waiting).toBe(1);
  stop.abort();
  await peer.until("its end", () => intake.bell.waiting === 0);
});
