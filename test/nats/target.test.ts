import { expect, test } from "bun:test";
import { isNatsUrl, natsTarget } from "../../src/nats/target.ts";

test("natsTarget() reads several servers, from options with commas or from NATS_SERVERS", () => {
  const target = natsTarget({ servers: ["nats://a:5000, nats://b", "c:1"] }, {});
  expect(target).toEqual({ servers: ["a:5000", "b:4222", "c:1"], isTls: false });
  const env = { NATS_SERVERS: "tls://a,tls://b:1", NATS_CA: "ca.pem", NATS_USER: "" };
  expect(natsTarget({}, env)).toEqual({
    servers: ["a:4222", "b:1"],
    isTls: true,
    caFile: "ca.pem",
  });
  expect(natsTarget({ servers: ["nats://[::1]:4333"] }, env).servers).toEqual(["[::1]:4333"]);
});

test("natsTarget() takes a login from options before the URL, and from that before the environment", () => {
  const env = { NATS_USER: "env", NATS_PASSWORD: "e", NATS_TOKEN: "t" };
  expect(natsTarget({ servers: ["nats://ana:p%40ss@h"] }, env)).toMatchObject({
    user: "ana",
    password: "p@ss",
  });
  const named = { servers: ["nats://ana:secret@h"], user: "bob", password: "b" };
  expect(natsTarget(named, env)).toMatchObject({ user: "bob", password: "b" });
  expect(natsTarget({ servers: ["nats://abc@h"] }, {})).toMatchObject({ token: "abc" });
  expect(natsTarget({ servers: ["h"] }, env)).toMatchObject({ user: "env", token: "t" });
});

test("natsTarget() refuses mixed TLS, other schemes and no server at all, and keeps passwords to itself", () => {
  expect(() => natsTarget({ servers: ["nats://a", "tls://b"] }, {})).toThrow("mixed");
  expect(() => natsTarget({}, {})).toThrow("no server is named");
  expect(() => natsTarget({ servers: ["http://a"] }, {})).toThrow("no nats:// or tls:// URL");
  expect(() => natsTarget({ servers: ["nats:/a:4222"] }, {})).toThrow("no nats:// or tls:// URL");
  for (const text of ["ws://u:secret@a", "nats://u:secret@a:99999999"]) {
    const refuse = () => natsTarget({ servers: [text] }, {});
    expect(refuse).toThrow(/^(?!.*secret).*$/);
  }
});

test("isNatsUrl() tells NATS from http", () => {
  expect(
    ["nats://h", " TLS://h", "nats:/h", "http://h", "h:4222", "nats:4222"].map(isNatsUrl),
  ).toEqual([...[true, true, true, false, false, false]]);
});
