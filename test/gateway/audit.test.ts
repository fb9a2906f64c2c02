/** The audit log: what its lines say, and what they never do. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Audit, DEEDS_MAX, REFUSALS_MAX, REFUSALS_MAX_OF_ALL } from "../../src/gateway/audit.ts";
import { FakeClock } from "../support/fake-clock.ts";

function scene() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const audit = new Audit({ clock, write: (line) => lines.push(line) });
  const read = () => lines.map((line) => JSON.parse(line));
  return { audit, clock, lines, read };
}

test("one entry is one line of JSON, whatever strangers put into it", () => {
  const steering = fc.constantFrom("\n", "\r\n", "\u001b[2K", "\u009b2J", "\u2028", "\u202e", '"}');
  const unit = fc.oneof(steering, fc.string({ unit: "binary", minLength: 1, maxLength: 1 }));
  const text = fc.array(unit, { maxLength: 20 }).map((units) => units.join(""));
  fc.assert(
    fc.property(text, text, (who, request) => {
      const { audit, lines, read } = scene();
      audit.note({ what: "login", who, from: "192.0.2.1", request });
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      expect(read()[0]).toMatchObject({ what: "login", from: "192.0.2.1" });
      expect(Object.keys(read()[0])).toEqual(["time", "what", "who", "from", "request"]);
    }),
  );
});

test("a line that wants to look like two looks like one, and a long text is cut", () => {
  const { audit, lines, read } = scene();
  const forged = `eve"}\n{"time":"2026-01-01T00:00:00Z","what":"login","who":"alice`;
  audit.note({ what: "refused", who: forged, request: `GET /\u001b[2K${"x".repeat(10_000)}` });
  expect(lines).toHaveLength(1);
  expect(read()[0].who).toContain("eve");
  expect(lines[0]?.length).toBeLessThan(700);
});

test("of one address so many refusals a minute are written, then how many more there were", async () => {
  const { audit, clock, read } = scene();
  const refuse = (from: string) =>
    audit.refused({ from, code: "login.needed", request: "GET /sessions" });
  for (let count = 0; count < 1_000; count += 1) refuse("2001:db8::1");
  refuse("192.0.2.1");
  expect(read()).toHaveLength(REFUSALS_MAX + 1);
  await clock.advance(60_000);
  audit.sweep();
  expect(read().at(-1)).toMatchObject({ what: "unsaid", count: 1_000 - REFUSALS_MAX });
  refuse("2001:db8::2");
  expect(read().at(-1)).toMatchObject({ what: "refused", from: "2001:db8::2" });
});

test("a crowd of addresses fills neither disk nor memory", async () => {
  const { audit, clock, read } = scene();
  for (let count = 0; count < 50_000; count += 1) {
    audit.refused({ from: `10.${count >> 16}.${(count >> 8) & 255}.${count & 255}` });
  }
  expect(read()).toHaveLength(REFUSALS_MAX_OF_ALL);
  await clock.advance(60_000);
  audit.sweep();
  expect(read().at(-1)).toMatchObject({ what: "unsaid", count: 50_000 - REFUSALS_MAX_OF_ALL });
});

test("a few who come often do not exceed what is written of all", async () => {
  const { audit, clock, read } = scene();
  for (let count = 0; count < 10_000; count += 1) {
    audit.refused({ from: `192.0.2.${count % 100}` });
  }
  expect(read()).toHaveLength(REFUSALS_MAX_OF_ALL);
  await clock.advance(60_000);
  audit.sweep();
  const unsaid = read().filter(({ what }) => what === "unsaid");
  expect(unsaid).toHaveLength(100);
  expect(unsaid.reduce((sum, { count }) => sum + count, 0)).toBe(10_000 - REFUSALS_MAX_OF_ALL);
});

test("nobody washes away what they did by doing more; strangers hide nothing of it", async () => {
  const { audit, clock, read } = scene();
  for (let count = 0; count < 50_000; count += 1) audit.refused({ from: `10.0.${count >> 8}.1` });
  for (let count = 0; count < 1_000; count += 1) audit.did({ what: "login", who: "bob" });
  audit.did({ what: "session.stop", who: "alice", session: "id" });
  expect(read().filter(({ who }) => who === "bob")).toHaveLength(DEEDS_MAX);
  expect(read().at(-1)).toMatchObject({ what: "session.stop", who: "alice" });
  await clock.advance(60_000);
  audit.did({ what: "login", who: "bob" }); // before any sweep
  const told = read().filter(({ who }) => who === "bob");
  expect(told.slice(-2)).toMatchObject([
    { what: "unsaid", count: 1_000 - DEEDS_MAX },
    { what: "login" },
  ]);
});
