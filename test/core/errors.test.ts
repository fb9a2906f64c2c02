import { expect, test } from "bun:test";
import {
  assert,
  catalogue,
  exitCodes,
  isErrorCode,
  messageOf,
  ServantError,
  toServantError,
} from "../../src/core/errors.ts";

test("every code has a kind with an exit code, and a hint without a final period", () => {
  for (const [code, { kind, hint }] of Object.entries(catalogue)) {
    expect(code).toMatch(/^[a-z]+\.[a-z-]+$/);
    expect(exitCodes[kind], code).toBeGreaterThan(0);
    expect(hint, code).toMatch(/^[A-Z].*[^.]$/);
  }
});

test("exit codes tell a supervisor what not to restart", () => {
  const codes = (["usage.invalid", "backend.session-gone", "backend.gave-up"] as const).map(
    (code) => exitCodes[catalogue[code].kind],
  );
  expect(codes).toEqual([2, 69, 75]);
  expect(exitCodes[catalogue["backend.unauthorized"].kind]).toBe(77);
  expect(exitCodes[catalogue["state.locked"].kind]).toBe(1);
});

test("a ServantError carries its code's kind and hint, its cause and the server's word", () => {
  const cause = new Error("inner");
  const error = new ServantError("backend.unavailable", "Cannot poll", { cause, retryAfterMs: 5 });
  expect(error).toMatchObject({ kind: "transient", cause, retryAfterMs: 5, name: "ServantError" });
  expect(error.hint).toBe(catalogue["backend.unavailable"].hint);
  expect(toServantError(error)).toBe(error);
});

test("toServantError() and messageOf() make something of any thrown value", () => {
  const hostile = {
    toString() {
      throw new Error("no");
    },
  };
  const thrown = [
    new Error("broken"),
    new Error(""),
    "text",
    7,
    null,
    undefined,
    hostile,
    Symbol("s"),
  ];
  for (const value of thrown) {
    const error = toServantError(value);
    expect(error.code).toBe("agent.internal");
    expect(error.message).not.toBe("");
  }
  expect(messageOf(new Error("broken"))).toBe("broken");
  expect(messageOf(Object.create(null))).toBe("a value that cannot be printed");
});

test("isErrorCode() knows the table's own codes only", () => {
  expect(isErrorCode("handler.threw")).toBe(true);
  for (const other of ["toString", "__proto__", "", "handler", 5, null, undefined]) {
    expect(isErrorCode(other)).toBe(false);
  }
});

test("assert() throws on a broken invariant alone", () => {
  assert(true, "fine");
  expect(() => assert(0, "none")).toThrow("Broken invariant: none");
});
