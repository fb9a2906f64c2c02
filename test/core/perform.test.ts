import { expect, test } from "bun:test";
import { z } from "zod";
import type { AuditId, Result } from "../../src/core/assignment.ts";
import { ServantError } from "../../src/core/errors.ts";
import { BELIEF_RESULT, type HandlerContext, type HandlerMark } from "../../src/core/handlers.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { MESSAGE_MAX_CHARS, perform, TELEMETRY_MAX_CHARS } from "../../src/core/perform.ts";
import type { Plugin } from "../../src/core/plugin.ts";
import { optional, transition } from "../../src/core/vocabulary.ts";
import { move, robotAt, room, roomOne, roomTwo } from "../../src/domains/warehouse.ts";
import { BeliefResult } from "../../src/sdk/results.ts";

const auditId = "a-1" as AuditId;
type Method = (...args: never[]) => unknown;

interface Call {
  readonly method: Method;
  readonly mark?: Partial<Extract<HandlerMark, { kind: "action" }>>;
  readonly params?: unknown;
  readonly signal?: AbortSignal;
  readonly logs?: string[];
}

function context(signal: AbortSignal, logs: string[]): HandlerContext {
  const log = (message: string) => void logs.push(message);
  return {
    auditId,
    transition: "work",
    signal,
    log: { debug: log, info: log, warn: log, warning: log, error: log },
    progress: () => {},
    paused: false,
    untilResumed: async () => {},
    orchestrator: {} as HandlerContext["orchestrator"],
    telemetry: {} as HandlerContext["telemetry"],
    events: {} as HandlerContext["events"],
  };
}

function plugin(method: Method, mark: Call["mark"] = {}): Plugin {
  const instance = { method };
  const action: HandlerMark = {
    kind: "action",
    name: "work",
    method: "method",
    options: {},
    ...mark,
  };
  const belief: HandlerMark = { kind: "belief", name: "at", method: "method", fluent: robotAt };
  return {
    offer: {} as Plugin["offer"],
    actions: new Map([["work", { mark: action, instance }]]),
    beliefs: new Map([["at", { mark: belief, instance }]]),
    reconciles: new Map(),
    instances: [instance],
    marked: new Set(["method"]),
  };
}

function act({ method, mark, params = {}, signal, logs = [] }: Call): Promise<Result> {
  const ctx = context(signal ?? new AbortController().signal, logs);
  const assignment = { kind: "action", auditId, transition: "work" } as const;
  return perform(plugin(method, mark), { ...assignment, params: params as JsonObject }, ctx);
}

function observe(method: Method, signal = new AbortController().signal): Promise<Result> {
  return perform(plugin(method), { kind: "belief", auditId, fluent: "at" }, context(signal, []));
}

const returning = (value: unknown) => act({ method: () => value });
const plain = {
  auditId,
  message: "",
  telemetry: {},
  observed: [],
  exclusive: [],
  unchecked: false,
};

test.each<[string, unknown, boolean]>([
  ["undefined", undefined, true],
  ["null", null, true],
  ["true", true, true],
  ["false", false, false],
  ["{success: true}", { success: true }, true],
  ["{success: false}", { success: false }, false],
  ["a promise of false", Promise.resolve(false), false],
  ["members of null", { success: true, message: null, telemetry: null, observed: null }, true],
])("perform() takes %s for an outcome", async (_name, value, success) => {
  expect(await returning(value)).toEqual({ ...plain, success });
});

test.each<[string, unknown]>([
  ["0", 0],
  ["1", 1],
  ["NaN", Number.NaN],
  ["a text", "done"],
  ["an empty text", ""],
  ["an array", [true]],
  ["an empty object", {}],
  ["success as a text", { success: "false" }],
  ["success as a number", { success: 1 }],
  ["success as a promise", { success: Promise.resolve(true) }],
  ["a function", () => true],
  ["a symbol", Symbol("done")],
  ["a BigInt", 1n],
  ["a Map", new Map([["success", true]])],
  ["a BeliefResult", BeliefResult.failed("no")],
  ["success behind a getter that throws", throwingGetter("success")],
])("perform() refuses %s as a result", async (_name, value) => {
  expect(await returning(value)).toMatchObject({ success: false, code: "handler.bad-result" });
});

function throwingGetter(name: string): object {
  return Object.defineProperty({}, name, {
    get() {
      throw new Error("not to be read");
    },
  });
}

function throwingJson(): object {
  return {
    toJSON() {
      throw new Error("not to be written");
    },
  };
}

function nested(levels: number): object {
  let value: object = {};
  for (let level = 0; level < levels; level++) value = { deeper: value };
  return value;
}

function cycle(): object {
  const self: { self?: object } = {};
  self.self = self;
  return self;
}

test.each<[string, unknown]>([
  ["a cycle", cycle()],
  ["nesting too deep to be written", nested(3_000)],
  ["a BigInt", { grams: 3n }],
  ["a function", () => 3],
  ["a symbol", Symbol("x")],
  ["a toJSON that throws", throwingJson()],
  ["a toJSON without a value", { toJSON: () => undefined }],
  ["more text than fits", { text: "x".repeat(TELEMETRY_MAX_CHARS) }],
])("perform() refuses telemetry that is %s", async (_name, telemetry) => {
  const result = await returning({ success: true, telemetry });
  expect(result).toMatchObject({ success: false, code: "handler.bad-result", telemetry: {} });
  expect(result.message).toContain("telemetry");
});

test("perform() keeps bytes and typed arrays in telemetry as such, by their mark", async () => {
  const telemetry = { image: Buffer.from("hi"), scan: Float32Array.of(1, 2.5) };
  const big = { ids: BigInt64Array.of(-5n), view: new DataView(new ArrayBuffer(1)) };
  const told = (await returning({ success: true, telemetry: { ...telemetry, ids: big } }))
    .telemetry;
  expect(told).toEqual({
    image: { $base64: "aGk=" },
    scan: { $base64: "AACAPwAAIEA=", type: "float32" },
    ids: { ids: { $base64: "+/////////8=", type: "int64" }, view: { $base64: "AA==" } },
  });
  const bytes = (await returning({ success: true, telemetry: Uint8Array.of(1, 2) })).telemetry;
  expect(bytes).toEqual({ value: { $base64: "AQI=" } });
});

test("perform() keeps telemetry as the JSON that it is", async () => {
  const shared = { a: 1 };
  const when = new Date(0);
  const telemetry = { shared, again: shared, when, nan: Number.NaN, left: undefined, text: "ä\n" };
  expect((await returning({ success: true, telemetry })).telemetry).toEqual({
    shared: { a: 1 },
    again: { a: 1 },
    when: when.toISOString(),
    nan: null,
    text: "ä\n",
  });
  expect((await returning({ success: true, telemetry: [1, 2] })).telemetry).toEqual([1, 2]);
});

test("perform() gives telemetry a life of its own", async () => {
  const telemetry = { metres: 1 };
  const result = await returning({ success: true, telemetry });
  telemetry.metres = 2;
  expect(result.telemetry).toEqual({ metres: 1 });
});

test.each<[string, unknown]>([
  ["far", "far"],
  ["42", 42],
  ["true", true],
  ["bad wheel", new Error("bad wheel")],
  ["Symbol(s)", Symbol("s")],
  ["a value that cannot be printed", Object.create(null)],
])("perform() tells a message as text: %s", async (text, message) => {
  expect((await returning({ success: false, message })).message).toBe(text);
});

test("perform() cuts a message at its limit", async () => {
  const { message } = await returning({ success: true, message: "x".repeat(200_000) });
  expect(message.length).toBe(MESSAGE_MAX_CHARS + "...".length);
});

test("perform() reads what was observed as a list or as a record", async () => {
  const list = await returning({ success: true, observed: [robotAt(roomOne), "hands_free()"] });
  expect(list.observed.map((each) => ({ ...each }) as object)).toEqual([
    { atom: "robot_at(room_one)", holds: true },
    { atom: "hands_free", holds: true },
  ]);
  const observed = { "robot_at( room_one )": true, [robotAt(roomTwo)]: false };
  const record = await returning({ success: false, observed });
  expect(record.success).toBe(false);
  expect(record.observed.map((each) => ({ ...each }) as object)).toEqual([
    { atom: "robot_at(room_one)", holds: true },
    { atom: "robot_at(room_two)", holds: false },
  ]);
});

test.each<[string, unknown]>([
  ["a text", "robot_at(room_one)"],
  ["a number", 3],
  ["a record of texts", { "robot_at(room_one)": "true" }],
  ["a record with undefined", { "robot_at(room_one)": undefined }],
  ["a list with a number", [3]],
  ["a list with an object", [{ atom: "x" }]],
  ["a list with null", [null]],
  ["text that is no atom", ["robot_at(room one"]],
  ["a record whose key is no atom", { "at(a": true }],
  ["a Map", new Map([["robot_at(room_one)", true]])],
  ["a Set", new Set(["robot_at(room_one)"])],
  ["a promise", Promise.resolve([])],
])("perform() refuses %s as observed", async (_name, observed) => {
  expect(await returning({ success: true, observed })).toMatchObject({
    success: false,
    code: "handler.bad-result",
    observed: [],
  });
  const belief = await observe(() => ({ [BELIEF_RESULT]: true, kind: "acquired", observed }));
  expect(belief).toMatchObject({ success: false, code: "handler.bad-result" });
});

const revoked = Proxy.revocable({}, {});
revoked.revoke();
const hostile = {
  toString() {
    throw new Error("no text");
  },
};

test.each<[string, unknown, string]>([
  ["an Error", new Error("no grip"), "no grip"],
  ["an Error without a message", new Error(), "Error"],
  ["a text", "no grip", "no grip"],
  ["undefined", undefined, "undefined"],
  ["null", null, "null"],
  ["a number", 7, "7"],
  ["a symbol", Symbol("s"), "Symbol(s)"],
  ["an object whose toString throws", hostile, "a value that cannot be printed"],
  ["an object without a prototype", Object.create(null), "a value that cannot be printed"],
  ["a revoked proxy", revoked.proxy, "a value that cannot be printed"],
  ["an Error with a number for a message", Object.assign(new Error(), { message: 7 }), "7"],
  [
    "an Error with an object for a message",
    Object.assign(new Error(), { message: hostile }),
    "an error without a message",
  ],
  ["an Error whose stack throws", Object.assign(new Error("x"), throwingGetter("stack")), "x"],
  ["a fault of ours", new ServantError("agent.internal", "broken"), "broken"],
])("perform() survives a handler that throws %s", async (_name, thrown, message) => {
  const throwing = () => {
    throw thrown;
  };
  const rejecting = () => Promise.reject(thrown);
  for (const method of [throwing, rejecting]) {
    const logs: string[] = [];
    const result = await act({ method, logs });
    expect(result).toMatchObject({ success: false, code: "handler.threw", message });
    expect(logs).toHaveLength(1);
    expect(await observe(method)).toMatchObject({ code: "handler.threw", message });
  }
});

test("perform() passes on the code of an orchestrator call that failed", async () => {
  const failure = new ServantError("backend.unreachable", "Cannot reach it");
  expect(await act({ method: () => Promise.reject(failure) })).toMatchObject({
    success: false,
    code: "backend.unreachable",
    message: "Cannot reach it",
  });
});

test.each([
  {
    kind: "time limit",
    reason: new ServantError("handler.timeout", "late"),
    code: "handler.timeout",
  },
  {
    kind: "cancel",
    reason: new ServantError("handler.cancelled", "no"),
    code: "handler.cancelled",
  },
  { kind: "plain abort", reason: undefined, code: "handler.cancelled" },
  { kind: "text", reason: "because", code: "handler.cancelled" },
] as const)("perform() names an abort by $kind $code", async ({ reason, code }) => {
  const heeding = (abort: AbortController) => () => {
    abort.abort(reason);
    abort.signal.throwIfAborted();
  };
  const stumbling = (abort: AbortController) => () => {
    abort.abort(reason);
    throw new Error("socket closed");
  };
  for (const make of [heeding, stumbling]) {
    const abort = new AbortController();
    const result = await act({ method: make(abort), signal: abort.signal });
    expect(result).toMatchObject({ success: false, code });
  }
});

test("perform() reports a handler that succeeds after its abort as a success", async () => {
  const abort = new AbortController();
  const method = () => {
    abort.abort();
    return true;
  };
  expect(await act({ method, signal: abort.signal })).toMatchObject({ success: true });
});

test("perform() does not start a handler whose signal has aborted", async () => {
  let started = 0;
  const method = () => {
    started += 1;
  };
  const signal = AbortSignal.abort(new ServantError("handler.timeout", "late"));
  expect(await act({ method, signal })).toMatchObject({ code: "handler.timeout", message: "late" });
  expect(await observe(method, AbortSignal.abort())).toMatchObject({ code: "handler.cancelled" });
  expect(started).toBe(0);
});

test("perform() gives a transition's parameters as references that print as their names", async () => {
  let seen = "";
  const method = ({ start, end }: { start: { type: string }; end: { name: string } }) => {
    seen = `${start} ${start.type} ${end.name} ${JSON.stringify(end)}`;
  };
  const params = { start: "room_one", end: { name: "room_two", capacity: 3 }, more: 1 };
  const mark = { transition: move };
  expect(await act({ method, mark, params })).toMatchObject({ success: true });
  expect(seen).toBe('room_one room room_two "room_two"');
});

test.each<[unknown, string]>([
  [{}, '"start" must name a room, it is missing'],
  [{ start: null, end: "room_two" }, "it is null"],
  [{ start: 3, end: "room_two" }, "it is 3"],
  [{ start: "", end: "room_two" }, 'it is ""'],
  [{ start: "room_one" }, '"end" must name a room, it is missing'],
  [{ start: "room_one", end: {} }, "it is {}"],
  [{ start: "room_one", end: { name: 3 } }, 'it is {"name":3}'],
  [{ start: "room_one", end: ["room_two"] }, 'it is ["room_two"]'],
])("perform() refuses the parameters %j and says why", async (params, says) => {
  const result = await act({ method: () => true, mark: { transition: move }, params });
  expect(result).toMatchObject({ success: false, code: "assignment.bad-params" });
  expect(result.message).toContain(says);
});

test("perform() checks a schema's parameters and hands on what it made of them", async () => {
  const schema = z.object({ grams: z.coerce.number().max(500), unit: z.string().default("g") });
  let seen: unknown;
  const method = (params: unknown) => {
    seen = params;
  };
  await act({ method, mark: { schema }, params: { grams: "12" } });
  expect(seen).toEqual({ grams: 12, unit: "g" });
  const refused = await act({ method, mark: { schema }, params: { grams: 900, unit: 3 } });
  expect(refused).toMatchObject({ success: false, code: "assignment.bad-params" });
  expect(refused.message).toStartWith('Cannot do "work": grams: ');
  expect(refused.message).toContain("; unit: ");
  expect(refused.message).not.toContain("{");
});

test("perform() passes the parameters as they are to a handler with neither", async () => {
  let seen: unknown;
  const method = (params: unknown) => {
    seen = params;
  };
  await act({ method, params: { grams: 12 } });
  expect(seen).toEqual({ grams: 12 });
});

test.each(["nothing", "toString", "__proto__"])(
  "perform() answers that it has no handler for %s",
  async (name) => {
    const ctx = context(new AbortController().signal, []);
    const empty = plugin(() => true);
    const unknown = { success: false, code: "assignment.unknown" } as const;
    const action = { kind: "action", auditId, transition: name, params: {} } as const;
    expect(await perform(empty, action, ctx)).toMatchObject(unknown);
    const belief = { kind: "belief", auditId, fluent: name } as const;
    expect(await perform(empty, belief, ctx)).toMatchObject(unknown);
  },
);

test("perform() answers an unreadable assignment with its problem", async () => {
  const ctx = context(new AbortController().signal, []);
  const invalid = {
    kind: "invalid",
    auditId,
    code: "assignment.malformed",
    problem: "no",
  } as const;
  expect(
    await perform(
      plugin(() => true),
      invalid,
      ctx,
    ),
  ).toMatchObject({
    success: false,
    code: "assignment.malformed",
    message: "no",
  });
});

test("perform() brings the four kinds of belief into results", async () => {
  const seen = await observe(() => BeliefResult.acquired({ [robotAt(roomOne)]: false }));
  expect(seen).toMatchObject({ success: true, exclusive: [], unchecked: false });
  expect(String(seen.observed[0]?.atom)).toBe("robot_at(room_one)");
  expect(seen.observed[0]?.holds).toBe(false);
  const sole = await observe(() => BeliefResult.sole("robot_at(room_two)"));
  expect(sole).toMatchObject({ success: true, exclusive: ["robot_at"], unchecked: false });
  expect(sole.observed).toHaveLength(1);
  const unchecked = await observe(async () => BeliefResult.unchecked("too dark"));
  expect(unchecked).toEqual({ ...plain, success: true, message: "too dark", unchecked: true });
  const failed = await observe(() => BeliefResult.failed("lens broken"));
  expect(failed).toEqual({ ...plain, success: false, message: "lens broken" });
});

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["true", true],
  ["an atom", "robot_at(room_one)"],
  ["a list of atoms", ["robot_at(room_one)"]],
  ["an action's outcome", { success: true }],
  ["an unknown kind", { [BELIEF_RESULT]: true, kind: "guessed", observed: [] }],
  ["a revoked proxy", revoked.proxy],
])("perform() refuses a belief that returns %s", async (_name, value) => {
  // A promise of a revoked proxy cannot even be made: the handler returns it as it is.
  const result = await observe(() => value);
  expect(result.success).toBe(false);
  expect(["handler.bad-result", "handler.threw"]).toContain(result.code ?? "");
});

test.each([{}, { spare: null }, { spare: "None" }, { spare: "" }])(
  "a parameter that may be left out, and is, does not reach its handler: %j",
  async (params) => {
    const rest = transition("work", { params: { at: room, spare: optional(room) } });
    let given: unknown;
    const method = (all: unknown) => {
      given = all;
    };
    const mark = { transition: rest };
    const { success } = await act({ method, mark, params: { at: "room_one", ...params } });
    expect(success).toBe(true);
    expect(Object.keys(given as object)).toEqual(["at"]);
    await act({ method, mark, params: { at: "room_one", spare: "room_two" } });
    expect(String((given as { spare: unknown }).spare)).toBe("room_two");
  },
);
