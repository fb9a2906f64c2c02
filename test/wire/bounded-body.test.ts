// Goal: whatever a peer says of its answer's length, no more of it is kept than may be.
import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { readBounded, readStart } from "../../src/wire/bounded-body.ts";

const BODY = `{"audit_id":"a1","text":"${"x".repeat(500_000)}"}`;

/** An answer in chunks that states a length of 10 bytes too, from a real socket. */
async function withLiar<T>(use: (response: Response) => Promise<T>): Promise<T> {
  const server = createServer((socket) => {
    socket.on("error", () => {}); // whoever has read enough hangs up
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n";
    const chunk = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
    socket.once("data", () => socket.end(head + chunk));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  try {
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    return await use(await fetch(`http://127.0.0.1:${port}/`));
  } finally {
    server.close();
  }
}

test("readBounded() heeds its limit when a stated length stands beside chunks", async () => {
  const read = await withLiar((response) => readBounded(response, 1_000));
  expect(read).toEqual({ text: undefined, bytes: BODY.length, auditId: "a1" });
});

test("readStart() heeds its limit when a stated length stands beside chunks", async () => {
  const start = await withLiar((response) => readStart(response, 1_000));
  expect(start.length).toBeLessThanOrEqual(2_000);
});
