// Goal: a peer that is gone, stuck or never spoke is closed in its time, and no other is.
import { expect, test } from "bun:test";
import { DEFAULT_LIMITS } from "../../../src/adapters/zmtp/limits.ts";
import { type Sight, Sweeper, Vigil } from "../../../src/adapters/zmtp/vigil.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const limits = { ...DEFAULT_LIMITS, handshakeMs: 5_000, heartbeatMs: 10_000, stalledMs: 30_000 };
const idle: Sight = {
  isReady: true,
  isAmid: false,
  isUnread: false,
  knowsPing: true,
  ttlMs: 0,
};

/** What it says at each second, but for silence: `12 ping`. */
function watch(sight: Partial<Sight>, seconds: number, each?: (vigil: Vigil, s: number) => void) {
  const vigil = new Vigil(limits);
  const said: string[] = [];
  for (let s = 1; s <= seconds; s += 1) {
    each?.(vigil, s);
    const verdict = vigil.sweep(1_000, { ...idle, ...sight });
    if (verdict !== undefined) said.push(`${s} ${verdict}`);
    if (verdict !== undefined && verdict !== "ping") break;
  }
  return said;
}

test("a handshake has its time, however much is said meanwhile", () => {
  const late = ["5 it never finished its handshake"];
  expect(watch({ isReady: false }, 60)).toEqual(late);
  expect(watch({ isReady: false }, 60, (vigil) => vigil.heard())).toEqual(late);
});

test("a silent peer is asked once, and closed when it does not answer", () => {
  expect(watch({}, 60)).toEqual(["10 ping", "20 it does not answer"]);
  const answers = watch({}, 60, (vigil, s) => s % 12 === 0 && vigil.heard());
  expect(answers).toEqual(["10 ping", "21 ping", "33 ping", "45 ping", "57 ping"]);
});

test("a peer of 3.0 is never asked, and may be silent for ever", () => {
  expect(watch({ knowsPing: false }, 10_000)).toEqual([]);
});

test("a peer is closed when it is silent for longer than its own word", () => {
  const said = ["4 it is silent for longer than it said"];
  expect(watch({ ttlMs: 4_000 }, 60)).toEqual(said);
  expect(watch({ ttlMs: 4_000, knowsPing: false }, 60)).toEqual(said);
  expect(watch({ ttlMs: 4_000 }, 60, (vigil, s) => s % 3 === 0 && vigil.heard())).toEqual([]);
});

test("a peer that stops in the middle of a message is closed, a slow one is not", () => {
  const sight = { isAmid: true, knowsPing: false };
  expect(watch(sight, 60)).toEqual(["30 it stopped in the middle of a message"]);
  expect(watch(sight, 600, (vigil, s) => s % 29 === 0 && vigil.heard())).toEqual([]);
});

test("a peer that reads nothing of what waits is closed, a slow one is not", () => {
  const talks = (vigil: Vigil) => vigil.heard();
  expect(watch({ isUnread: true }, 60, talks)).toEqual(["30 it does not read"]);
  const reads = watch({ isUnread: true }, 600, (vigil, s) => {
    vigil.heard();
    if (s % 29 === 0) vigil.read();
  });
  expect(reads).toEqual([]);
});

test("a sweeper sleeps only while something is watched, and a stall costs one sweep", async () => {
  const clock = new FakeClock();
  const sweeper = new Sweeper(clock, limits.handshakeMs);
  let swept = 0;
  const watched = {
    sweep(ms: number) {
      swept += ms;
    },
  };
  expect(clock.nextDueInMs).toBeUndefined();
  sweeper.add(watched);
  await clock.advance(3_000);
  expect(swept).toBe(3_000);
  await clock.stall(3_600_000);
  expect(swept).toBe(4_000);
  sweeper.delete(watched);
  expect(clock.nextDueInMs).toBeUndefined();
  sweeper.add(watched);
  await clock.advance(1_000);
  expect(swept).toBe(5_000);
  sweeper.delete(watched);
  await clock.advance(9_000);
  expect(swept).toBe(5_000);
});
