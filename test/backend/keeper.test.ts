/** What changes reaches the store in batches, and nothing is forgotten while it cannot be written. */
import { expect, test } from "bun:test";
import { Keeper } from "../../src/backend/keeper.ts";
import { memoryStore } from "../../src/backend/memory-store.ts";
import type { BackendStore, Change } from "../../src/backend/store.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** A store that counts its batches, and fails while its disk is full. */
function watched() {
  const inner = memoryStore();
  const batches: (readonly Change[])[] = [];
  const disk = { isFull: false };
  const store: BackendStore = {
    ...inner,
    async write(changes) {
      if (disk.isFull) throw new Error("the disk is full");
      batches.push(changes);
      await inner.write(changes);
    },
  };
  return { store, batches, disk };
}

test("the changes of one turn are one commit, of two values the later", async () => {
  const { store, batches } = watched();
  const keeper = new Keeper({ store, clock: new FakeClock() });
  keeper.put("atom", "a", true);
  keeper.put("object", "x", 1);
  keeper.clear("object");
  keeper.put("atom", "a", false);
  keeper.put("object", "y", 2);
  await keeper.saved();
  expect(batches).toHaveLength(1);
  expect(store.documents("atom")).toEqual([{ key: "a", value: false }]);
  expect(store.documents("object")).toEqual([{ key: "y", value: 2 }]);
  await keeper.saved();
  expect(batches).toHaveLength(1); // nothing new
});

test("a document is committed without anybody waiting for it, a line a little later", async () => {
  const clock = new FakeClock();
  const { store, batches } = watched();
  const keeper = new Keeper({ store, clock });
  keeper.line("log", 1, "first");
  await new Promise((resolve) => setImmediate(resolve));
  expect(batches).toHaveLength(0);
  await clock.advance(250);
  expect(store.lines("log")).toEqual([{ atMicros: 1, value: "first" }]);
  keeper.put("goal", "atoms", []);
  while (batches.length < 2) await new Promise((resolve) => setImmediate(resolve));
  await keeper.close();
});

test("what could not be written is written once it can, in the right order", async () => {
  const clock = new FakeClock();
  const { store, disk } = watched();
  const told: (string | undefined)[] = [];
  const keeper = new Keeper({ store, clock, onTrouble: (reason) => told.push(reason) });
  disk.isFull = true;
  keeper.put("object", "x", 1);
  keeper.put("atom", "a", true);
  await keeper.saved();
  expect(keeper.trouble).toBe("the disk is full");
  keeper.clear("object");
  keeper.put("object", "y", 2);
  keeper.put("atom", "a", false);
  await keeper.saved();
  expect(told).toEqual(["the disk is full"]); // told once
  disk.isFull = false;
  await clock.advance(1_000); // nobody asks: it is tried again by itself
  while (keeper.trouble !== undefined) await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual(["the disk is full", undefined]);
  expect(store.documents("object")).toEqual([{ key: "y", value: 2 }]);
  expect(store.documents("atom")).toEqual([{ key: "a", value: false }]);
});

test("lines that wait for a full disk are bounded", async () => {
  const { store, disk } = watched();
  const keeper = new Keeper({ store, clock: new FakeClock() });
  disk.isFull = true;
  for (let at = 1; at <= 25_000; at += 1) {
    keeper.line("log", at, "x");
    if (at % 5_000 === 0) await keeper.saved();
  }
  disk.isFull = false;
  await keeper.saved();
  expect(store.lines("log").length).toBeLessThanOrEqual(15_000);
  expect(store.lines("log").at(-1)?.atMicros).toBe(25_000);
});

test("what comes after the end is not taken for saved", async () => {
  const { store } = watched();
  const keeper = new Keeper({ store, clock: new FakeClock() });
  keeper.put("goal", "atoms", ["a"]);
  await keeper.close();
  expect(store.documents("goal")).toHaveLength(1);
  expect(keeper.trouble).toBeUndefined();
  keeper.put("goal", "atoms", ["b"]);
  await keeper.saved();
  expect(keeper.trouble).toBe("the store is closed");
});
