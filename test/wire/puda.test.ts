// Goal: commands of every generation are read, an answer is the received message with the response in
// it, and nothing that a result or a peer says makes an answer that is lost.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type AuditId, emptyResult, failedResult } from "../../src/core/assignment.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import {
  answerTo,
  type Command,
  CommandMessage,
  dataOf,
  failed,
  RESPONSE_CODES,
  ResponseMessage,
  readCommand,
  sameness,
  succeeded,
  timestampOf,
  toCommandMessage,
  toResponse,
} from "../../src/wire/puda.ts";
import {
  type BrokenCommand,
  isBroken,
  readJson,
  readPayload,
  writeAnswer,
} from "../../src/wire/puda-payload.ts";

const NOW = Date.UTC(2026, 10, 21, 11, 21, 36, 789);
const auditId = "a1" as AuditId;
const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const MAX = 1_048_576;

/** As each commander writes one, captured from its released code. */
const CAPTURED = {
  N: '{"header":{"version":"1.0","message_type":"command","user_id":"u-1","username":"ana","machine_id":"rig1","run_id":"b25a59a5","timestamp":"2026-11-21T11:21:36Z"},"command":{"name":"echo","params":{"a":1,"b":[1,{"c":null}]},"kwargs":{},"step_number":2,"version":"1.0","machine_id":"rig1"},"response":null}',
  S: '{"header":{"message_type":"command","version":"1.0","timestamp":"2026-11-21T11:27:44Z","machine_id":"rig1","run_id":"605bc0b1"},"command":{"name":"b","params":{},"step_number":2,"version":"1.0"},"response":null}',
  G: '{"header":{"message_type":"command","version":"1.0","timestamp":"2026-11-21T11:27:44Z","machine_id":"rig1","run_id":"605bc0b1","user_id":"u","username":"n"},"command":{"name":"b","params":null,"step_number":7,"version":"1.0","machine_id":"rig1"}}',
};

function read(value: unknown, id = "rig1"): Command {
  const command = readPayload(bytes(value), id);
  if (isBroken(command)) throw new Error(command.problem);
  return command;
}
function broken(value: unknown, id = "rig1"): BrokenCommand {
  const command = readPayload(bytes(value), id);
  if (!isBroken(command)) throw new Error("It was read");
  return command;
}
const withMembers = (header: JsonObject, command: JsonObject): JsonObject => ({
  header: { machine_id: "rig1", run_id: "r", ...header },
  command: { name: "weigh", step_number: 1, ...command },
});

for (const [who, text] of Object.entries(CAPTURED)) {
  test(`a command of ${who} is read, and its answer is the same message with the response`, () => {
    const command = read(text);
    expect(command.mismatch).toBeUndefined();
    expect(command.isFirstGeneration).toBe(who === "S");
    const answer = writeAnswer(command.message, succeeded(NOW, { g: 1.5 }), NOW, MAX);
    const received = JSON.parse(text);
    expect(JSON.parse(answer.text)).toEqual({
      ...received,
      header: {
        ...received.header,
        message_type: "response",
        timestamp: "2026-11-21T11:21:36Z",
      },
      response: {
        status: "success",
        completed_at: "2026-11-21T11:21:36Z",
        code: null,
        message: null,
        data: { g: 1.5 },
      },
    });
  });
}

test("an answer writes its members in the order in which they came", () => {
  const { text } = writeAnswer(read(CAPTURED.N).message, succeeded(NOW), NOW, MAX);
  const expected = CAPTURED.N.replace('"message_type":"command"', '"message_type":"response"');
  expect(text.startsWith(expected.slice(0, expected.indexOf('"response":null')))).toBe(true);
});

test("what any generation leaves out is optional, and numbers may be texts", () => {
  expect(read(withMembers({}, { params: null, kwargs: null })).params).toEqual({});
  expect(read({ header: {}, command: { name: "a", step_number: 0 } }).runId).toBeNull();
  expect(read(withMembers({ run_id: "" }, {})).runId).toBe("");
  for (const step of [7, 7.0, "7", " 7 ", "7.0", "+7"]) {
    expect(read(withMembers({}, { step_number: step })).step).toBe(7);
  }
  const merged = withMembers({}, { params: { a: 1, b: 1 }, kwargs: { b: 2 } });
  expect(read(merged).params).toEqual({ a: 1, b: 2 });
});

test("W29: a command for another machine, or that is none, says so", () => {
  expect(read(withMembers({ machine_id: "rig2" }, {})).mismatch).toContain('"rig2"');
  expect(read(withMembers({}, { machine_id: "rig2" })).mismatch).toContain('"rig2"');
  expect(read(withMembers({ message_type: "response" }, {})).mismatch).toContain('"response"');
  expect(read(withMembers({ machine_id: null }, { machine_id: "" })).mismatch).toBeUndefined();
});

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
const members = fc.dictionary(fc.string({ maxLength: 12 }), json) as fc.Arbitrary<JsonObject>;
const messages = fc
  .record({
    top: members,
    header: members,
    command: members,
    params: fc.option(members),
    step: fc.oneof(fc.integer(), fc.integer().map(String)),
    run: fc.option(fc.string()),
  })
  .map(({ top, header, command, params, step, run }) => ({
    ...top,
    header: { ...header, message_type: "command", machine_id: "rig1", run_id: run, user_id: "u" },
    command: { ...command, name: "n", params, kwargs: {}, step_number: step, machine_id: "rig1" },
  }));

test("whatever members a command has, all of them come back", () => {
  fc.assert(
    fc.property(messages, (message) => {
      const received = JSON.parse(JSON.stringify(message)) as JsonObject;
      const { text, problem } = writeAnswer(read(received).message, succeeded(NOW), NOW, MAX);
      expect(problem).toBeUndefined();
      const { response: _mine, header, ...rest } = JSON.parse(text);
      const { response: _theirs, header: sent, ...others } = received;
      expect(rest).toEqual(others);
      expect(header).toEqual({
        ...(sent as JsonObject),
        message_type: "response",
        timestamp: timestampOf(NOW),
      });
    }),
  );
});

test("W7: a command with a wrong member keeps its run and step, so that its sender is answered", () => {
  const wrong: [JsonObject, JsonObject][] = [
    [{}, { params: [1] }],
    [{}, { params: "x" }],
    [{}, { kwargs: 3 }],
    [{}, { name: "" }],
    [{}, { name: 7 }],
    [{ user_id: 7 }, {}],
    [{ machine_id: {} }, { machine_id: [] }],
  ];
  for (const [header, command] of wrong) {
    const { message, problem } = broken(withMembers(header, command));
    expect(problem).not.toBe("");
    const answer = writeAnswer(message ?? {}, failed(NOW, "JSON_DECODE_ERROR", problem), NOW, MAX);
    expectTaken(answer.text, "r", 1);
  }
});

test("W7: what is no JSON is answered where it names one run and one step", () => {
  for (const text of [
    CAPTURED.N.slice(0, -1),
    CAPTURED.N.replace('"a":1', '"a":NaN'),
    `${CAPTURED.N}}`,
    CAPTURED.N.replace('"a":1', '"a":1e999'),
    CAPTURED.N.replace('"a":1', `"a":${"[".repeat(300)}${"]".repeat(300)}`),
  ]) {
    const { message, problem } = broken(text);
    const answer = writeAnswer(message ?? {}, failed(NOW, "JSON_DECODE_ERROR", problem), NOW, MAX);
    expectTaken(answer.text, "b25a59a5", 2);
    expect(JSON.parse(answer.text).header.user_id).toBe("u-1");
  }
});

test("an answer holds no half of a character, which Python reads as no JSON", () => {
  const { message } = read(CAPTURED.N);
  const odd = { "\udc00": "\ud83d", whole: "\u{1f600}", told: "\\ud83d \\\\ud83d" };
  const { text } = writeAnswer(message, succeeded(NOW, odd), NOW, MAX);
  const { data } = JSON.parse(text).response;
  expect(data).toEqual({ ...odd, "\udc00": undefined, "\ufffd": "\ufffd" });
  const failure = failed(NOW, "EXECUTION_ERROR", `${"x".repeat(499)}\u{1f600}${"x".repeat(MAX)}`);
  const cut = JSON.parse(writeAnswer(message, failure, NOW, MAX).text).response.message;
  expect(cut.isWellFormed()).toBe(true);
});

test("an answer nests no deeper than Python reads, and says so", () => {
  const nested = (levels: number) =>
    JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`) as JsonObject;
  const { message } = read(CAPTURED.N);
  expect(writeAnswer(message, succeeded(NOW, nested(180)), NOW, MAX).problem).toBeUndefined();
  const { text } = writeAnswer(message, succeeded(NOW, nested(195)), NOW, MAX);
  expect(JSON.parse(text).response).toMatchObject({ status: "error", code: "EXECUTION_ERROR" });
  expect(text).toContain("nests too deep");
});

test("W7: what could be another's step is not answered", () => {
  const nested = CAPTURED.N.replace('"a":1', '"step_number":1').slice(0, -1);
  for (const text of ["", "[]", "null", "7", "{}", '{"header":null,"command":{}}', nested]) {
    expect(broken(text).message).toBeUndefined();
  }
  // Cut in the middle of the number: it may have been 12.
  const cut = CAPTURED.N.slice(0, CAPTURED.N.indexOf('"step_number":2') + 15);
  expect(broken(cut).message).toBeUndefined();
  expect(broken(withMembers({ run_id: null }, { name: 7 })).message).toBeUndefined();
});

test("no bytes make the reader throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (payload) => {
      expect(isBroken(readPayload(payload, "rig1"))).toBe(true);
    }),
  );
  const flipped = fc.tuple(fc.nat(CAPTURED.N.length - 1), fc.nat(255));
  fc.assert(
    fc.property(flipped, ([at, byte]) => {
      const payload = bytes(CAPTURED.N);
      payload[at] = byte;
      readPayload(payload, "rig1");
    }),
    { numRuns: 2_000 },
  );
});

test("W22: the same step of a run with the same body is known again, whoever repeats it", () => {
  const first = read(withMembers({ user_id: "a" }, { params: { a: 1, b: 2 } }));
  const again = read(withMembers({ user_id: "b" }, { params: { b: 2 }, kwargs: { a: 1 } }));
  expect(sameness(again)).toBe(sameness(first));
  for (const other of [{ params: { a: 2 } }, { name: "tare" }, { step_number: 2 }]) {
    expect(sameness(read(withMembers({}, { params: { a: 1, b: 2 }, ...other })))).not.toBe(
      sameness(first),
    );
  }
});

test("a result becomes a response: data is an object, an error has a code of the wire", () => {
  const success = { ...emptyResult(auditId, true), telemetry: false as Json };
  expect(toResponse(success, NOW)).toEqual(succeeded(NOW, { result: false }));
  expect(toResponse(emptyResult(auditId, true), NOW)).toEqual(succeeded(NOW, null));
  const failure = toResponse(failedResult(auditId, "handler.timeout", "too slow"), NOW);
  expect(failure).toEqual(failed(NOW, "EXECUTION_ERROR", "too slow"));
  const codes = ["handler.cancelled", "assignment.unknown", "assignment.malformed"] as const;
  expect(codes.map((code) => toResponse(failedResult(auditId, code, ""), NOW).code)).toEqual([
    "COMMAND_CANCELLED",
    "UNKNOWN_COMMAND",
    "JSON_DECODE_ERROR",
  ]);
  expect([dataOf(null), dataOf([1]), dataOf({ a: 1 })]).toEqual([null, { result: [1] }, { a: 1 }]);
});

test("W8: what was called off is answered so, however it ended", () => {
  const done = { ...emptyResult(auditId, true), telemetry: { g: 1 } };
  expect(toResponse(done, NOW, "the run was cancelled")).toEqual({
    ...failed(NOW, "COMMAND_CANCELLED", "the run was cancelled; it was carried out all the same"),
    data: { g: 1 },
  });
  const failure = failedResult(auditId, "handler.threw", "the arm is up");
  expect(toResponse(failure, NOW, "the run was cancelled")).toEqual(
    failed(NOW, "COMMAND_CANCELLED", "the arm is up"),
  );
});

test("NaN and infinities of a result are null on the wire", () => {
  const data = { a: Number.NaN, b: [Number.POSITIVE_INFINITY, 1] };
  const { text } = writeAnswer(read(CAPTURED.N).message, succeeded(NOW, data), NOW, MAX);
  expect(JSON.parse(text).response.data).toEqual({ a: null, b: [null, 1] });
});

test("W6: a result that cannot be written becomes an error that says why", () => {
  const circle: Record<string, unknown> = {};
  circle.me = circle;
  for (const data of [circle, { n: 10n }]) {
    const { text, problem } = writeAnswer(
      read(CAPTURED.N).message,
      succeeded(NOW, data as JsonObject),
      NOW,
      MAX,
    );
    expect(problem).toContain("cannot be written");
    expectTaken(text, "b25a59a5", 2);
    expect(JSON.parse(text).response).toMatchObject({ status: "error", code: "EXECUTION_ERROR" });
  }
});

test("W6: an answer is never larger than the server takes, and never loses its run and step", () => {
  const sizes = fc.record({
    params: fc.nat(3_000),
    data: fc.nat(3_000),
    extra: fc.nat(3_000),
    max: fc.integer({ min: 4_600, max: 9_000 }),
    letter: fc.constantFrom("a", "é", "\u0001", "𝄞"),
    isError: fc.boolean(),
  });
  fc.assert(
    fc.property(sizes, ({ params, data, extra, max, letter, isError }) => {
      const command = { params: { a: letter.repeat(params) }, x: letter.repeat(extra) };
      const message = read(withMembers({ user_id: "u", username: "n" }, command)).message;
      const response = isError
        ? failed(NOW, "CANCEL_ERROR", letter.repeat(data))
        : succeeded(NOW, { a: letter.repeat(data) });
      const { text, problem } = writeAnswer(message, response, NOW, max);
      expect(bytes(text).length).toBeLessThanOrEqual(max);
      const answer = JSON.parse(text);
      expect(answer.header).toMatchObject({ run_id: "r", user_id: "u", username: "n" });
      expect(answer.command).toMatchObject({ name: "weigh", step_number: 1 });
      expect(RESPONSE_CODES.includes(answer.response.code) || problem === undefined).toBe(true);
      if (isError) expect(answer.response.code).toBe("CANCEL_ERROR");
      expect(problem === undefined).toBe(
        bytes(JSON.stringify(answerTo(message, response, NOW))).length <= max,
      );
    }),
  );
});

test("W6: of an echo that is too large the parameters go first, and nothing else", () => {
  const params = { a: "x".repeat(3_000) };
  const { message } = read(withMembers({ lab: "b" }, { params, kwargs: params, note: "n" }));
  const data = { a: "x".repeat(3_000) };
  const { text } = writeAnswer(message, succeeded(NOW, data), NOW, 2_000);
  expect(JSON.parse(text)).toMatchObject({
    header: { lab: "b", run_id: "r" },
    command: { name: "weigh", note: "n", params: {}, kwargs: {} },
    response: { code: "EXECUTION_ERROR" },
  });
});

test("a command of ours has every member that any machine asks for", () => {
  const spec = { machine: "rig1", name: "weigh", params: { a: 1 }, step: 3, runId: "r" };
  const message = toCommandMessage(spec, { userId: "u-1", username: "ana" }, NOW);
  expect(CommandMessage.safeParse(message).success).toBe(true);
  const captured = JSON.parse(CAPTURED.N);
  expect(Object.keys(message)).toEqual(Object.keys(captured));
  expect(Object.keys(message.header as JsonObject)).toEqual(Object.keys(captured.header));
  expect(Object.keys(message.command as JsonObject)).toEqual(Object.keys(captured.command));
  const empty = toCommandMessage({ ...spec, runId: "" }, { userId: "", username: "" }, NOW);
  expect((empty.header as JsonObject).run_id).toBeNull();
});

test("reading and answering a small command costs microseconds", () => {
  const payload = bytes(CAPTURED.N);
  const rounds = 20_000;
  let chars = 0;
  const startMs = performance.now();
  for (let round = 0; round < rounds; round++) {
    const command = readCommand(readJson(payload), "rig1");
    if (typeof command === "string") throw new Error(command);
    chars += writeAnswer(command.message, succeeded(NOW), NOW, MAX).text.length;
  }
  const eachUs = ((performance.now() - startMs) * 1_000) / rounds;
  expect(chars).toBeGreaterThan(0);
  expect(eachUs).toBeLessThan(200); // about 8 on a quiet machine
});

/** As the Python commanders take it: the members without which they lose an answer. */
function expectTaken(text: string, run: string, step: number): void {
  const answer = JSON.parse(text);
  expect(ResponseMessage.safeParse(answer).success).toBe(true);
  const { header, command, response } = answer;
  expect([header.run_id, command.step_number, header.message_type]).toEqual([
    run,
    step,
    "response",
  ]);
  for (const name of ["user_id", "username", "machine_id"])
    expect(typeof header[name]).toBe("string");
  for (const name of ["name", "machine_id", "version"]) expect(typeof command[name]).toBe("string");
  for (const each of [command.params, command.kwargs]) {
    expect(each !== null && typeof each === "object" && !Array.isArray(each)).toBe(true);
  }
  expect(RESPONSE_CODES).toContain(response.code);
}
