import { expect, test } from "bun:test";
import type { ServantError } from "../../src/core/errors.ts";
import { handlerMarks } from "../../src/core/plugin.ts";
import { move, robotAt, roomOne } from "../../src/domains/warehouse.ts";
import * as sdk from "../../src/sdk/index.ts";
import { action, BeliefResult, belief, script, z } from "../../src/sdk/index.ts";

type Loose = (...args: unknown[]) => (value: unknown, context: unknown) => unknown;
const loose = { action: action as unknown as Loose, belief: belief as unknown as Loose };

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
  ]);
  expect(new Cart().drive()).toBe(true);
  expect(Object.keys(new Cart())).toEqual([]);
});

test.each([
  ["@action", () => loose.action(move)({}, "drive")],
  ["@belief", () => loose.belief(robotAt)({}, "where")],
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

test("the SDK exports what its documentation names", () => {
  expect(Object.keys(sdk).sort()).toEqual([
    "BeliefResult",
    "Reconcile",
    "action",
    "belief",
    "domain",
    "fluent",
    "not",
    "objectType",
    "parseAtom",
    "reconcile",
    "safe",
    "script",
    "transition",
    "z",
  ]);
});
