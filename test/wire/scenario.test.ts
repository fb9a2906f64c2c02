// Goal: what stock clients send is read and what they are answered is what they were answered by the
// reference server, byte for byte; what is wrong is told, never guessed. Method: recorded exchanges.
import { expect, test } from "bun:test";
import type { ErrorCode } from "../../src/core/errors.ts";
import { isServantError } from "../../src/core/errors.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import {
  type ActionId,
  encodeRequest,
  type Request,
  readRequest,
} from "../../src/wire/scenario.ts";
import {
  type ActionState,
  errorAnswer,
  immediateAnswer,
  OK,
  readAnswer,
  updateAnswer,
} from "../../src/wire/scenario-answers.ts";
import { argumentOf, mergedArguments, paramsOf } from "../../src/wire/scenario-arguments.ts";
import { decodeMap, encodeMap } from "../../src/wire/scenario-msgpack.ts";
import captured from "../fixtures/scenario/captures.json" with { type: "json" };
import { hex } from "../support/raw-zmtp.ts";

const id = "a" as ActionId;
const body = (cmd: Json, payload?: Json) =>
  encodeMap(payload === undefined ? { cmd } : { cmd, payload });
const read = (cmd: Json, payload?: Json): Request => readRequest([body(cmd, payload)]);
function refusal(frames: readonly Uint8Array[]): string {
  try {
    readRequest(frames);
  } catch (cause) {
    if (isServantError(cause) && cause.code === "scenario.malformed") return cause.message;
    throw cause;
  }
  return "none";
}
const toHex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");
/** Python marks a number as a float also where it is whole; a number of ours says no such thing. */
const wholeAsIntegers = (text: string) => text.replaceAll("cb0000000000000000", "00");

// ─── Recorded ───────────────────────────────────────────────────────────────────────────────────

for (const { name, hex: bytes, says } of captured.requests) {
  test(`${name}: read as recorded, and written as a stock client writes it`, () => {
    const request = readRequest([hex(bytes)]);
    expect<unknown>(request).toEqual(says);
    expect(toHex(encodeRequest(request))).toBe(wholeAsIntegers(bytes));
  });
}

for (const { name, hex: bytes, says } of captured.answers) {
  test(`answer ${name}: a map of its words, both ways`, () => {
    expect<unknown>(decodeMap(hex(bytes))).toEqual(says);
    expect(toHex(encodeMap(says as JsonObject))).toBe(bytes);
  });
}

const answer = (name: string) => captured.answers.find((each) => each.name === name)?.hex;
const ended = (success: boolean, message = "", code?: ErrorCode): ActionState => ({
  ...{ success, message },
  ...(code === undefined ? {} : { code }),
});

test("each state of an action is answered in the reference server's bytes", () => {
  expect(toHex(updateAnswer("running"))).toBe(answer("update: running"));
  expect(toHex(updateAnswer("idle"))).toBe(answer("update: failure"));
  expect(toHex(updateAnswer(ended(true)))).toBe(answer("update: success"));
  expect(toHex(updateAnswer(ended(true, "done")))).toBe(answer("update: success"));
  expect(toHex(updateAnswer(ended(false, "no tip")))).toBe(answer("update: failure"));
  const raised = ended(false, "probe raised", "handler.threw");
  expect(toHex(updateAnswer(raised))).toBe(answer('error "probe raised"'));
});

// ─── Read loosely ───────────────────────────────────────────────────────────────────────────────

test("nil, a missing field and one that nobody knows are no fault", () => {
  const bare = { cmd: "init", actionId: id, pluginKey: "arm.pick", initArgs: {}, outputDir: null };
  const init = { action_id: "a", plugin_key: "arm.pick" };
  expect<Request>(read("init", init)).toEqual(bare as Request);
  const other = { ...init, init_args: null, output_dir: null, priority: 3 };
  expect<Request>(read("init", other)).toEqual(bare as Request);
  const usual: Request = {
    ...{ cmd: "setup", actionId: id, tickPeriodS: 0.1, outputDir: null },
    scenarioFileDirectory: "",
  };
  expect(read("setup", { action_id: "a" })).toEqual(usual);
  expect(read("setup", { action_id: "a", tick_period: 0 })).toEqual(usual);
  expect(read("setup", { action_id: "a", tick_period: null })).toEqual(usual);
  expect(read("setup", { action_id: "a", tick_period: 1 })).toEqual({ ...usual, tickPeriodS: 1 });
  for (const payload of [{ action_id: "a" }, { action_id: "a", exec_args: null }]) {
    expect(read("execute", payload)).toEqual({ cmd: "execute", actionId: id, execArgs: {} });
  }
  expect(read("heartbeat")).toEqual({ cmd: "heartbeat" });
  for (const payload of [undefined, {}, { action_id: "" }, { action_id: null }]) {
    expect(read("reset", payload)).toEqual({ cmd: "reset", actionId: null });
  }
});

test("a status that is missing, unknown or in lower case abandons the action", () => {
  for (const status of [{}, { new_status: "success" }, { new_status: 1 }, { new_status: null }]) {
    const request = read("terminate", { action_id: "a", ...status });
    expect(request).toEqual({ cmd: "terminate", actionId: id, newStatus: "INVALID" });
  }
});

// ─── Malformed ──────────────────────────────────────────────────────────────────────────────────

const WRONG: readonly (readonly [what: string, body: Uint8Array, says: string])[] = [
  ["an unknown command", body("bogus"), "Unknown command: 'bogus'"],
  ["a name of every object", body("constructor"), "Unknown command: 'constructor'"],
  ["the one that is only mentioned", body("reset_all"), "Unknown command: 'reset_all'"],
  ["a command that is no text", body([1]), "Unknown command: [1]"],
  ["no command", encodeMap({}), "Unknown command: ''"],
  ["nil as payload", body("heartbeat", null), 'payload of "heartbeat" is no map'],
  ["a list as payload", body("update", []), 'payload of "update" is no map'],
  ["no id", body("update", {}), 'action_id of "update" is missing'],
  ["no payload", body("execute"), 'action_id of "execute" is missing'],
  ["an id that is no text", body("terminate", { action_id: 5 }), '"terminate" is no text'],
  ["an empty id", body("execute", { action_id: "" }), 'action_id of "execute" is empty'],
  ["a long id", body("update", { action_id: "x".repeat(201) }), "is longer than 200"],
  ["no plugin", body("init", { action_id: "a" }), 'plugin_key of "init" is missing'],
  [
    "arguments that are no map",
    body("execute", { action_id: "a", exec_args: [1] }),
    'exec_args of "execute" is no map',
  ],
  ["a period that is no number", body("setup", { action_id: "a", tick_period: "x" }), "no number"],
  ["a folder that is no text", body("setup", { action_id: "a", output_dir: 1 }), "is no text"],
  ["to reset a number", body("reset", { action_id: 5 }), "no text that names an action"],
];

for (const [what, bytes, says] of WRONG) {
  test(`${what}: said so`, () => {
    expect(refusal([bytes])).toContain(says);
  });
}

test("a message has one part", () => {
  const part = body("heartbeat");
  expect(refusal([part, part])).toContain("it has 2 parts");
  expect(refusal([])).toContain("it has 0 parts");
  expect(refusal([part])).toBe("none");
});

// ─── Answers ────────────────────────────────────────────────────────────────────────────────────

const known = {
  offered: new Set(["arm.pick"]),
  stateOf: (asked: ActionId): ActionState | undefined => (asked === id ? "running" : undefined),
};
const asked = (cmd: string, payload?: Json) => {
  const bytes = immediateAnswer(read(cmd, payload), known);
  return bytes === undefined ? undefined : readAnswer(bytes);
};

test("what nobody has to wait for is answered at once", () => {
  const ok = { status: "ok", actionStatus: undefined } as const;
  expect(asked("heartbeat")).toEqual(ok);
  expect(asked("reset", { action_id: "never" })).toEqual(ok);
  expect(asked("terminate", { action_id: "a" })).toEqual(ok);
  expect(asked("update", { action_id: "a" })).toEqual({ status: "ok", actionStatus: "running" });
  // These go on: to the plugin's hook, to its handler.
  expect(asked("init", { action_id: "a", plugin_key: "arm.pick" })).toBeUndefined(); // again, too
  expect(asked("init", { action_id: "b", plugin_key: "arm.pick" })).toBeUndefined();
  expect(asked("setup", { action_id: "a" })).toBeUndefined();
  expect(asked("execute", { action_id: "a" })).toBeUndefined();
});

test("a plugin and an action that are not there are named", () => {
  const plugin = asked("init", { action_id: "b", plugin_key: "nope" });
  const none = "No action plugin found for key 'nope'; known: arm.pick";
  expect(plugin).toEqual({ status: "error", message: none });
  const mistyped = asked("init", { action_id: "b", plugin_key: "Arm.pik" });
  expect(mistyped).toMatchObject({ message: expect.stringContaining('nearest is "arm.pick"') });
  for (const cmd of ["setup", "execute", "update", "terminate"]) {
    const message = "Unknown action_id: zz";
    expect(asked(cmd, { action_id: "zz" }), cmd).toEqual({ status: "error", message });
  }
});

test("an error always says something, and always in text that Python can read", () => {
  expect(toHex(OK)).toBe(answer("ok"));
  expect(toHex(errorAnswer("probe raised"))).toBe(answer('error "probe raised"'));
  expect(decodeMap(errorAnswer(" "))).toEqual({
    ...{ status: "error", message: "It failed, and nothing says why" },
  });
  expect(decodeMap(errorAnswer("\ud800!")).message).toBe("\ufffd!");
  const long = decodeMap(errorAnswer(`x${"💥".repeat(1_500)}`)).message as string;
  expect(long.length).toBe(2_000);
  expect(long.endsWith("💥\ufffd")).toBe(true);
  const hint = readAnswer(updateAnswer(ended(false, "", "handler.crashed")));
  expect(hint).toMatchObject({ status: "error", message: expect.stringContaining("ended while") });
});

test("an answer is read as a stock client reads it", () => {
  const unknown = encodeMap({ status: "ok", action_status: "RUNNING", feedback: 1 });
  expect(readAnswer(unknown)).toEqual({ status: "ok", actionStatus: undefined });
  expect(readAnswer(encodeMap({}))).toEqual({ status: "error", message: "" });
  expect(() => readAnswer(hex("c1"))).toThrow("0xc1 is no msgpack");
});

// ─── Arguments ──────────────────────────────────────────────────────────────────────────────────

const everyKind = readRequest([hex(captured.requests[5]?.hex ?? "")]) as { execArgs: JsonObject };

test("an argument is what it was in the scenario", () => {
  const { execArgs: args } = everyKind;
  const kindOf = (name: string) => argumentOf(args[name] ?? null);
  expect(kindOf("text")).toEqual({ kind: "text", value: "café" });
  expect(kindOf("flag")).toEqual({ kind: "boolean", value: true });
  expect(kindOf("distance")).toEqual({ kind: "number", value: 3_000 });
  expect(kindOf("turn")).toEqual({ kind: "number", value: 1.5707963268 });
  expect(kindOf("mode")).toEqual({ kind: "enum", name: "fast", number: 7 });
  expect(kindOf("optional_text")).toEqual({ kind: "nil" });
  const goal = kindOf("goal");
  const at = goal.kind === "struct" ? goal.fields.get("at") : undefined;
  const inner = at?.kind === "struct" ? Object.fromEntries(at.fields) : undefined;
  expect(inner).toEqual({
    ...{ x: { kind: "number", value: 1 }, y: { kind: "number", value: 0.2 } },
    z: { kind: "number", value: 0 },
  });
  const names = [
    { kind: "text", value: "a" },
    { kind: "text", value: "b" },
  ] as const;
  expect(kindOf("names")).toEqual({ kind: "list", items: names });
  // One type in a list: neither of these is a member of an enumeration.
  expect(argumentOf([1, 2]).kind).toBe("list");
  expect(argumentOf(["a", 1, 2]).kind).toBe("list");
  expect(argumentOf(["a", 0.5]).kind).toBe("list");
});

test("handlers get names for members of enumerations, and nothing for nil", () => {
  const params = paramsOf(everyKind.execArgs);
  expect(params).toMatchObject({ mode: "fast", names: ["a", "b"], count: -5, distance: 3_000 });
  expect(params).not.toHaveProperty("optional_text");
  const nested = { pose: { frame: ["map", 1], note: null }, all: [["fast", 7], null] } as const;
  expect(paramsOf(nested)).toEqual({ pose: { frame: "map" }, all: ["fast", null] });
});

test("a struct that was not given is left out: it comes as its fields, as a list of them does", () => {
  const pose = { label: null, at: { x: null, y: null } };
  expect(paramsOf({ pose, via: pose, speed: 2 })).toEqual({ speed: 2 });
  const half = { label: null, at: { x: 0, y: null } };
  expect(paramsOf({ pose: half, via: [pose, half] })).toEqual({
    pose: { at: { x: 0 } },
    via: [{}, { at: { x: 0 } }],
  });
  expect(paramsOf({ empty: {}, none: [], flag: false })).toEqual({
    ...{ empty: {}, none: [], flag: false },
  });
});

test("execute's arguments win over init's, with nil, too", () => {
  const merged = mergedArguments({ a: 1, b: 2, c: 3 }, { b: 20, c: null, d: 4 });
  expect(merged).toEqual({ a: 1, b: 20, c: null, d: 4 });
});
