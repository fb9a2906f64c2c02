/** What the gateway's page reads in its metrics. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Tally } from "../../../src/gateway/tally.ts";
import { figuresIn } from "../../../src/page/gateway/figures.ts";

const PRESENT = { version: "1", users: 3, tokens: 2, sessions: [] };

test("logins, requests and faults are those that the gateway has counted", () => {
  const tally = new Tally();
  for (const outcome of ["ok", "ok", "wrong", "limited", "malformed"] as const)
    tally.login(outcome);
  for (const status of [200, 404, 502, 503]) tally.passedOn(status, 0.002);
  expect(figuresIn(tally.text(PRESENT))).toEqual({
    ...{ loggedIn: 2, wrong: 1, heldOff: 1, tokens: 2, passedOn: 4, failed: 2 },
    ...{ half: 0.0025, most: 0.0025 },
  });
});

test("before the first request nothing is said of how long they take", () => {
  expect(figuresIn(new Tally().text(PRESENT))).toMatchObject({ half: undefined, most: undefined });
  expect(figuresIn("")).toMatchObject({ passedOn: 0, half: undefined });
});

test("so many began to answer within the time that is told, and no fewer", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1 }),
      (took) => {
        const tally = new Tally();
        for (const seconds of took) tally.passedOn(200, seconds);
        const { half = 0, most = 0 } = figuresIn(tally.text(PRESENT));
        const within = (bound: number) => took.filter((each) => each <= bound).length / took.length;
        expect(within(half)).toBeGreaterThanOrEqual(0.5);
        expect(within(most)).toBeGreaterThanOrEqual(0.95);
        expect(most).toBeGreaterThanOrEqual(half);
      },
    ),
  );
});
