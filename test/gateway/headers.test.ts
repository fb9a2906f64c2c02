/** What headers pass the gateway, and what it says by itself. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { GATEWAY_SECRET_HEADER } from "../../src/core/gateway.ts";
import { inward, outward, refuseAmbiguous } from "../../src/gateway/headers.ts";

const to = { id: "an-id", port: 8_500, secret: "ours" };

/** As the session's process would read them. */
function inside(headers: Record<string, string>): Headers {
  const lines = inward(new Headers(headers), to, "192.0.2.7").trimEnd().split("\r\n");
  return new Headers(
    lines.map((line): [string, string] => [
      line.slice(0, line.indexOf(":")),
      line.slice(line.indexOf(":") + 2),
    ]),
  );
}

test("inward() lets no client speak for the gateway", () => {
  const headers = inside({
    Host: "gateway.example:8421",
    Origin: "https://gateway.example:8421",
    Authorization: "Bearer theirs",
    Cookie: "a=b",
    Forwarded: "for=1.2.3.4",
    "X-Real-IP": "1.2.3.4",
    "X-Forwarded-For": "1.2.3.4",
    "X-Forwarded-Whatever": "x",
    [GATEWAY_SECRET_HEADER]: "forged",
    Connection: "keep-alive, X-Mine, Host",
    "X-Mine": "1",
    "Keep-Alive": "timeout=5",
    Expect: "100-continue",
    TE: "trailers",
    Upgrade: "h2c",
    "X-Requested-With": "dynos",
    Accept: "*/*",
  });
  expect(Object.fromEntries(headers)).toEqual({
    host: "127.0.0.1:8500",
    origin: "http://127.0.0.1:8500",
    [GATEWAY_SECRET_HEADER]: "ours",
    "x-forwarded-for": "192.0.2.7",
    "x-forwarded-prefix": "/s/an-id",
    "x-requested-with": "dynos",
    accept: "*/*",
  });
});

test("outward() shows nothing of the connection inside, nor a cookie for all sessions", () => {
  const shown = outward(
    [
      ["content-type", "application/json"],
      ["connection", "close, X-Inside"],
      ["x-inside", "1"],
      ["keep-alive", "5"],
      ["transfer-encoding", "chunked"],
      ["content-length", "3"],
      ["date", "then"],
      ["set-cookie", "a=b"],
      [GATEWAY_SECRET_HEADER, "ours"],
      ["x-session-expires-in", "99999"],
      ["etag", "e"],
    ],
    12.9,
    false,
  );
  expect(shown).toEqual([
    ["x-session-expires-in", "12"],
    ["content-type", "application/json"],
    ["etag", "e"],
  ]);
  expect(outward([["content-length", "3"]], 0, true)).toContainEqual(["content-length", "3"]);
});

test("the secret is never what a client sent, however the header is written", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.array(fc.boolean()), (value, cases) => {
      const name = [...GATEWAY_SECRET_HEADER]
        .map((each, at) => (cases[at] ? each.toUpperCase() : each))
        .join("");
      const written = { [name]: encodeURIComponent(value), Connection: name };
      expect(inside(written).get(GATEWAY_SECRET_HEADER)).toBe("ours");
    }),
  );
});

const request = (headers: Record<string, string>, method = "POST") => ({
  method,
  headers: new Headers(headers),
});

test("refuseAmbiguous() refuses what two readers could read in two ways", () => {
  const refused: readonly (readonly [Record<string, string>, string?])[] = [
    [{ "content-length": "3, 3" }],
    [{ "content-length": "+3" }],
    [{ "content-length": "0x3" }],
    [{ "content-length": "3", "transfer-encoding": "chunked" }],
    [{ "transfer-encoding": "gzip, chunked" }],
    [{ "transfer-encoding": "xchunked" }],
    [{ host: "a, b" }],
    [{ host: "a/s/b" }],
    [{ host: "a?b" }],
    [{ host: "user@a" }],
    [{ authorization: "Bearer a, Bearer b" }],
    [{}, "CONNECT"],
    [{}, "TRACE"],
  ];
  for (const [headers, method] of refused) {
    const shown = `${method ?? ""} ${JSON.stringify(headers)}`;
    expect(() => refuseAmbiguous(request(headers, method)), shown).toThrow(
      "Cannot serve this request",
    );
  }
  expect(() => refuseAmbiguous(request({ host: "a", origin: "https://b" }))).toThrow("page of");
  expect(() => refuseAmbiguous(request({ host: "a", origin: "null" }))).toThrow("page of");
});

test("refuseAmbiguous() lets in what clients send", () => {
  for (const host of [
    "localhost:8421",
    "127.0.0.1",
    "[::1]:8421",
    "plan.example.com",
    "a_b",
    "h.",
  ]) {
    refuseAmbiguous(request({ host, "content-length": "12", authorization: "Bearer a" }));
    refuseAmbiguous(request({ host, origin: `https://${host}`, "transfer-encoding": "Chunked" }));
  }
  refuseAmbiguous(request({}, "GET"));
});
