// Goal: the table of `agent session top` fits whatever terminal there is, and what others have named neither
// steers it nor moves its columns. Method: properties over widths and names.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { openOutput } from "../../src/cli/output.ts";
import { type Order, topLines } from "../../src/cli/session/top-table.ts";
import type { SessionUseAnswer } from "../../src/client/answers.ts";
import { record } from "../support/fake-gateway.ts";

const { paint } = openOutput({ write: () => {} }, { NO_COLOR: "1" });
const use = (more: object, count = 0) =>
  ({
    ...record({}, count),
    cpu_s: 1.5,
    in_flight: 0,
    pid: 7,
    memory_bytes: 2 ** 20,
    ...more,
  }) as SessionUseAnswer;
const table = (
  sessions: readonly SessionUseAnswer[],
  {
    columns = 200,
    rows,
    order = "memory",
    shares = new Map<string, number>(),
  }: {
    columns?: number;
    rows?: number;
    order?: Order;
    shares?: ReadonlyMap<string, number>;
  } = {},
) =>
  topLines(
    { sessions, shares },
    { columns, ...(rows === undefined ? {} : { rows }), order, paint },
  );

test("tells totals, then a line for each session, what uses the most first", () => {
  const shares = new Map([[String(record({}, 1).session_id), 12.34]]);
  const small = use({ label: "small", owner_username: "bob" });
  const large = use(
    { label: "large", memory_bytes: 30.5 * 2 ** 20, in_flight: 2, status: "dead" },
    1,
  );
  const lines = table([small, large], { shares });
  expect(lines).toEqual([
    "2 sessions, 1 dead, memory 31.5M, CPU 12.3%, 2 in flight, 2 owners",
    "LABEL  OWNER  STATUS   SESSION   AGE  IDLE  EXPIRES  MEMORY  CPU%  TIME  REQS  PORT",
    "large  alice  dead     00000001   0s    0s    1d23h   30.5M  12.3  1.5s     2  8500",
    "small  bob    running  00000000   0s    0s    1d23h    1.0M     -  1.5s     0  8500",
  ]);
  expect(table([small, large], { order: "owner" })[2]).toContain("alice");
  expect(table([small, large], { order: "label" })[2]).toContain("large");
});

test("who is told nothing of what sessions use has no columns for it", () => {
  const lines = table([record() as SessionUseAnswer]);
  expect(lines[0]).toBe("1 session");
  expect(lines[1]).toBe("LABEL          OWNER  STATUS   SESSION   AGE  IDLE  EXPIRES  PORT");
});

test("no line is wider than the terminal, nor are there more than it has room for", () => {
  const label = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 100 }),
    fc.constant("漢字漢字漢字漢字"),
  );
  fc.assert(
    fc.property(
      fc.array(fc.record({ label, owner_username: label }), { maxLength: 8 }),
      fc.integer({ min: 10, max: 160 }),
      fc.integer({ min: 4, max: 12 }),
      (sessions, columns, rows) => {
        const lines = table(
          sessions.map((each, at) => use(each, at)),
          { columns, rows },
        );
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
      },
    ),
  );
});

test("what others have named steers no terminal", () => {
  const lines = table([use({ label: "a\u001b[2Jb\u202e", owner_username: "x\ny" })]);
  expect(lines[2]).toContain("a\\x1b[2Jb\\u202e");
  expect(lines.join("")).not.toContain("\u001b");
});

test("more than fit are counted", () => {
  const lines = table(
    Array.from({ length: 9 }, (_, at) => use({}, at)),
    { rows: 6 },
  );
  expect(lines).toHaveLength(6);
  expect(lines.at(-1)).toBe("6 more");
});
