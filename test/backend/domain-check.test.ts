/** What `agent domain check` says of a vocabulary: all of it, with places. */
import { expect, test } from "bun:test";
import { domainProblems, domainWarnings } from "../../src/backend/domain-check.ts";
import type { Domain, Problem } from "../../src/core/domain.ts";
import type { Json } from "../../src/core/json.ts";
import { domain, fluent, objectType, transition } from "../../src/core/vocabulary.ts";
import { adaptiveResampling } from "../../src/domains/adaptive-resampling.ts";
import { sentry } from "../../src/domains/sentry.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import { DomainFile } from "../../src/wire/domain.ts";

/** Rooms that a thing is in, with what the test wants beside it. */
function vocabulary(parts: { readonly [member: string]: Json }): Domain {
  const go = {
    name: "go",
    params: [
      { name: "from", type: "room" },
      { name: "to", type: "room" },
    ],
    preconditions: ["at(?from)"],
    adds: ["at(?to)"],
    removes: ["at(?from)"],
  };
  return DomainFile.parse({
    name: "rooms",
    types: [{ name: "room", fields: { size: "number" } }],
    fluents: [{ name: "at", args: [{ name: "where", type: "room" }] }],
    transitions: [go, ...((parts.transitions ?? []) as Json[])],
    objects: parts.objects ?? [],
  });
}
const lines = (problems: readonly Problem[]) =>
  problems.map(({ place, reason }) => `${place}: ${reason}`);

test.each([warehouse, sentry, adaptiveResampling])(
  "the vocabulary that is brought along has no mistake: $name",
  (own) => expect(domainProblems(own, [])).toEqual([]),
);

test("every mistake is told, with its place and the nearest name", () => {
  const rooms = vocabulary({
    transitions: [
      {
        name: "look",
        params: [{ name: "where", type: "rom" }],
        preconditions: [{ not: { or: ["att(?where)", "at"] } }],
        adds: ["at(?were)"],
        effects: [{ when: "at(?where)", removes: ["seen"] }],
      },
      { name: "tour", script: [{ transition: "go", parameters: { form: "?a", to: "x" } }] },
    ],
    objects: [
      { name: "hall", type: "roof" },
      { name: "room", type: "room" },
    ],
  });
  expect(lines(domainProblems(rooms, []))).toEqual([
    'transitions[1].params[0].type: type "rom" is not declared; nearest is "room"',
    'transitions[1].preconditions[0]: fluent "att" is not declared; nearest is "at"',
    'transitions[1].preconditions[0]: "at" has 0 arguments, not 1',
    'transitions[1].adds[0]: "?were" in "at(?were)" is no parameter; nearest is "?where"',
    'transitions[1].effects[0].when: "at(?where)" is given (rom): at(room)',
    'transitions[1].effects[0].removes[0]: fluent "seen" is not declared; known: at',
    'transitions[2].script[0]: the "go" of its script has no parameter "form"; nearest is "from"',
    'objects[0].type: type "roof" is not declared; nearest is "room"',
    'objects[1].name: a type has the name "room"',
  ]);
});

test("what it uses of another is no mistake, what contradicts it is", () => {
  const hoist = DomainFile.parse({
    name: "hoist",
    transitions: [{ name: "hoist", params: [{ name: "what", type: "box" }], adds: ["hands_free"] }],
  });
  expect(domainProblems(hoist, [warehouse])).toEqual([]);
  expect(domainProblems(hoist, [])).toHaveLength(2);
  const other = { ...hoist, types: [{ name: "box", fields: {} }] };
  expect(lines(domainProblems(other, [warehouse]))).toEqual([
    ': Cannot define type "box" twice with different content',
  ]);
});

test("what cannot have been meant is warned of", () => {
  const free = { name: "free" };
  const rooms = vocabulary({
    transitions: [
      {
        name: "odd",
        params: [
          { name: "spare", type: "room" },
          { name: "seen_from", type: "room", optional: true },
        ],
        preconditions: ["free", { not: "free" }],
        adds: ["free"],
        removes: ["free"],
      },
      {
        name: "never",
        preconditions: ["ready"],
        effects: [
          { when: { or: [{ not: "ready" }] }, adds: ["free"] },
          { when: "free", adds: ["free"], removes: ["free"] },
        ],
      },
      { name: "idle" },
    ],
    objects: [{ name: "hall", type: "room", fields: { sise: 3, size: "big" } }],
  });
  const noted = { ...rooms, fluents: [...rooms.fluents, ...more(free)] };
  expect(domainProblems(noted, [])).toEqual([]);
  expect(lines(domainWarnings(noted))).toEqual([
    'fluents[2]: no transition changes "ready()": it is what it was at the start',
    'fluents[3]: no transition reads or changes "lost()"',
    'transitions[1].params[0]: nothing depends on "spare": any room will do',
    "transitions[1].preconditions: they contradict each other: it can never apply",
    'transitions[1].removes[0]: "free" is added too, and what is added wins',
    "transitions[2].effects[0].when: it never holds when the step may start",
    'transitions[2].effects[1].removes[0]: "free" is added too, and what is added wins',
    'transitions[3]: "idle" changes nothing: a planner never takes it',
    'objects[0].fields.sise: a room has no field "sise"; nearest is "size"',
    "objects[0].fields.size: it is no number",
  ]);
});

test("an object that nothing declares is warned of: somebody may make it, or it is mistyped", () => {
  const rooms = vocabulary({
    transitions: [
      {
        name: "park",
        params: [{ name: "cart", type: "cart" }],
        preconditions: ["free(?cart)", { or: ["at(hal)", "at(hall)"] }],
        adds: ["free(cart)"],
        effects: [{ when: "at(porch)", adds: ["at(room)"] }],
        script: [{ transition: "go", parameters: { from: "hall", to: "hull" } }],
      },
    ],
    objects: [{ name: "hall", type: "room" }],
  });
  const free = { name: "free", args: [{ name: "cart", type: "cart" }], default: false };
  const parking = {
    ...rooms,
    types: [...rooms.types, { name: "cart", fields: {} }],
    fluents: [...rooms.fluents, free],
  };
  const porch = { name: "porch", type: "room", fields: {} };
  const house = { ...rooms, name: "house", fluents: [], transitions: [], objects: [porch] };
  expect(domainProblems(parking, [house])).toEqual([]);
  const told = lines(domainWarnings(parking, [house])).filter((line) => line.includes("object"));
  expect(told).toEqual([
    'transitions[1].preconditions[1]: no object "hal" is declared; nearest is "hall"',
    'transitions[1].adds[0]: no object "cart" is declared; nearest is "?cart"',
    'transitions[1].effects[0].adds[0]: no object "room" is declared; known: ?cart, porch, hall',
    'transitions[1].script[0]: no object "hull" is declared; nearest is "hall"',
  ]);
});

test("what the backend and code see to is not warned of", () => {
  const room = objectType("room");
  const legs = () => ({ objects: [], steps: [] });
  const fly = transition("fly", { params: { room }, script: { legs } });
  const noEntry = fluent("no_entry", { room });
  expect(domainWarnings(domain("sky", { transitions: [fly], fluents: [noEntry] }))).toEqual([]);
});

test("alternatives that multiply beyond reason are left unread", () => {
  const either = { or: ["free", "ready", "lost"] };
  const preconditions = Array.from({ length: 40 }, () => either);
  const rooms = vocabulary({ transitions: [{ name: "wide", preconditions, adds: ["at(hall)"] }] });
  const noted = { ...rooms, fluents: [...rooms.fluents, ...more({ name: "free" })] };
  expect(lines(domainWarnings(noted)).filter((line) => line.includes("never apply"))).toEqual([]);
});

/** Fluents without arguments. */
function more(first: { readonly name: string }): Domain["fluents"] {
  return [first, { name: "ready" }, { name: "lost" }].map(({ name }) => ({
    ...{ name, args: [], default: false },
  }));
}
