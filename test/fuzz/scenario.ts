/** What a scenario's client sends: requests with bytes spoilt, left out or put in, and any bytes at all. */
import { expect } from "bun:test";
import fc from "fast-check";
import type { JsonObject } from "../../src/core/json.ts";
import { encodeRequest, readRequest } from "../../src/wire/scenario.ts";
import { errorAnswer, immediateAnswer, readAnswer } from "../../src/wire/scenario-answers.ts";
import { argumentOf, mergedArguments, paramsOf } from "../../src/wire/scenario-arguments.ts";
import { encodeMap } from "../../src/wire/scenario-msgpack.ts";
import captured from "../fixtures/scenario/captures.json" with { type: "json" };
import { hex } from "../support/raw-zmtp.ts";
import { type Decoder, decoded, decoder, expectBounded, expectPlain } from "./decoder.ts";
import { json, spoiled, text } from "./hostile.ts";

const good = fc.record({
  cmd: fc.constantFrom("init", "setup", "execute", "update", "terminate", "reset", "heartbeat"),
  payload: spoiled(
    fc.record({
      action_id: text,
      plugin_key: text,
      init_args: json,
      exec_args: json,
      new_status: fc.constantFrom("SUCCESS", "INVALID", ""),
      tick_period: fc.double(),
      output_dir: fc.option(text),
    }),
  ),
});
const written = spoiled(good).map(
  (message) => decoded(() => encodeMap(message as JsonObject)) ?? new Uint8Array(),
);
const recorded = fc.constantFrom(...captured.requests.map(({ hex: bytes }) => hex(bytes)));
const change = fc.record({
  at: fc.nat(400),
  how: fc.constantFrom("set", "cut", "insert"),
  bytes: fc.uint8Array({ maxLength: 9 }),
});
const bodies = fc
  .tuple(
    fc.oneof(written, recorded, recorded, fc.uint8Array({ maxLength: 200 })),
    fc.array(change, { maxLength: 2 }),
  )
  .map(([body, changes]) =>
    changes.reduce((bytes, { at, how, bytes: piece }) => {
      const place = at % (bytes.length + 1);
      const rest = how === "set" ? place + piece.length : place;
      return how === "cut"
        ? bytes.subarray(0, place)
        : Buffer.concat([bytes.subarray(0, place), piece, bytes.subarray(rest)]);
    }, body),
  );

const known = {
  offered: new Set(["arm.move", "weigh"]),
  stateOf: (id: string) => (id.length % 2 === 0 ? ("running" as const) : undefined),
};

const requests = decoder("scenario requests", 100, fc.array(bodies, { maxLength: 2 }), (frames) => {
  const request = decoded(() => readRequest(frames));
  if (request === undefined) return;
  expectBounded(request, frames[0]?.length ?? 0);
  // What was read can be written, and is read as the same.
  expect(readRequest([encodeRequest(request)])).toEqual(request);
  const answer = immediateAnswer(request, known);
  if (answer !== undefined) readAnswer(answer);
  if (request.cmd !== "execute") return;
  const args = mergedArguments({ mode: 1 }, request.execArgs);
  expectPlain(paramsOf(args));
  for (const value of Object.values(args)) argumentOf(value);
});

const errors = decoder("scenario errors", 20, text, (message) => {
  const answer = readAnswer(errorAnswer(message));
  expect(answer).toMatchObject({ status: "error", message: expect.stringMatching(/./s) });
});

export const scenario: readonly Decoder[] = [requests, errors];
