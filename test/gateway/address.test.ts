/** Which session an address names: one reading, and none that leads elsewhere. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { addressOf, sessionOf } from "../../src/gateway/address.ts";

const ID = "0b0e7f0e-0000-4000-8000-000000000001";

test("sessionOf() finds the id and leaves the session's own address as it came", () => {
  const rests = {
    [`/s/${ID}`]: "/",
    [`/s/${ID}?a=b`]: "/?a=b",
    [`/s/${ID}/`]: "/",
    [`/s/${ID}/health`]: "/health",
    [`/s/${ID}//health`]: "//health",
    [`/s/${ID}/objects/a%2Fb%5c?x=/../y`]: "/objects/a%2Fb%5c?x=/../y",
    [`/s/${ID}/s/other/health`]: "/s/other/health",
  };
  for (const [address, rest] of Object.entries(rests)) {
    expect(sessionOf(address), address).toEqual({ id: ID, rest });
  }
});

test("sessionOf() reads an id in one way only", () => {
  expect(sessionOf("/s//health")).toEqual({ id: "", rest: "/health" });
  expect(sessionOf(`/s/${ID};a/health`)?.id).toBe(`${ID};a`);
  expect(sessionOf(`/s/${ID}%2fhealth`)?.id).toBe(`${ID}%2fhealth`);
  expect(sessionOf(`/s/%30${ID.slice(1)}/health`)?.id).not.toBe(ID);
  for (const own of ["/", "/s", "/sessions", `//s/${ID}/`, `/S/${ID}/`, `/x/s/${ID}/`]) {
    expect(sessionOf(own), own).toBeUndefined();
  }
});

test("addressOf() refuses what could be read in two ways", () => {
  for (const path of [
    "/s/a/../b",
    "/s/a/%2e%2E/b",
    "/./s",
    "/s/..",
    "/a\\b",
    "/a b",
    "/a#b",
    "/\0",
    "/ä",
    "",
  ]) {
    expect(() => addressOf({ url: path.startsWith("/") ? path : `http://h${path}` }), path).toThrow(
      "its path is not plain",
    );
  }
  expect(addressOf({ url: "https://h:1/s/..a/.b/c..?/../" })).toBe("/s/..a/.b/c..?/../");
  expect(addressOf({ url: "/health" })).toBe("/health");
});

// Goal: whatever a client writes, what goes to a session's process is below that session's own root,
// and the id is exactly the segment after /s/.
test("no address of one session is ever that of another", () => {
  const piece = fc.constantFrom(
    "..",
    "%2e%2e",
    ".",
    "%2f",
    "%5c",
    "/",
    "//",
    ";",
    "s",
    "a",
    "%00",
    "%252e",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const url = `http://h/s/${ID}/${pieces.join("")}`;
      let address: string;
      try {
        address = addressOf({ url });
      } catch {
        return; // refused
      }
      const to = sessionOf(address);
      expect(to?.id).toBe(ID);
      expect(new URL(`http://h${to?.rest}`).pathname.split("/")).not.toContain("..");
      expect(`/s/${to?.id}${to?.rest}`).toBe(address);
      // Resolving the path changes nothing: there is one reading.
      expect(new URL(url).pathname).toBe(address);
    }),
  );
});
