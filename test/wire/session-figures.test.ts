/** Figures of sessions: ages by the gateway's clock, shares of the processor from look to look. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ageS, CpuShares, idleS, totalsOf } from "../../src/wire/session-figures.ts";
import { record } from "../support/fake-gateway.ts";

test("age and idle time need no clock of the reader's", () => {
  fc.assert(
    fc.property(
      fc.nat(1e6),
      fc.nat(1e6),
      fc.integer({ min: 1, max: 604_800 }),
      (life, idle, max) => {
        const [created, active] = [1_700_000_000_000, 1_700_000_000_000 + life * 1_000];
        const idleNow = Math.min(idle, max);
        const times = {
          created_at: new Date(created).toISOString(),
          last_active_at: new Date(active).toISOString(),
          timeout_s: max,
          expires_in_s: max - idleNow,
        };
        expect(idleS(times)).toBe(idleNow);
        expect(ageS(times)).toBe(life + idleNow);
      },
    ),
  );
  const odd = { created_at: "?", last_active_at: "?", timeout_s: 1, expires_in_s: 5 };
  expect([ageS(odd), idleS(odd)]).toEqual([undefined, 0]);
});

test("a share of the processor is told from the second look on, of the same process", () => {
  const shares = new CpuShares();
  const at = (pid: number | undefined, cpu_s: number) => [
    { session_id: "a", ...(pid === undefined ? {} : { pid, cpu_s }) },
  ];
  expect(shares.look(at(7, 1), 0).get("a")).toBeUndefined();
  expect(shares.look(at(7, 1.5), 2_000).get("a")).toBeCloseTo(25);
  expect(shares.look(at(8, 0.1), 4_000).get("a")).toBeUndefined();
  expect(shares.look(at(8, 0.1), 6_000).get("a")).toBe(0);
  expect(shares.look(at(undefined, 0), 8_000).size).toBe(0);
  expect(shares.look(at(8, 5), 10_000).size).toBe(0);
});

test("totals count what is told", () => {
  const session = (more: object) => ({ ...record(), ...more }) as never;
  const sessions = [
    session({ session_id: "a", memory_bytes: 10, in_flight: 2 }),
    session({ session_id: "b", owner_username: "bob", status: "dead" }),
  ];
  expect(totalsOf(sessions, new Map([["a", 12.5]]))).toEqual({
    ...{ count: 2, running: 1, dead: 1, owners: 2 },
    ...{ memoryBytes: 10, cpuPercent: 12.5, inFlight: 2 },
  });
});
