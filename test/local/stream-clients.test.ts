// Goal: the clients that people use read the stream, in both encodings, through large frames too.
import { expect, test } from "bun:test";
import { CBOR_PROTOCOL } from "../../src/wire/stream-protocols.ts";
import { streamClients } from "../support/stream-clients.ts";
import { type StreamServer, said, startStream } from "../support/stream-server.ts";

const clients = await streamClients();
const LIVE = 5_000;

for (const { name, command } of clients) {
  for (const protocol of ["", CBOR_PROTOCOL]) {
    const what = protocol === "" ? "JSON" : "CBOR";
    test.skipIf(!command)(`${name} reads past and present lines as ${what}`, async () => {
      await using server = startStream();
      log(server, 100);
      const subscribe = { level: "info", since: 90 };
      const child = Bun.spawn(
        [...(command || []), server.url, protocol, JSON.stringify(subscribe), `${10 + LIVE}`],
        { stdout: "pipe", stderr: "inherit" },
      );
      while (server.stream.topics === 0) await Bun.sleep(5);
      for (let count = 0; count < LIVE; count += 500) {
        log(server, 500); // half of them in one tick make a frame of several hundred kB
        server.feed.flush();
      }
      const frames = (await child.stdout.text())
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(await child.exited).toBe(0);
      expect(frames[0]).toEqual({ hello: { boot: "boot-1", seq: expect.any(Number) } });
      const at = frames.findIndex((frame) => "subscribed" in frame);
      const lines = frames.slice(at).flatMap(({ lines = [] }) => lines);
      expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => 91 + index));
      const bytes = [0, 1, 254, 255];
      expect(lines[0].fields).toEqual({
        n: 90,
        image: protocol === "" ? { $base64: "AAH+/w==" } : bytes,
      });
      expect(lines[0].message).toStartWith("line 90 äöü😀 ");
    });
  }
}

function log({ feed }: StreamServer, count: number): void {
  for (let index = 0; index < count; index += 1) {
    const n = feed.lastSeq;
    const fields = { n, image: { $base64: "AAH+/w==" } };
    feed.push(said(`line ${n} äöü😀 ${"x".repeat(700)}`, { fields }));
  }
}
