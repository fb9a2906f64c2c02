/** What comes off the wire: poll answers, bodies in pieces, registrations, results, domains. */
import { expect } from "bun:test";
import fc from "fast-check";
import { z } from "zod";
import { readAnswer } from "../../src/adapters/poll-answer.ts";
import { memoryStore } from "../../src/backend/memory-store.ts";
import { readKept } from "../../src/backend/restore.ts";
import { changesOfSnapshot } from "../../src/backend/snapshot.ts";
import type { AuditId } from "../../src/core/assignment.ts";
import type { Atom } from "../../src/core/atom.ts";
import { keyOf, sameContent } from "../../src/core/entry.ts";
import { isNestedWithin, type Json } from "../../src/core/json.ts";
import { readBounded, readStart } from "../../src/wire/bounded-body.ts";
import { DomainFile } from "../../src/wire/domain.ts";
import {
  AtomsOf,
  CreateObject,
  fromDelivery,
  holdsText,
  PlanRequest,
  parseHolds,
  parseTakes,
  RegisterReply,
  RegisterRequest,
  TriggerRequest,
  takesText,
  toAssignment,
  toAtoms,
  toResult,
  WireResult,
} from "../../src/wire/dynos.ts";
import { type Decoder, decoded, decoder, expectBounded, expectPlain } from "./decoder.ts";
import { inPieces, json, spoiled, spoiledText, streamOf, text } from "./hostile.ts";

const someText = text.filter((each) => each !== "");
const assignment = fc.oneof(
  fc.record({
    kind: fc.constantFrom("action", null, undefined),
    audit_id: someText,
    transition_name: someText,
    params_json: fc.option(fc.dictionary(text, json, { maxKeys: 4 })),
  }),
  fc.record({ kind: fc.constant("belief"), audit_id: someText, fluent_name: someText }),
  fc.record({ kind: fc.constant("cancel"), audit_id: someText, reason: text }),
);
const atomText = fc.constantFrom("at(a)", "at(a, b)", "free", "free()", " at( 'a' ) ", "at(", "");
const result = fc.record({
  audit_id: someText,
  success: fc.boolean(),
  message: text,
  telemetry: json,
  observed_state: fc.oneof(
    fc.constant(null),
    fc.dictionary(fc.oneof(atomText, text), fc.boolean(), { maxKeys: 3 }),
    fc.array(fc.oneof(atomText, text), { maxLength: 3 }),
  ),
  is_unchecked: fc.boolean(),
  exclusive_fluents: fc.array(text, { maxLength: 3 }),
});

const whole = { maxBytes: 1_000_000, via: "servant-1" };
/** A poll's answer as it was read to its end. */
function answered(body: string) {
  return readAnswer(
    { text: body, bytes: body.length, auditId: undefined },
    whole.via,
    whole.maxBytes,
  );
}

const pollAnswers = decoder("poll answers", 200, spoiledText(spoiled(assignment)), (body) => {
  const directive = answered(body);
  expectBounded(directive, body.length);
  if (directive.type !== "assign") {
    expect(["malformed", "cancel"]).toContain(directive.type);
    return;
  }
  const { assignment: taken } = directive;
  expect(taken.auditId).not.toBe("");
  expect(isNestedWithin(taken as unknown as Json)).toBe(true);
  if (taken.kind === "action") {
    expectPlain(taken.params);
    for (const value of Object.values(taken.params)) expect([null, "None"]).not.toContain(value);
  }
  // Read back from the journal it is the same: an audit id that comes again is known by it.
  expect(sameContent(JSON.parse(JSON.stringify(taken)), taken)).toBe(true);
});

const roundTrips = decoder("assignments and back", 40, assignment, (body) => {
  const taken = toAssignment(JSON.parse(JSON.stringify(body)));
  if (body.kind === "cancel") return;
  expect(taken?.auditId).toBe(JSON.parse(JSON.stringify(body.audit_id)));
  if (taken?.kind !== "action" || !("params_json" in body)) return;
  // A member that would name the prototype of whoever copies it carelessly is left out.
  const given = Object.entries(body.params_json ?? {}).filter(
    ([key, value]) => key !== "__proto__" && value !== null && value !== "None",
  );
  expect(JSON.stringify(taken.params)).toBe(JSON.stringify(Object.fromEntries(given)));
});

/** What headers may say of a body beside what is true: the runtime refuses any other lie itself. */
const stated = fc.constantFrom("nothing", "its length", "chunks", "chunks and too little");
const pieces = fc.record({
  body: spoiledText(spoiled(assignment)),
  padding: fc.constantFrom(0, 0, 10, 1_000),
  cuts: fc.array(fc.nat(5_000), { maxLength: 5 }),
  stated,
  maxBytes: fc.constantFrom(0, 1, 40, 200, 2_000),
});
type Pieces = typeof pieces extends fc.Arbitrary<infer T> ? T : never;

function response({ body, padding, cuts, stated: says }: Pieces): [Uint8Array, Response] {
  const bytes = new TextEncoder().encode(body + " ".repeat(padding));
  const headers = {
    ...(says === "its length" ? { "content-length": `${bytes.length}` } : {}),
    ...(says.startsWith("chunks") ? { "transfer-encoding": "chunked" } : {}),
    ...(says === "chunks and too little" ? { "content-length": "1" } : {}),
  };
  return [bytes, new Response(streamOf(inPieces(bytes, cuts)), { headers })];
}
const bodies = decoder("bodies in pieces", 50, pieces, async (input) => {
  const [bytes, given] = response(input);
  const read = await readBounded(given, input.maxBytes);
  // Whatever its header says: not more is kept than may be, and all of what may be.
  expect(read.text !== undefined).toBe(bytes.length <= input.maxBytes);
  if (read.text !== undefined) expect(read.text).toBe(new TextDecoder().decode(bytes));
  if (read.auditId !== undefined) expect(read.auditId.length).toBeLessThanOrEqual(1_024);
  const start = await readStart(response(input)[1], input.maxBytes);
  // It stops at the piece that reaches the limit, of which it keeps no more than the limit.
  expect(start.length).toBeLessThanOrEqual(2 * input.maxBytes);
});

const auditIds = decoder(
  "audit ids of bodies over the limit",
  50,
  fc.record({ body: spoiled(assignment), cuts: fc.array(fc.nat(500), { maxLength: 3 }) }),
  async ({ body, cuts }) => {
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    const given = new Response(streamOf(inPieces(bytes, cuts)));
    const { auditId } = await readBounded(given, 0);
    const own = (JSON.parse(new TextDecoder().decode(bytes)) as { audit_id?: unknown }).audit_id;
    // The object's own, whatever stands in its parameters; none when it is no short text.
    const isTold = typeof own === "string" && JSON.stringify(own).length <= 1_024;
    if (isTold) expect(auditId).toBe(own);
    else if (typeof own !== "string") expect(auditId).toBeUndefined();
  },
);

const registrations = decoder(
  "registrations",
  40,
  fc.tuple(
    spoiled(fc.record({ servant_id: text })),
    spoiled(
      fc.record({
        transitions: fc.array(text, { maxLength: 3 }),
        beliefs: fc.option(fc.array(text, { maxLength: 3 })),
        domain_modules: fc.option(fc.array(text, { maxLength: 2 })),
      }),
    ),
  ),
  ([reply, request]) => {
    const { data } = RegisterReply.safeParse(reply);
    if (data !== undefined) expect(data.servant_id).not.toBe("");
    const { data: asked } = RegisterRequest.safeParse(request);
    if (asked !== undefined) expect(asked.beliefs).toBeArray();
  },
);

const requests = decoder(
  "requests of clients",
  40,
  spoiled(
    fc.record({
      start: fc.array(text, { maxLength: 3 }),
      goal: fc.array(atomText, { maxLength: 3 }),
      state: json,
      relax: fc.boolean(),
      time_budget_s: fc.double(),
      action: text,
      params: fc.option(fc.dictionary(text, json, { maxKeys: 3 })),
      type: text,
      name: text,
    }),
  ),
  (body) => {
    for (const schema of [...Object.values(AtomsOf), PlanRequest, TriggerRequest, CreateObject]) {
      schema.safeParse(body);
    }
    const { data } = AtomsOf.goal.safeParse(body);
    if (data !== undefined) decoded(() => toAtoms(data.goal));
  },
);

const results = decoder("results", 80, spoiled(result), (body) => {
  const { data } = WireResult.safeParse(body);
  const taken = data && decoded(() => toResult(data));
  if (taken === undefined) return;
  expectBounded(taken, JSON.stringify(body).length);
  // Sent on and read once more, it is the same.
  const sent = fromDelivery({ key: keyOf(taken.auditId), kind: "belief", result: taken, via: "" });
  const again = toResult(WireResult.parse(JSON.parse(JSON.stringify(sent))));
  const shown = ({ auditId, success, message, exclusive, unchecked }: typeof taken) =>
    JSON.stringify({ auditId, success, message: message.slice(-50), exclusive, unchecked });
  expect(shown(again)).toBe(shown(taken));
});

const headers = decoder(
  "headers of cancels",
  30,
  fc.record({ header: text, ids: fc.array(text, { maxLength: 20 }) }),
  ({ header, ids }) => {
    const takes = parseTakes(header);
    if (takes !== undefined) expect(parseTakes(takesText(takes))).toEqual(takes);
    expectBounded([...(parseHolds(header) ?? [])], header.length);
    const sent = holdsText(ids as AuditId[]);
    expect(sent).toMatch(/^[\x20-\x7e]*$/);
    for (const id of parseHolds(sent) ?? [])
      expect(ids.map((each) => each.toWellFormed())).toContain(id);
  },
);

const name = fc.constantFrom("room", "at", "go", "a.b", "1x", "", "__proto__");
const args = fc.array(fc.record({ name, type: name }), { maxLength: 2 });
const domains = decoder(
  "domains",
  50,
  spoiled(
    fc.record({
      name,
      modules: fc.array(text, { maxLength: 2 }),
      types: fc.array(
        fc.record({ name, fields: fc.dictionary(text, fc.constantFrom("number", "json", "odd")) }),
        { maxLength: 2 },
      ),
      fluents: fc.array(fc.record({ name, args, default: fc.boolean() }), { maxLength: 2 }),
      transitions: fc.array(
        fc.record({
          name,
          params: args,
          preconditions: fc.array(fc.oneof(atomText, text, fc.record({ not: atomText })), {
            maxLength: 2,
          }),
          adds: fc.array(fc.oneof(atomText, text), { maxLength: 2 }),
        }),
        { maxLength: 2 },
      ),
    }),
  ),
  (body) => {
    const { data } = DomainFile.safeParse(body);
    if (data !== undefined)
      expect(DomainFile.parse(JSON.parse(JSON.stringify(data)))).toEqual(data);
  },
);

const snapshot = fc.record({
  version: fc.constantFrom(1, 1, 1, 2),
  objects: fc.array(fc.record({ name: text, type: text, fields: fc.dictionary(text, json) }), {
    maxLength: 2,
  }),
  set: fc.array(fc.tuple(fc.oneof(atomText, text), fc.boolean()), { maxLength: 3 }),
  goal: fc.array(atomText, { maxLength: 2 }) as fc.Arbitrary<Atom[]>,
  servants: fc.array(
    fc.record({ id: text, transitions: fc.array(text), fluents: fc.array(text) }),
    { maxLength: 2 },
  ),
});
const snapshots = decoder("snapshots", 50, spoiledText(spoiled(snapshot)), async (saved) => {
  const store = memoryStore();
  try {
    await store.write(changesOfSnapshot(saved));
  } catch (cause) {
    expect(cause instanceof SyntaxError || cause instanceof z.core.$ZodError).toBe(true);
    return;
  }
  // What was taken over is read back as it was.
  const { objects, atoms, servants, unreadable } = readKept(store);
  expect(unreadable).toEqual([]);
  const was = JSON.parse(saved) as { objects: Named[]; set: [string, boolean][]; servants: Json[] };
  const names = new Set(was.objects.map(({ name }) => name));
  expect(new Set(objects.map(({ name }) => name))).toEqual(names);
  expect(new Map(atoms)).toEqual(new Map(was.set));
  expect(servants.length).toBeLessThanOrEqual(was.servants.length);
});
interface Named {
  readonly name: string;
}

export const wire: readonly Decoder[] = [
  pollAnswers,
  roundTrips,
  bodies,
  auditIds,
  registrations,
  requests,
  results,
  headers,
  domains,
  snapshots,
];
