import { expect, test } from "bun:test";
import { failureText, reportFailure } from "../../src/cli/failure.ts";
import { durationText, openOutput, printable, table } from "../../src/cli/output.ts";
import { ServantError } from "../../src/core/errors.ts";

test.each([
  { stream: { isTTY: true }, env: {}, coloured: true },
  { stream: { isTTY: true }, env: { NO_COLOR: "1" }, coloured: false },
  { stream: { isTTY: true }, env: { TERM: "dumb" }, coloured: false },
  { stream: {}, env: {}, coloured: false },
])("openOutput() colours only a terminal and never with NO_COLOR: $stream $env", (given) => {
  const { paint } = openOutput({ write: () => {}, ...given.stream }, given.env);
  expect(paint.red("x") !== "x").toBe(given.coloured);
});

test("a terminal that does not know its width is taken for a usual one", () => {
  expect(openOutput({ write: () => {}, isTTY: true, columns: 0 }, {}).columns).toBe(80);
});

test("printable() lets nothing steer the terminal and keeps one line", () => {
  expect(printable("a\u001b[2Jb\u0007\tc\r\nd \u202e")).toBe("a\\x1b[2Jb\\x07 c ⏎ d \\u202e");
  expect(printable("zürich 👩‍🚀")).toBe("zürich 👩‍🚀"); // a joiner is no direction
});

test("table() lays columns out by their widest cell", () => {
  const { paint } = openOutput({ write: () => {} }, {});
  expect(table(["NAME", "TYPE"], [["box_a", "box"], ["r"]], paint)).toBe(
    "NAME   TYPE\nbox_a  box\nr",
  );
});

test.each([
  [40, "0.0 s"],
  [9_940, "9.9 s"],
  [9_960, "10 s"],
  [185_000, "3 min 5 s"],
  [7_800_000, "2 h 10 min"],
])("durationText(%d) is %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test("failureText() is a message and a hint, and a stack only for what is ours", () => {
  const known = failureText(new ServantError("plan.none", "Cannot plan: no way"));
  expect(known.split("\n")).toEqual([
    "agent: Cannot plan: no way",
    expect.stringMatching(/^hint: /),
  ]);
  const fault = failureText(new TypeError("x is undefined"));
  expect(fault).toStartWith("agent: internal error: x is undefined\nTypeError: x is undefined\n");
  expect(fault).toContain("output.test.ts");
  expect(fault).toContain("please report it");
  const wrapped = new ServantError("agent.internal", "broke", { cause: new RangeError("deep") });
  expect(failureText(wrapped)).toContain("RangeError: deep");
});

test("reportFailure() takes a closed pipe as an end, not a failure", () => {
  expect(reportFailure(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }))).toBe(0);
});

test("durationText() of a clock that was set back meanwhile is none, not less", () => {
  expect(durationText(-432_000_000)).toBe("0.0 s");
});
