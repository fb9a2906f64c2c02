// Goal: the compiled agent survives the fifteen faults that servants in the field die of: nothing
// lost, nothing twice, never down. Method: each fault on a real socket, on a hostile backend of its
// own, some side by side. `npm run faults` does the same beside the public Python servant.
import { beforeAll, expect, test } from "bun:test";
import { faults, suffer } from "../support/faults/faults.ts";
import type { Verdict } from "../support/faults/scene.ts";
import { type Make, ourMake } from "../support/faults/servants.ts";

/** How many go on at once: most of the time each of them waits. */
const SIDE_BY_SIDE = 3;
/** How long anything that has to happen may take, in milliseconds: a busy machine's share. */
const PATIENCE_MS = 25_000;

const playable = faults.filter(({ unplayable }) => unplayable === undefined);
const verdicts = new Map(
  playable.map(({ name }) => [name, Promise.withResolvers<Verdict>()] as const),
);

async function playAll(make: Make, left: typeof playable): Promise<void> {
  for (let fault = left.shift(); fault !== undefined; fault = left.shift()) {
    const { name } = fault;
    await suffer(make, fault, PATIENCE_MS).then(
      (verdict) => verdicts.get(name)?.resolve(verdict),
      (cause) => verdicts.get(name)?.reject(cause),
    );
  }
}

beforeAll(async () => {
  for (const { promise } of verdicts.values()) promise.catch(() => {}); // its test will tell
  const make = await ourMake();
  const left = [...playable];
  for (let lane = 0; lane < SIDE_BY_SIDE; lane += 1) void playAll(make, left);
});

test("there are fifteen faults", () => {
  expect(new Set(faults.map(({ name }) => name)).size).toBe(15);
});

for (const { name, unplayable } of faults) {
  // Where everything must be there, a fault that cannot be played fails.
  test.skipIf(unplayable !== undefined && process.env.CI !== "true")(
    `agent connect survives: ${name}`,
    async () => {
      expect(await verdicts.get(name)?.promise).toEqual({
        fault: name,
        servant: "ours",
        survived: true,
        lost: 0,
        doubled: 0,
        deaths: 0,
        problems: [],
      });
    },
    120_000,
  );
}
