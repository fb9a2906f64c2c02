import { expect, test } from "bun:test";
import type { ConfigRead, Login } from "../../src/client/config-file.ts";
import { LOCAL_BACKEND, resolveTarget, type TargetChoice } from "../../src/client/target.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { Target } from "../../src/wire/connection.ts";

const TOKEN = "0123456789abcdef";
const CACHED: Login = {
  backendUrl: "https://plan.example.com",
  token: TOKEN,
  defaultSession: "s1",
};

function resolve(
  choice: TargetChoice,
  login: Login,
  env: Readonly<Record<string, string>> = {},
): Target {
  const read: ConfigRead = { path: "/home/a/.dynos/config.json", login, warnings: [] };
  return resolveTarget(
    choice,
    env,
    () => read,
    () => {},
  );
}

test("resolveTarget() is this machine's backend when nothing else is said", () => {
  expect(resolve({}, {})).toEqual({ url: LOCAL_BACKEND });
  expect(resolve({ attachToken: "config-only" }, {})).toEqual({ url: LOCAL_BACKEND });
});

test("resolveTarget() is where the person is logged in", () => {
  const expected = { url: "https://plan.example.com", token: TOKEN, session: "s1" };
  expect(resolve({}, CACHED)).toEqual(expected);
  expect(resolve({ attachToken: "config-only" }, CACHED)).toEqual(expected);
  expect(resolve({ session: "s2" }, CACHED)).toEqual({ ...expected, session: "s2" });
});

test.each(["https://other.example.com", "https://plan.example.com:8443", "localhost:8421"])(
  "resolveTarget() sends the cached token nowhere else: %s",
  (to) => {
    const target = resolve({ to }, CACHED);
    expect(target.token).toBeUndefined();
    expect(target.session).toBeUndefined();
  },
);

test("resolveTarget() sends the cached token to its own backend, however that is written", () => {
  for (const to of ["https://plan.example.com", "https://PLAN.example.com:443/"]) {
    expect(resolve({ to }, CACHED)).toMatchObject({ token: TOKEN, session: "s1" });
  }
});

test("resolveTarget() never sends the cached token along with connect --to", () => {
  const choice = { to: "https://plan.example.com", attachToken: "config-only" } as const;
  expect(resolve(choice, CACHED)).toEqual({ url: "https://plan.example.com" });
  expect(resolve({ ...choice, session: "s2" }, CACHED).session).toBe("s2");
});

test("resolveTarget() never picks a session: a token without one is an error with three ways", () => {
  const { defaultSession: _none, ...login } = CACHED;
  for (const choice of [{}, { to: "https://plan.example.com" }]) {
    for (const way of ["session list", "session swap NAME", "session create"]) {
      expect(() => resolve(choice, login)).toThrow(way);
    }
  }
  expect(resolve({ session: "s2" }, login)).toMatchObject({ token: TOKEN, session: "s2" });
});

test("resolveTarget() refuses http to another machine, unless told otherwise", () => {
  const choice = { to: "http://plan.example.com" };
  expect(() => resolve(choice, {})).toThrow("http to another machine");
  expect(resolve(choice, {}, { DYNOS_ALLOW_HTTP: "1" }).url).toBe("http://plan.example.com");
  expect(() => resolve({}, { backendUrl: "http://plan.example.com" })).toThrow(ServantError);
});

test("resolveTarget() does without a bad config file only when the backend was named", () => {
  const bad = () => {
    throw new ServantError("config.invalid", "others can read it");
  };
  const warned: string[] = [];
  const warn = (line: string) => void warned.push(line);
  expect(resolveTarget({ to: "localhost:1" }, {}, bad, warn)).toEqual({
    url: "http://localhost:1",
  });
  expect(warned).toEqual(["others can read it"]);
  expect(() => resolveTarget({}, {}, bad, warn)).toThrow("others can read it");
});

test("resolveTarget() passes on what the config file's reader warns of", () => {
  const warned: string[] = [];
  resolveTarget(
    {},
    {},
    () => ({ path: "", login: {}, warnings: ["not JSON"] }),
    (line) => {
      warned.push(line);
    },
  );
  expect(warned).toEqual(["not JSON"]);
});
