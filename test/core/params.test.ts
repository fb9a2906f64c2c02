// Goal: what a backend sends as text is read where a handler's schema wants a number, and nowhere else.
import { expect, test } from "bun:test";
import { z } from "zod";
import { ServantError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { toParams } from "../../src/core/perform.ts";

const schema = z.object({
  grams: z.number(),
  label: z.string(),
  isWarm: z.boolean().optional(),
});
const mark = { kind: "action", name: "work", method: "work", schema, options: {} } as const;

test.each<[JsonObject, unknown]>([
  [
    { grams: "12.5", label: "12", isWarm: "true" },
    { grams: 12.5, label: "12", isWarm: true },
  ],
  [
    { grams: "-1e3", label: "x" },
    { grams: -1_000, label: "x" },
  ],
])("toParams() reads %j", (params, read) => {
  expect(toParams(mark, params)).toEqual(read);
});

test.each<JsonObject>([
  { grams: "012", label: "x" },
  { grams: "0x10", label: "x" },
  { grams: " 1", label: "x" },
  { grams: "", label: "x" },
  { grams: "null", label: "x" },
  { grams: ["1"], label: "x" },
  { grams: "1", label: 1 },
])("toParams() refuses %j for what it was at first", (params) => {
  expect(() => toParams(mark, params)).toThrow(ServantError);
});

test("toParams() says of a text that helps nothing that it is a text", () => {
  const odd = z.object({ grams: z.number().max(5) });
  expect(() => toParams({ ...mark, schema: odd }, { grams: "9" })).toThrow("received string");
});
