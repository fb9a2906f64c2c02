/** The rules of sessions, on a machine and a clock of the test's own. */
import { expect, test } from "bun:test";
import { ServantError } from "../../src/core/errors.ts";
import { settled } from "../support/fake-clock.ts";
import { FakeMachine } from "../support/fake-sessions.ts";

const failure = (code: string) => expect.objectContaining({ code });

test("a session has what it was asked to be, and a process that runs", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway();
  const asked = { label: " survey ", timeout_s: 60, config: { robot: "sentry-mock", depth: 3 } };
  const session = await sessions.create("bob", asked);
  expect(session).toMatchObject({
    ...{ owner: "bob", label: "survey", timeoutS: 60, status: "running", port: 8500 },
    config: { robot: "sentry-mock", depth: 3 },
  });
  expect(machine.of(session.id)).toMatchObject({ robot: "sentry-mock", port: 8500 });
  const plain = await sessions.create("eve", {});
  expect(plain).toMatchObject({ timeoutS: 172_800, config: {}, port: 8501 });
  expect(plain.label).toMatch(/^[a-z]+-[a-z]+$/);
  expect(sessions.list("bob").map(({ id }) => id)).toEqual([session.id]);
  expect(sessions.list()).toHaveLength(2);
  const [first, ...rest] = await sessions.uses();
  expect(first).toMatchObject({ session_id: session.id, pid: machine.of(session.id).mark.pid });
  expect(rest.map(({ session_id }) => session_id)).toEqual([plain.id]);
  await sessions.close();
});

test.each([
  { label: "" },
  { label: "x".repeat(101) },
  { label: "a\nb" },
  { timeout_s: 0 },
  { timeout_s: 604_801 },
  { timeout_s: 1.5 },
  { config: { robot: "roomba" } },
  { config: { robot: 7 } },
  { config: { long: "x".repeat(9_000) } },
])("a session cannot be %j", async (asked) => {
  const machine = new FakeMachine();
  const sessions = machine.gateway();
  await expect(sessions.create("bob", asked)).rejects.toEqual(failure("session.invalid"));
  expect(machine.folders.size).toBe(0);
  await sessions.close();
});

test("an unknown robot is told together with those that there are", async () => {
  const sessions = new FakeMachine().gateway();
  const asked = sessions.create("bob", { config: { robot: "roomba" } });
  await expect(asked).rejects.toThrow(/"roomba".*sentry-mock/);
  await sessions.close();
});

test("creates that race do not exceed what a user may have; others are not held up", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway({ perUser: 3 });
  const racing = await Promise.allSettled(
    Array.from({ length: 8 }, () => sessions.create("bob", {})),
  );
  const refused = racing.filter(({ status }) => status === "rejected");
  expect(refused).toHaveLength(5);
  for (const each of refused) expect(each).toMatchObject({ reason: { code: "session.too-many" } });
  const ports = sessions.list("bob").map(({ port }) => port);
  expect(new Set(ports).size).toBe(3);
  await sessions.create("eve", {});
  await sessions.stop(sessions.list("bob")[0]?.id ?? "");
  await sessions.create("bob", {});
  await sessions.close();
});

test("ports that others listen on are passed over, also when they were free a moment ago", async () => {
  const machine = new FakeMachine();
  machine.taken.add(8500);
  machine.onStart = ({ port }) => {
    if (port === 8501) throw new ServantError("local.port-in-use", "taken");
  };
  const sessions = machine.gateway({ ports: 4 });
  expect(await sessions.create("bob", {})).toMatchObject({ port: 8502 });
  machine.onStart = () => {};
  expect(await sessions.create("bob", {})).toMatchObject({ port: 8501 });
  expect(await sessions.create("bob", {})).toMatchObject({ port: 8503 });
  await expect(sessions.create("bob", {})).rejects.toEqual(failure("session.no-port"));
  expect(sessions.list()).toHaveLength(3);
  await sessions.close();
});

test("a session that cannot start leaves nothing behind, and says why", async () => {
  const machine = new FakeMachine();
  machine.onStart = () => {
    throw new ServantError("session.unstartable", "Cannot start the session: no disk");
  };
  const sessions = machine.gateway();
  await expect(sessions.create("bob", {})).rejects.toThrow("no disk");
  expect([sessions.list(), [...machine.running], [...machine.folders]]).toEqual([[], [], []]);
  expect(machine.store.documents("session")).toEqual([]);
  await sessions.close();
});

test("a session expires when nobody came for its timeout, within five seconds", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway();
  const { id } = await sessions.create("bob", { timeout_s: 60 });
  await machine.clock.advance(59_000);
  sessions.enter(id).leave();
  await machine.clock.advance(59_000);
  expect(sessions.find(id)).toMatchObject({ status: "running" });
  await sessions.reset(id); // that, and reading of it, is no activity
  await machine.clock.advance(6_000);
  expect(sessions.find(id)).toBeUndefined();
  expect(() => sessions.enter(id)).toThrow(failure("session.unknown") as never);
  expect([[...machine.running], [...machine.folders]]).toEqual([[], []]);
  await sessions.close();
});

test("a session with a request in flight never expires, however often one leaves", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway();
  const { id } = await sessions.create("bob", { timeout_s: 10 });
  const long = sessions.enter(id);
  const short = sessions.enter(id);
  short.leave();
  short.leave(); // an abort and an end: once is enough
  await machine.clock.advance(100_000);
  expect(await sessions.uses()).toMatchObject([{ in_flight: 1, expires_in_s: 10 }]);
  long.leave();
  await machine.clock.advance(9_000);
  expect(sessions.find(id)).toBeDefined();
  await machine.clock.advance(5_000);
  expect(sessions.find(id)).toBeUndefined();
  await sessions.close();
});

test("extend sets the timeout and counts as activity; a wall clock that jumps ends nothing", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway();
  const { id } = await sessions.create("bob", { timeout_s: 60 });
  await machine.clock.advance(50_000);
  expect(await sessions.extend(id, 100)).toMatchObject({ timeoutS: 100 });
  machine.clock.setWall(machine.clock.now() + 1e12);
  expect(await sessions.uses()).toMatchObject([{ expires_in_s: 100 }]);
  await machine.clock.advance(95_000);
  expect(sessions.find(id)).toBeDefined();
  await machine.clock.advance(10_000);
  expect(sessions.find(id)).toBeUndefined();
  await sessions.close();
});

test("a process that ends by itself is a dead session at once, and a reset revives it", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway();
  const { id, port, label } = await sessions.create("bob", {});
  const { world } = machine.of(id);
  machine.of(id).end(false);
  await settled();
  expect(sessions.find(id)).toMatchObject({ status: "dead" });
  expect(() => sessions.enter(id)).toThrow(failure("session.dead") as never);
  expect(await sessions.logs(id)).toContain(id);
  expect(await sessions.reset(id)).toMatchObject({ id, port, label, status: "running" });
  expect(machine.of(id).world).not.toBe(world);
  sessions.enter(id).leave();
  await sessions.close();
});

test("stop: who heeds nothing is killed after ten seconds, and nobody comes in meanwhile", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway({ perUser: 1 });
  const { id } = await sessions.create("bob", {});
  const process = machine.of(id);
  process.isStubborn = true;
  const stopping = sessions.stop(id);
  await machine.clock.advance(9_900);
  expect(process.signals).toEqual(["SIGTERM"]);
  expect(() => sessions.enter(id)).toThrow(failure("session.unknown") as never);
  expect(sessions.list()).toEqual([]);
  await expect(sessions.create("bob", {})).rejects.toEqual(failure("session.too-many"));
  await machine.clock.advance(200);
  await stopping;
  expect(process.signals).toEqual(["SIGTERM", "SIGKILL"]);
  expect([[...machine.running], [...machine.folders]]).toEqual([[], []]);
  await expect(sessions.stop(id)).rejects.toEqual(failure("session.unknown"));
  await sessions.close();
});

test("resets and stops of one session come one after the other", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway();
  const { id } = await sessions.create("bob", {});
  const racing = await Promise.allSettled([
    ...[sessions.reset(id), sessions.reset(id), sessions.reset(id)],
    ...[sessions.stop(id), sessions.stop(id), sessions.reset(id)],
  ]);
  // Whoever stops it wins: a reset that has not begun finds nothing.
  expect(racing.map(({ status }) => status === "fulfilled")[3]).toBe(true);
  for (const each of racing) {
    if (each.status === "rejected") expect(each.reason).toEqual(failure("session.unknown"));
  }
  expect([sessions.list(), [...machine.running]]).toEqual([[], []]);
  await sessions.close();
});

test("three resets at once end in one process with a fresh world", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway();
  const { id } = await sessions.create("bob", {});
  const [before] = [machine.of(id).world];
  const replies = await Promise.all([sessions.reset(id), sessions.reset(id), sessions.reset(id)]);
  expect(replies.map(({ port, status }) => [port, status])).toEqual(
    replies.map(() => [8500, "running"]),
  );
  expect(machine.of(id).world).toBeGreaterThan(before);
  expect(machine.running.size).toBe(1);
  await sessions.close();
});

test("every process hears of its gateway twice in the time after which it would end", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway();
  await Promise.all([sessions.create("bob", {}), sessions.create("eve", {})]);
  await machine.clock.advance(600_000);
  expect(machine.greeted).toBe(4);
  await sessions.close();
});

test("each process has a secret of its own, and is shown it no longer than it is there", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway();
  const { id } = await sessions.create("bob", {});
  const before = sessions.enter(id);
  expect(before.isThere()).toBe(true);
  const process = machine.of(id);
  await sessions.reset(id);
  const after = sessions.enter(id);
  expect(before.isThere()).toBe(false);
  expect(after).toMatchObject({ url: before.url, secret: machine.of(id).secret });
  expect(after.secret).not.toBe(process.secret);
  machine.of(id).end(false);
  expect(after.isThere()).toBe(false); // though nobody was told of it yet
  await sessions.close();
});

test("an extension that could not be written down is none", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway();
  const { id } = await sessions.create("bob", {});
  const full = new ServantError("journal.full", "Cannot save: the disk is full");
  Object.assign(machine.store, { write: () => Promise.reject(full) });
  await expect(sessions.extend(id, 1)).rejects.toBe(full);
  expect(sessions.find(id)).toMatchObject({ timeoutS: 172_800 });
  await sessions.close();
});

test("a session that was stopped on a full disk does not come back", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway();
  const { id } = await sessions.create("bob", {});
  const { write } = machine.store;
  const full = new ServantError("journal.full", "Cannot save: the disk is full");
  Object.assign(machine.store, { write: () => Promise.reject(full) });
  await sessions.stop(id);
  expect(machine.store.documents("session")).toHaveLength(1);
  Object.assign(machine.store, { write });
  await machine.clock.advance(6_000);
  expect(machine.store.documents("session")).toEqual([]);
  await sessions.close();
});
