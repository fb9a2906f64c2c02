import { expect, test } from "bun:test";
import type { ServantError } from "../../src/core/errors.ts";
import { handlerMarks } from "../../src/core/plugin.ts";
import { move, robotAt, roomOne } from "../../src/domains/warehouse.ts";
import * as sdk from "../../src/sdk/index.ts";
import {
  action,
  BeliefResult,
  belief,
  Reconcile,
  reconcile,
  safe,
  script,
  z,
} from "../../src/sdk/index.ts";

type Loose = (...args: unknown[]) => (value: unknown, context: unknown) => unknown;
const loose = {
  action: action as unknown as Loose,
  belief: belief as unknown as Loose,
  reconcile: reconcile as unknown as Loose,
  safe: safe as unknown as Loose,
};

function failure(apply: () => unknown): ServantError {
  try {
    apply();
  } catch (cause) {
    return cause as ServantError;
  }
  throw new Error("it was applied");
}

test("decorators mark methods and leave the class as it was", () => {
  const schema = z.object({ grams: z.number() });
  class Cart {
    @action(move, { timeoutMs: 60_000, uses: ["wheels"] })
    drive() {
      return true;
    }
    @script("weigh", { params: schema })
    weigh({ grams }: { grams: number }) {
      return grams > 0;
    }
    @belief(robotAt)
    where() {
      return BeliefResult.sole(robotAt(roomOne));
    }
    @reconcile(move)
    look() {
      return Reconcile.notDone();
    }
    @reconcile("weigh", { params: schema })
    weighed({ grams }: { grams: number }) {
      return grams > 0 ? Reconcile.done() : Reconcile.partly("half of it");
    }
    @safe()
    halt() {}
  }
  expect(handlerMarks(Cart) as unknown[]).toEqual([
    {
      kind: "action",
      name: "move",
      method: "drive",
      transition: move,
      options: { timeoutMs: 60_000, uses: ["wheels"] },
    },
    { kind: "action", name: "weigh", method: "weigh", schema, options: {} },
    { kind: "belief", name: "robot_at", method: "where", fluent: robotAt },
    { kind: "reconcile", name: "move", method: "look", transition: move },
    { kind: "reconcile", name: "weigh", method: "weighed", schema },
    { kind: "safe", name: "safe", method: "halt" },
  ]);
  expect(new Cart().drive()).toBe(true);
  expect(Object.keys(new Cart())).toEqual([]);
});

test.each([
  ["@action", () => loose.action(move)({}, "drive")],
  ["@belief", () => loose.belief(robotAt)({}, "where")],
  ["@reconcile", () => loose.reconcile(move)({}, "look")],
  ["@safe", () => loose.safe()({}, "halt")],
])("%s called as a legacy decorator says so", (name, apply) => {
  expect(failure(apply)).toMatchObject({
    code: "plugin.legacy-decorator",
    message: `Cannot apply ${name} as a legacy decorator`,
    hint: expect.stringContaining("experimentalDecorators"),
  });
});

test.each<[string, () => unknown, string]>([
  ["nothing", () => loose.action(undefined), "of undefined: write @action(transition)"],
  ["a fluent", () => loose.action(robotAt), "write @action(transition)"],
  ["the method itself", () => loose.action(function drive() {}, {}), 'of "drive": write @action('],
  ["a transition", () => loose.belief(move), "write @belief(fluent)"],
  ["a fluent", () => loose.reconcile(robotAt), "of function: write @reconcile(transition)"],
  ["a name", () => loose.belief("robot_at"), "of string: write @belief(fluent)"],
])("a decorator of %s says how it is written", (_name, apply, says) => {
  const { code, message } = failure(apply);
  expect(code).toBe("plugin.load-failed");
  expect(message).toContain(says);
});

test.each([
  [{ kind: "method", static: true, private: false }, 'static "drive"'],
  [{ kind: "method", static: false, private: true }, 'private "drive"'],
  [{ kind: "field", static: false, private: false }, 'field "drive"'],
  [{ kind: "getter", static: false, private: false }, 'getter "drive"'],
  [{ kind: "class" }, 'class "drive"'],
])("a decorator refuses %j", (context, says) => {
  const { code, message } = failure(() =>
    loose.action(move)(() => {}, { name: "drive", metadata: {}, ...context }),
  );
  expect(code).toBe("plugin.load-failed");
  expect(message).toContain(says);
});

test.each<[Record<string, unknown>, string]>([
  [{ timeoutMs: 0 }, "timeoutMs 0: give milliseconds above 0"],
  [{ progressTimeoutMs: -1 }, "progressTimeoutMs -1: give milliseconds above 0"],
  [{ hangTimeoutMs: "60" }, "hangTimeoutMs 60: give milliseconds above 0"],
  [{ onInterrupted: "again" }, 'onInterrupted "again": give "fail" or "rerun"'],
  [{ onInterrupted: null }, 'onInterrupted null: give "fail" or "rerun"'],
  [{ uses: "arm" }, 'uses "arm": list names such as ["arm"]'],
  [{ uses: ["arm", ""] }, 'uses ["arm",""]: list names'],
  [{ uses: [3] }, "uses [3]: list names"],
])("@action refuses %j", (options, says) => {
  const { code, message } = failure(() => loose.action(move, options));
  expect(code).toBe("plugin.load-failed");
  expect(message).toContain(says);
});

test("@action takes every option there is", () => {
  const options = {
    timeoutMs: Number.POSITIVE_INFINITY,
    progressTimeoutMs: 1,
    hangTimeoutMs: 0.5,
    onInterrupted: "rerun",
    uses: [],
  };
  expect(() => loose.action(move, options)).not.toThrow();
});

test("the SDK exports what its documentation names", () => {
  expect(Object.keys(sdk).sort()).toEqual([
    "BeliefResult",
    "Reconcile",
    "action",
    "and",
    "belief",
    "domain",
    "fluent",
    "not",
    "objectType",
    "optional",
    "or",
    "parseAtom",
    "reconcile",
    "safe",
    "script",
    "step",
    "transition",
    "when",
    "z",
  ]);
});
