// Goal: on a full disk nothing starts, everything is answered, and it ends by itself.
import { beforeEach, expect, test } from "bun:test";
import { DISK_RETRY_MS } from "../../src/agent/saver.ts";
import { ServantError } from "../../src/core/errors.ts";
import { action, belief, id, idle, until, World } from "../support/fake-ports.ts";

let world: World;
beforeEach(async () => {
  world = await new World().start();
});
const fillDisk = () => {
  world.disk.rowsMax = world.disk.rows.length;
};
const makeRoom = () => {
  world.disk.rowsMax = Number.POSITIVE_INFINITY;
};

test("an assignment is answered journal.full and not started; nothing more is asked for", async () => {
  fillDisk();
  world.backend.assign(action("a"), belief("q"), action("b"));
  await until("both are answered", () => world.backend.taken.length >= 1);
  await world.pass(10 * DISK_RETRY_MS);
  expect(world.backend.codes("a")).toEqual(["journal.full"]);
  expect(world.started).toEqual([]);
  expect(world.backend.isPolled).toBe(false);
  expect(world.told("journal.full")).toHaveLength(1); // told once, not at each try
});

test("work goes on by itself when there is room, with every report saved", async () => {
  fillDisk();
  world.backend.assign(action("a"));
  await until("it is answered", () => world.backend.taken.length === 1);
  await world.pass(DISK_RETRY_MS);
  makeRoom();
  await world.pass(DISK_RETRY_MS);
  expect(world.told("journal.recovered")).toHaveLength(1);
  world.backend.assign(action("a"), action("b"));
  await world.runner.end("b");
  expect(world.backend.codes("a")).toEqual(["journal.full", "journal.full"]);
  expect(world.backend.results("b")).toMatchObject([{ success: true }]);
  expect(world.story("a").slice(0, 3)).toEqual(["accepted", "finished", "delivered"]);
  expect(world.started).toEqual([id("b")]);
});

test("what runs is finished and delivered; what is held is answered, not started", async () => {
  world.backend.assign(action("a"), action("b"));
  await until("both are taken", () => world.story("b").length === 1);
  fillDisk();
  await world.runner.end("a", { telemetry: { metres: 3 } });
  await until("both are answered", () => world.backend.taken.length === 2);
  expect(world.backend.results("a")).toMatchObject([{ success: true, telemetry: { metres: 3 } }]);
  expect(world.backend.codes("b")).toEqual(["journal.full"]);
  expect(world.started).toEqual([id("a")]);
  makeRoom();
  await world.pass(DISK_RETRY_MS);
  expect(world.story("a")).toEqual(["accepted", "started", "finished", "delivered"]);
  await world.stopped();
  await world.start();
  await idle();
  expect(world.backend.taken).toHaveLength(2);
});

test("one that comes while the held one is refused is not lost", async () => {
  world.backend.assign(action("a"), action("b"), action("c"));
  await until("two are taken", () => world.story("b").length === 1);
  fillDisk();
  world.disk.isSlow = true;
  await world.runner.end("a");
  world.disk.isSlow = false;
  world.disk.flush();
  await until("all are answered", () => world.backend.taken.length === 3);
  expect(world.started).toEqual([id("a")]);
  makeRoom();
  await world.pass(DISK_RETRY_MS);
  world.backend.assign(action("d"));
  await world.runner.end("d");
  expect(world.backend.results("d")).toMatchObject([{ success: true }]);
});

test("a result delivered meanwhile is sent again when it is asked for", async () => {
  world.backend.assign(action("a"));
  await until("it runs", () => world.runner.running.length === 1);
  fillDisk();
  world.backend.assign(action("a"), action("a")); // the second is asked for when "a" has ended
  await world.runner.end("a");
  await until("it is answered", () => world.backend.taken.length >= 1);
  makeRoom();
  await world.pass(DISK_RETRY_MS);
  world.backend.assign(action("a"));
  await until("it is answered again", () => world.backend.taken.length >= 2);
  expect(world.started).toEqual([id("a")]);
});

test("what a restart left is answered although nothing can be recorded", async () => {
  world.backend.assign(action("a"), action("b"));
  await until("both are taken", () => world.story("b").length === 1);
  await world.crash();
  fillDisk();
  await world.start();
  await until("both are answered", () => world.backend.taken.length === 2);
  expect(world.backend.codes("a")).toEqual(["handler.interrupted"]);
  expect(world.backend.codes("b")).toEqual(["journal.full"]);
  expect(world.started).toEqual([id("a")]);
  expect(world.hasEnded).toBe(false);
});

test("a stop saves what it can at last", async () => {
  world.backend.assign(action("a"));
  await until("it runs", () => world.runner.running.length === 1);
  fillDisk();
  world.backend.onDeliver = (_delivery, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  await world.runner.end("a");
  world.stop.abort();
  await idle();
  makeRoom();
  world.hurry.abort();
  expect(await world.ended).toBeUndefined();
  expect(world.story("a")).toEqual(["accepted", "started", "finished"]);
});

test("a journal that breaks while it is full ends the servant with its failure", async () => {
  fillDisk();
  world.backend.assign(action("a"));
  await until("it is answered", () => world.backend.taken.length === 1);
  world.disk.broken = new ServantError("journal.damaged", "Cannot write the journal");
  await world.pass(DISK_RETRY_MS);
  expect(await world.ended).toBe(world.disk.broken);
});
