/** How guessers are slowed down, beside a list of all that failed. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { FAILURES_MAX, FAILURES_MS, GUESSERS_MAX, Guesses } from "../../src/gateway/guesses.ts";
import { FakeClock } from "../support/fake-clock.ts";

const ADDRESSES = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"];
const network = (address: string) => (address.startsWith("2001:db8::") ? "2001:db8::" : address);

test("ten failures a minute from one network, and its owner's slips are forgiven", async () => {
  const step = fc.oneof(
    fc.record({
      type: fc.constantFrom("failed" as const, "failed" as const, "failed" as const, "ok" as const),
      address: fc.constantFrom(...ADDRESSES),
      name: fc.constantFrom("alice", "bob"),
    }),
    fc.record({ type: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
    fc.record({ type: fc.constant("sweep" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 150, size: "max" }), async (steps) => {
      const clock = new FakeClock();
      const guesses = new Guesses(clock);
      let failures: { network: string; name: string; atMs: number }[] = [];
      for (const each of steps) {
        if (each.type === "wait") await clock.stall(each.ms);
        else if (each.type === "sweep") guesses.sweep();
        else {
          const { address, name } = each;
          const nowMs = clock.monotonic();
          const recent = failures
            .filter(({ atMs }) => nowMs - atMs < FAILURES_MS)
            .filter((failure) => failure.network === network(address));
          const full = recent.at(-FAILURES_MAX);
          const waitMs = full === undefined ? 0 : full.atMs + FAILURES_MS - nowMs;
          expect(guesses.waitMs(address, name)).toBe(waitMs);
          if (waitMs > 0) continue;
          if (each.type === "ok") {
            guesses.succeeded(address, name);
            failures = failures.filter(
              (failure) => failure.name !== name || failure.network !== network(address),
            );
          } else {
            guesses.failed(address, name);
            failures.push({ network: network(address), name, atMs: nowMs });
          }
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("nobody locks the owner out from elsewhere", () => {
  const guesses = new Guesses(new FakeClock());
  for (let count = 0; count < 1_000; count += 1) guesses.failed("203.0.113.9", "alice");
  expect(guesses.waitMs("203.0.113.9", "bob")).toBe(FAILURES_MS);
  expect(guesses.waitMs("198.51.100.1", "alice")).toBe(0);
});

test("many guessers fill no memory, and what is over is forgotten", async () => {
  const clock = new FakeClock();
  const guesses = new Guesses(clock);
  for (let count = 0; count < 3 * GUESSERS_MAX; count += 1) {
    guesses.failed(`10.${count >> 16}.${(count >> 8) & 255}.${count & 255}`, "x".repeat(256));
  }
  expect(guesses.size).toBe(GUESSERS_MAX);
  await clock.stall(FAILURES_MS);
  guesses.sweep();
  expect(guesses.size).toBe(0);
});
