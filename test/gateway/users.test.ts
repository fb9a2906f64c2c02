/** Who may log in, as the users file has it. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { isServantError, ServantError } from "../../src/core/errors.ts";
import { readUsers, Users } from "../../src/gateway/users.ts";

/** A salt and a digest of some password. */
const PATH = "/etc/login.json";
const REST = "7bAUO.HbOD8uUXd.cPvuSOBwrlJn2JhhXivYqYoX6mPfbkgJ1SEGm";
const hash = (cost: number, spelling = "b") =>
  `$2${spelling}$${String(cost).padStart(2, "0")}$${REST}`;

function file(...texts: (string | undefined | ServantError)[]) {
  return {
    path: "login.json",
    readIfChanged() {
      const text = texts.shift();
      if (text instanceof ServantError) throw text;
      return text;
    },
  };
}

function codeOf(act: () => unknown): string {
  try {
    act();
    return "none";
  } catch (cause) {
    return isServantError(cause) ? `${cause.code}: ${cause.message}` : String(cause);
  }
}

test("readUsers() takes every spelling of bcrypt, and a user without a role for a user", () => {
  const name = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" });
  const entry = fc.record(
    {
      password_hash: fc
        .tuple(fc.integer({ min: 4, max: 20 }), fc.constantFrom("a", "b", "y"))
        .map(([cost, spelling]) => hash(cost, spelling)),
      role: fc.constantFrom("user" as const, "admin" as const),
      display_name: fc.string(),
      email: fc.string(),
    },
    { requiredKeys: ["password_hash"] },
  );
  fc.assert(
    fc.property(fc.dictionary(name, entry, { noNullPrototype: true }), (users) => {
      const read = readUsers(JSON.stringify({ users }), PATH);
      const names = Object.keys(users).filter((each) => each !== "__proto__");
      expect([...read.keys()].filter((each) => each !== "__proto__").sort()).toEqual(names.sort());
      for (const each of names) {
        const { role = "user", password_hash: passwordHash } = users[each] ?? {};
        const cost = Number(passwordHash?.slice(4, 6));
        expect(read.get(each)).toEqual({ username: each, role, passwordHash, cost } as never);
      }
    }),
  );
});

test("readUsers() names what is wrong, and never the hash", () => {
  const bad = (users: unknown) => codeOf(() => readUsers(JSON.stringify(users), PATH));
  const unusable = 'gateway.bad-users: Cannot use users file "/etc/login.json": ';
  expect(codeOf(() => readUsers("{", PATH))).toStartWith(unusable);
  expect(bad([])).toBe(`${unusable}not of type object`);
  expect(bad({ alice: {} })).toBe(`${unusable}users: not of type object`);
  expect(bad({ users: { bob: {} } })).toBe(
    `${unusable}users.bob.password_hash: not of type string`,
  );
  const typo = bad({ users: { alice: { password_hash: "hunter2" } } });
  expect(typo).toContain("alice.password_hash");
  expect(typo).not.toContain("hunter2");
  expect(bad({ users: { bob: { password_hash: hash(12), role: "root" } } })).toContain("bob.role");
  expect(bad({ users: { "": { password_hash: hash(12) } } })).toStartWith("gateway.bad-users");
  // Nobody could log in meanwhile: 2^21 rounds and more.
  for (const cost of [3, 21, 31, 32]) {
    expect(bad({ users: { bob: { password_hash: hash(cost) } } })).toContain("bob.password_hash");
  }
  // What no tool can have written: bits that a salt or a digest does not have.
  for (const at of [28, 59]) {
    const spoilt = `${hash(12).slice(0, at)}1${hash(12).slice(at + 1)}`;
    expect(bad({ users: { bob: { password_hash: spoilt } } })).toContain("bob.password_hash");
  }
});

test("an edit that cannot be used leaves everybody as they were; the next one counts", () => {
  const one = (name: string) =>
    JSON.stringify({ users: { [name]: { password_hash: hash(4), role: "admin" } } });
  const gone = new ServantError("gateway.no-users", "Cannot let anybody in");
  const users = new Users(file(one("alice"), undefined, "{", gone, one("bob")));
  expect(users.refresh()).toBe(false);
  expect(codeOf(() => users.refresh())).toStartWith("gateway.bad-users");
  expect(codeOf(() => users.refresh())).toStartWith("gateway.no-users");
  expect(users.find("alice")?.role).toBe("admin");
  expect(users.refresh()).toBe(true);
  expect([users.find("alice"), users.find("bob")?.username]).toEqual([undefined, "bob"]);
});

test("a decoy costs what some user's hash costs, for one name always the same", () => {
  const of = (...costs: number[]) => {
    const entries = costs.map((cost, at) => [`user${at}`, { password_hash: hash(cost) }]);
    return new Users(file(JSON.stringify({ users: Object.fromEntries(entries) })));
  };
  const costsOf = (users: Users) =>
    new Set(Array.from({ length: 200 }, (_, at) => users.decoy(`nobody${at}`).slice(4, 6)));
  expect(costsOf(of(9))).toEqual(new Set(["09"]));
  expect(costsOf(of())).toEqual(new Set(["12"]));
  const mixed = of(10, 12, 12);
  expect(costsOf(mixed)).toEqual(new Set(["10", "12"]));
  expect(mixed.decoy("eve")).toBe(mixed.decoy("eve"));
});
