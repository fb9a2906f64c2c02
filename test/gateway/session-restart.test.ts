/** What becomes of sessions when their gateway ends, in whatever way, and another one starts. */
import { expect, test } from "bun:test";
import { ServantError } from "../../src/core/errors.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { settled } from "../support/fake-clock.ts";
import { FakeMachine } from "../support/fake-sessions.ts";

const failure = (code: string) => expect.objectContaining({ code });

test("a gateway that is stopped ends its processes; the next starts them with their worlds", async () => {
  const machine = new FakeMachine();
  const first = machine.gateway();
  const { id } = await first.create("bob", { label: "survey" });
  const { world } = machine.of(id);
  await first.close();
  expect(machine.running.size).toBe(0);
  const second = machine.gateway();
  expect(second.list("bob")).toMatchObject([
    { id, label: "survey", status: "running", port: 8500 },
  ]);
  await second.revived;
  expect(machine.of(id)).toMatchObject({ world, port: 8500 });
  second.enter(id).leave();
  await second.close();
});

test("a gateway that is stopping starts nothing any more", async () => {
  const machine = new FakeMachine();
  const sessions = machine.gateway();
  const { id } = await sessions.create("bob", {});
  const closing = sessions.close();
  await expect(sessions.create("bob", {})).rejects.toEqual(failure("agent.draining"));
  await expect(sessions.reset(id)).rejects.toEqual(failure("agent.draining"));
  await closing;
  expect(machine.running.size).toBe(0);
});

test("a gateway that is killed leaves its processes, and the next takes them over", async () => {
  const machine = new FakeMachine();
  const first = machine.gateway();
  const { id } = await first.create("bob", {});
  const process = machine.of(id);
  machine.kill(first);
  const second = machine.gateway();
  await second.revived;
  expect(machine.of(id)).toBe(process);
  expect(process.signals).toEqual([]);
  second.enter(id).leave();
  process.end(false);
  await settled();
  expect(second.find(id)).toMatchObject({ status: "dead" });
  await second.close();
});

test("until its process is there, a session is told to be starting", async () => {
  const machine = new FakeMachine();
  const first = machine.gateway();
  const { id } = await first.create("bob", {});
  await first.close();
  const ready = Promise.withResolvers<void>();
  machine.onStart = () => ready.promise;
  const second = machine.gateway();
  await settled();
  expect(() => second.enter(id)).toThrow(failure("session.starting") as never);
  ready.resolve();
  await second.revived;
  second.enter(id).leave();
  await second.close();
});

test("a number that another process has by now is never signalled", async () => {
  const machine = new FakeMachine();
  const first = machine.gateway();
  const { id } = await first.create("bob", {});
  const { mark, world } = machine.of(id);
  machine.kill(first);
  machine.of(id).end(false);
  const stranger = machine.reuse(mark.pid);
  const second = machine.gateway();
  await second.revived;
  expect(machine.of(id)).toMatchObject({ world });
  await second.stop(id);
  await second.close();
  expect(stranger.signals).toEqual([]);
  expect(machine.running.get(mark.pid)).toBe(stranger);
});

test("a process that does not take the secret is replaced by one with the same world", async () => {
  const machine = new FakeMachine();
  const first = machine.gateway();
  const { id } = await first.create("bob", {});
  const process = machine.of(id);
  machine.kill(first);
  process.isStuck = true;
  const second = machine.gateway();
  await second.revived;
  expect(process.signals).toEqual(["SIGTERM"]);
  expect(machine.of(id)).toMatchObject({ world: process.world, port: 8500 });
  await second.close();
});

test("a port that is taken meanwhile does not keep a session from starting again", async () => {
  const machine = new FakeMachine();
  const first = machine.gateway();
  const { id } = await first.create("bob", {});
  await first.close();
  machine.taken.add(8500);
  const second = machine.gateway();
  await second.revived;
  expect(second.find(id)).toMatchObject({ status: "running", port: 8501 });
  await second.close();
});

test("what cannot be started again is dead, and its world waits", async () => {
  const machine = new FakeMachine();
  const first = machine.gateway();
  const { id } = await first.create("bob", {});
  const { world } = machine.of(id);
  await first.close();
  machine.onStart = () => {
    throw new ServantError("session.unstartable", "no");
  };
  const second = machine.gateway();
  await second.revived;
  expect(second.find(id)).toMatchObject({ status: "dead" });
  expect(machine.worlds.get(id)).toBe(world);
  await second.close();
});

test("a dead session stays dead over a restart; one that was asked to end starts again", async () => {
  const machine = new FakeMachine();
  const first = machine.gateway();
  const crashed = await first.create("bob", {});
  const ended = await first.create("bob", {});
  const { world } = machine.of(ended.id);
  machine.of(crashed.id).end(false);
  machine.of(ended.id).end(true); // a service manager that stops all of a unit at once
  await settled();
  expect(first.list().map(({ status }) => status)).toEqual(["dead", "dead"]);
  await first.close();
  const second = machine.gateway();
  await second.revived;
  expect(second.list().map(({ status }) => status)).toEqual(["dead", "running"]);
  expect(machine.of(ended.id)).toMatchObject({ world });
  await second.close();
});

test("while no gateway was there nobody could come: nothing expires for an hour", async () => {
  const machine = new FakeMachine();
  const first = machine.gateway();
  const long = await first.create("bob", { timeout_s: 7_200 });
  const short = await first.create("bob", { timeout_s: 60 });
  await first.close();
  await machine.clock.stall(100_000_000);
  const second = machine.gateway();
  await second.revived;
  expect(second.list()).toHaveLength(2);
  await machine.clock.advance(50_000);
  expect(second.find(short.id)).toBeDefined();
  await machine.clock.advance(20_000); // its own timeout is shorter
  expect(second.list().map(({ id }) => id)).toEqual([long.id]);
  await machine.clock.advance(3_540_000);
  expect(second.list()).toEqual([]);
  await second.close();
});

test("what was kept and cannot be read is passed over, its folder stays", async () => {
  const machine = new FakeMachine();
  const bad: JsonObject = { owner: "bob" };
  await machine.store.write([{ op: "put", kind: "session", key: "bad", value: bad as Json }]);
  machine.folders.add("bad");
  const sessions = machine.gateway();
  expect(sessions.list()).toEqual([]);
  expect(machine.logged.join()).toContain("session bad");
  await sessions.close();
  expect([...machine.folders]).toEqual(["bad"]);
});

test.each(["create", "reset", "stop"] as const)(
  "a gateway that is killed at any point of a %s leaves nothing half done",
  async (what) => {
    for (let turns = 0; turns < 60; turns += 1) {
      const machine = new FakeMachine();
      const first = machine.gateway();
      const before = await first.create("bob", { label: "old" });
      const { world } = machine.of(before.id);
      let isTold = false;
      const doing =
        what === "create" ? first.create("bob", { label: "new" }) : first[what](before.id);
      void doing.then(() => {
        isTold = true;
      });
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      machine.kill(first);
      const second = machine.gateway();
      await second.revived;
      const labels = second.list().map(({ label }) => label);
      // One process for each that is known, and no other; no folder is forgotten.
      expect([...machine.running.values()].map(({ id }) => id).sort()).toEqual(
        second
          .list()
          .map(({ id }) => id)
          .sort(),
      );
      expect(machine.folders.size).toBe(labels.length);
      if (what === "stop") expect(isTold ? labels.length : 0).toBe(0);
      if (what === "create" && isTold) expect(labels).toEqual(["old", "new"]);
      if (what === "reset") {
        expect(labels).toEqual(["old"]);
        if (isTold) expect(machine.of(before.id).world).not.toBe(world);
      } else if (labels.length > 0) expect(machine.of(before.id).world).toBe(world);
      await second.close();
    }
  },
);

test("a gateway that is killed while it creates leaves no folder that nobody knows of", async () => {
  const machine = new FakeMachine();
  const write = machine.store.write.bind(machine.store);
  const folders: number[] = [];
  Object.assign(machine.store, {
    write: async (changes: Parameters<typeof write>[0]) => {
      folders.push(machine.folders.size);
      await write(changes);
    },
  });
  const sessions = machine.gateway();
  await sessions.create("bob", {});
  expect(folders[0]).toBe(0);
  await sessions.close();
});
