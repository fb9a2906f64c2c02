/** Reading answers: whole or in any pieces the same, and nothing that is not plain. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { AnswerReader } from "../../src/gateway/answer-reader.ts";

interface Read {
  readonly status: number | undefined;
  readonly headers: readonly (readonly [string, string])[] | undefined;
  readonly body: string;
  readonly isDone: boolean;
  readonly keepsLine: boolean;
}

function read(pieces: readonly Uint8Array[], method = "GET", ends = false): Read {
  const reader = new AnswerReader(method);
  const body: Uint8Array[] = [];
  for (const piece of pieces) reader.push(piece, (part) => body.push(Buffer.from(part)));
  if (ends) reader.close();
  const { head, isDone, keepsLine } = reader;
  const text = Buffer.concat(body).toString("latin1");
  return { status: head?.status, headers: head?.headers, body: text, isDone, keepsLine };
}

const bytes = (text: string) => Buffer.from(text, "latin1");

function cut(all: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [0, ...at.map((each) => each % (all.length + 1)), all.length].sort(
    (a, b) => a - b,
  );
  return places.slice(1).map((end, index) => all.subarray(places[index], end));
}

const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 });
const places = fc.array(fc.nat(), { maxLength: 8 });

// Goal: a body arrives as it was sent, however the network cuts it and however it is framed.
test("AnswerReader reads every body, in whatever pieces it comes", () => {
  fc.assert(
    fc.property(parts, places, fc.boolean(), fc.boolean(), (body, at, isChunked, hasEarly) => {
      const whole = Buffer.concat(body);
      const framed = isChunked
        ? Buffer.concat([
            ...body.flatMap((part) => [
              bytes(`${part.length.toString(16)};x=y\r\n`),
              part,
              bytes("\r\n"),
            ]),
            bytes("0\r\nServer-Timing: a\r\n\r\n"),
          ])
        : whole;
      const head = `HTTP/1.1 200 OK\r\nX-A:  b \r\n${
        isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${whole.length}`
      }\r\n\r\n`;
      const early = hasEarly ? "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" : "";
      const answer = read(cut(Buffer.concat([bytes(early + head), framed]), at));
      expect(answer).toMatchObject({ status: 200, isDone: true, keepsLine: true });
      expect(answer.body).toBe(whole.toString("latin1"));
      expect(answer.headers?.[0]).toEqual(["x-a", "b"]);
    }),
  );
});

test("AnswerReader finds no body where there is none, and takes what has no length to the end", () => {
  const length = "Content-Length: 5\r\n\r\n";
  expect(read([bytes(`HTTP/1.1 200 OK\r\n${length}`)], "HEAD")).toMatchObject({ isDone: true });
  expect(read([bytes(`HTTP/1.1 304 Not Modified\r\n${length}`)])).toMatchObject({ isDone: true });
  expect(read([bytes("HTTP/1.1 204 No Content\r\n\r\n")])).toMatchObject({ isDone: true });
  const open = [bytes("HTTP/1.1 200 OK\r\n\r\n"), bytes("until "), bytes("the end")];
  expect(read(open)).toMatchObject({ body: "until the end", isDone: false });
  expect(read(open, "GET", true)).toMatchObject({ isDone: true, keepsLine: false });
  const last = bytes("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  expect(read([last])).toMatchObject({ isDone: true, keepsLine: false });
});

const broken = {
  "another version": "HTTP/1.0 200 OK\r\n\r\n",
  "no status": "HTTP/1.1 abc\r\n\r\n",
  "a status of four digits": "HTTP/1.1 2000 OK\r\n\r\n",
  "a folded header": "HTTP/1.1 200 OK\r\nA: b\r\n c: d\r\n\r\n",
  "a space before the colon": "HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\n",
  "two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
  "a length and chunks":
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
  "a length that is none": "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
  "another encoding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
  "a protocol nobody asked for": "HTTP/1.1 101 Switching Protocols\r\n\r\n",
  "more than its length": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd",
  "a second answer": "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
  "a chunk without size": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n;a\r\n",
  "a chunk longer than any": `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"f".repeat(13)}\r\n`,
  "a chunk longer than its size":
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
  "a head without end": `HTTP/1.1 200 OK\r\nA: ${"b".repeat(70_000)}`,
  "a size without end": `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${"b".repeat(5_000)}`,
};
for (const [what, text] of Object.entries(broken)) {
  test(`AnswerReader refuses ${what}`, () => {
    expect(() => read([bytes(text)])).toThrow("Cannot read the session's answer");
  });
}

test("AnswerReader tells an answer that is cut off", () => {
  for (const text of [
    "",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
    "HTTP/1.1 200 OK\r\n",
  ]) {
    expect(() => read([bytes(text)], "GET", true)).toThrow("it ended too soon");
  }
});
