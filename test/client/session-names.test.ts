import { expect, test } from "bun:test";
import fc from "fast-check";
import { isSessionId, namedSession } from "../../src/client/session-names.ts";
import { ServantError } from "../../src/core/errors.ts";

const ID = "3f2a9c1e-5b7d-4a53-9d8e-0c1b2a394857";
const OTHER = "3f2a9c1e-0000-4a53-9d8e-0c1b2a394857";
const sessions = [
  { session_id: ID, label: "survey" },
  { session_id: OTHER, label: "survey" },
  { session_id: "aaaa0000-5b7d-4a53-9d8e-0c1b2a394857", label: "3f2a9c1e-5" },
  { session_id: "bbbb0000-5b7d-4a53-9d8e-0c1b2a394857", label: null },
];

test.each([
  [ID, 0],
  ["3f2a9c1e-0", 1],
  ["3F2A9C1E-0", 1],
  ["3f2a9c1e-5", 2], // a label goes before the beginning of an id
  ["bbbb", 3],
])("namedSession() finds %j", (name, at) => {
  expect(namedSession(sessions, name)).toBe(sessions[at]);
});

test.each(["bbb", "", "surve", "cccc"])("namedSession() knows no %j", (name) => {
  expect(namedSession(sessions, name)).toBeUndefined();
});

test.each(["survey", "3f2a"])("namedSession() does not choose for %j: it lists the ids", (name) => {
  expect(() => namedSession(sessions, name)).toThrow(ServantError);
  for (const id of [ID, OTHER]) expect(() => namedSession(sessions, name)).toThrow(id);
});

// Whatever they are called: what is found is what was named, and nothing else was meant as well.
test("namedSession() never picks one of several", () => {
  const named = fc.record({
    session_id: fc.uuid(),
    label: fc.option(fc.constantFrom("a", "survey", "00000000")),
  });
  fc.assert(
    fc.property(
      fc.array(named, { maxLength: 6 }),
      fc.constantFrom("a", "survey", "0000", "zz"),
      (all, name) => {
        const isMeant = (each: (typeof all)[number]) =>
          each.session_id.startsWith(name) || each.label === name;
        try {
          const found = namedSession(all, name);
          if (found !== undefined) expect(isMeant(found)).toBe(true);
          else expect(all.filter(({ label }) => label === name)).toEqual([]);
        } catch (cause) {
          expect(cause).toMatchObject({ code: "session.ambiguous" });
          expect(all.filter(isMeant).length).toBeGreaterThan(1);
        }
      },
    ),
  );
});

test("isSessionId() takes whole ids alone", () => {
  expect([ID, ID.slice(1), "survey", `${ID}/..`].map(isSessionId)).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
