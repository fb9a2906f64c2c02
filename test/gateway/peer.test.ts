/** Whom a request comes from. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { isServantError } from "../../src/core/errors.ts";
import { clientAddress, networkOf, trusted } from "../../src/gateway/peer.ts";

const nobody = trusted([]);
const ours = trusted(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);
const stranger = fc.ipV4().filter((each) => !ours(each));

test("without a trusted proxy nobody speaks for others", () => {
  fc.assert(
    fc.property(stranger, fc.oneof(fc.string(), fc.ipV4()), (peer, forwarded) => {
      expect(clientAddress(peer, forwarded, nobody)).toBe(peer);
      expect(clientAddress(peer, forwarded, ours)).toBe(peer);
    }),
  );
});

test("behind trusted proxies the client is whom the outermost was asked by, whatever it wrote", () => {
  const proxies = fc.array(fc.constantFrom("10.1.2.3", " 10.9.9.9", "fd00::1", "[fd00::2]:443"), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(fc.string({ maxLength: 50 }), stranger, proxies, (written, client, hops) => {
      const forwarded = [written, client, ...hops].join(",");
      expect(clientAddress("127.0.0.1", forwarded, ours)).toBe(client);
      expect(clientAddress("::ffff:127.0.0.1", `${written},${client}:50123`, ours)).toBe(client);
    }),
  );
});

test("what says no address leaves the last that is known", () => {
  for (const forwarded of [null, "", "unknown", "evil, ", "1.2.3", "::g", "x".repeat(100_000)]) {
    expect(clientAddress("10.1.2.3", forwarded, ours)).toBe("10.1.2.3");
  }
  expect(clientAddress("::1%eth0", null, nobody)).toBe("::1");
});

test("one IPv6 network counts as one, however its addresses are written", () => {
  const group = fc.integer({ min: 0, max: 0xffff });
  const groups = fc.array(group, { minLength: 8, maxLength: 8 });
  const hex = (all: readonly number[]) => all.map((each) => each.toString(16));
  fc.assert(
    fc.property(groups, fc.array(group, { minLength: 4, maxLength: 4 }), (one, rest) => {
      const network = `${hex(one.slice(0, 4)).join(":")}::/64`;
      const long = one.map((each) => each.toString(16).padStart(4, "0").toUpperCase()).join(":");
      expect(networkOf(long)).toBe(network);
      expect(networkOf(hex([...one.slice(0, 4), ...rest]).join(":"))).toBe(network);
      expect(networkOf(`${hex(one.slice(0, 4)).join(":")}::1`)).toBe(network);
      const [a = 0, b = 0] = rest;
      const ipv4 = [a >> 8, a & 255, b >> 8, b & 255].join(".");
      expect(networkOf(`${hex(one.slice(0, 6)).join(":")}:${ipv4}`)).toBe(network);
    }),
  );
  expect([networkOf("::1"), networkOf("::")]).toEqual(["0:0:0:0::/64", "0:0:0:0::/64"]);
  expect(networkOf("192.0.2.7")).toBe("192.0.2.7");
  expect(networkOf("2001:db8:0:1::7")).not.toBe(networkOf("2001:db8:0:2::7"));
});

test("trusted() refuses what is no address and no subnet", () => {
  for (const bad of ["proxy.example", "10.0.0.0/33", "10.0.0.0/x", "", "::/129", "10.0.0.0/"]) {
    let code: string | undefined;
    try {
      trusted([bad]);
    } catch (cause) {
      code = isServantError(cause) ? cause.code : String(cause);
    }
    expect(code, bad).toBe("usage.invalid");
  }
});
