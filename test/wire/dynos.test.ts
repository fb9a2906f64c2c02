// Goal: what one end of the wire writes the other end reads, whatever it is, and nonsense in a
// header or in a plugin's telemetry is passed over.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type AuditId, emptyResult, failedResult } from "../../src/core/assignment.ts";
import { keyOf } from "../../src/core/entry.ts";
import {
  fromDelivery,
  HOLDS_MAX,
  holdsText,
  parseHolds,
  parseTakes,
  takesText,
  toResult,
  WireResult,
} from "../../src/wire/dynos.ts";

const auditId = "a1" as AuditId;
const flags = fc.record({ actions: fc.boolean(), beliefs: fc.boolean(), cancels: fc.boolean() });

test("takesText() and parseTakes() are each other's inverse", () => {
  fc.assert(fc.property(flags, (takes) => expect(parseTakes(takesText(takes))).toEqual(takes)));
  expect(takesText({ actions: true, beliefs: true, cancels: true })).toBe("action, belief, cancel");
  const read = { actions: true, beliefs: false, cancels: true };
  expect(parseTakes(" Cancel,dance ,,ACTION")).toEqual(read);
  expect([parseTakes(null), parseTakes(undefined)]).toEqual([undefined, undefined]);
});

test("holdsText() and parseHolds() carry audit ids of any text, a few of them", () => {
  const ids = fc.array(fc.string({ unit: "binary", minLength: 1, maxLength: 50 }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(ids, (texts) => {
      const text = holdsText(texts.map((each) => each as AuditId));
      expect(text).toMatch(/^[\x21-\x7e ]*$/); // what a header may hold
      expect(parseHolds(text)).toEqual(new Set(texts.slice(0, HOLDS_MAX)));
    }),
  );
  expect(parseHolds("")).toEqual(new Set());
  expect(parseHolds("%zz")).toBeUndefined();
  expect(parseHolds("a,".repeat(HOLDS_MAX + 1))).toBeUndefined();
});

for (const kind of ["action", "belief"] as const) {
  test(`a code and an interruption of a result of an ${kind} travel in the telemetry`, () => {
    const failed = failedResult(auditId, "handler.interrupted", "Cannot tell");
    const result = { ...failed, interruption: "partly", telemetry: { metres: 2 } } as const;
    const wire = fromDelivery({ key: keyOf(auditId), kind, via: "s", result });
    expect(wire.telemetry).toEqual({
      metres: 2,
      code: "handler.interrupted",
      interruption: "partly",
    });
    const { code, interruption } = toResult(WireResult.parse(wire));
    expect([code, interruption]).toEqual(["handler.interrupted", "partly"]);
  });
}

test("an interruption alone is told too, and a result without either has no telemetry", () => {
  const send = (more: object) => {
    const result = { ...emptyResult(auditId, true), ...more };
    return fromDelivery({ key: keyOf(auditId), kind: "action", via: "s", result });
  };
  expect(send({ interruption: "rerun" }).telemetry).toEqual({ interruption: "rerun" });
  expect(send({ interruption: "done", telemetry: 7 }).telemetry).toEqual({
    value: 7,
    interruption: "done",
  });
  expect(send({ telemetry: [7] }).telemetry).toEqual({ value: [7] }); // DYNOS wants an object
  expect(send({})).not.toHaveProperty("telemetry");
});

test("what a plugin puts under the same names is its own", () => {
  const own = [{ code: 7 }, { code: "E42", interruption: "often" }, [1], "text", null];
  for (const telemetry of own) {
    const { code, interruption } = toResult(
      WireResult.parse({ audit_id: "a1", success: true, telemetry }),
    );
    expect([code, interruption]).toEqual([undefined, undefined]);
  }
});
