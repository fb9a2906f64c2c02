// Goal: a server that is closed leaves nothing: no connection, no timer, no file descriptor, and no
// reason for its process to go on; whatever state its peers are in.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeMessage } from "../../../src/adapters/zmtp/frames.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { hex, RawZmtp, READY_DEALER } from "../../support/raw-zmtp.ts";
import { start } from "../../support/running.ts";
import { eventually, servedRep } from "../../support/zmq-server.ts";

const folder = mkdtempSync(join(tmpdir(), "zmtp-close-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const openFiles = () => readdirSync("/proc/self/fd").length;
const request = (size = 1) => encodeMessage([new Uint8Array()], [new Uint8Array(size)]);

/** Peers in every state: nothing said, ready, amid a message, held up, not reading, refused, gone. */
async function crowd(url: string): Promise<RawZmtp[]> {
  const [silent, ready, amid, held, deaf, refused] = [
    await RawZmtp.connect(url),
    await RawZmtp.ready(url),
    await RawZmtp.ready(url),
    await RawZmtp.ready(url, READY_DEALER),
    await RawZmtp.ready(url, READY_DEALER),
    await RawZmtp.connect(url),
  ];
  amid.send(request(100_000).subarray(0, 50_000));
  held.send(request(1), request(1), request(1));
  deaf.pause();
  for (let asked = 0; asked < 20; asked += 1) deaf.send(request(2));
  refused.send(hex("00"));
  await refused.closed();
  const gone = await RawZmtp.ready(url);
  gone[Symbol.dispose]();
  return [silent, ready, amid, held, deaf];
}

test("close() ends every peer, whatever its state, and leaves no timer and no file", async () => {
  const clock = new FakeClock();
  const before = openFiles();
  for (let round = 0; round < 3; round += 1) {
    using served = await servedRep({
      clock,
      urls: ["tcp://127.0.0.1:0", `ipc://${folder}/a.sock`],
      onRequest({ frames, answer }) {
        if (frames[0]?.byteLength === 2) answer([new Uint8Array(1024 * 1024)]);
      },
    });
    const peers = (await Promise.all(served.server.urls.map(crowd))).flat();
    await eventually(() => served.server.peers === peers.length, "who is gone");
    await eventually(() => served.requests.length > 5, "their requests");
    expect(clock.nextDueInMs).toBeDefined();
    served.server.close();
    expect(served.server.peers).toBe(0);
    expect(clock.nextDueInMs).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
    for (const peer of peers) peer.resume();
    for (const peer of peers) await peer.closed();
    served.server.close(); // once more does nothing
  }
  await eventually(() => openFiles() <= before, `${before} open files, not ${openFiles()}`);
}, 30_000);

test("a thousand peers that come and go leave nothing", async () => {
  using served = await servedRep();
  using first = await RawZmtp.ready(served.url);
  first.send(request());
  await first.take(5);
  const before = openFiles();
  for (let nth = 0; nth < 1_000; nth += 1) {
    using raw = await RawZmtp.connect(served.url);
    if (nth % 2 === 0) raw.send(hex("00"));
  }
  await eventually(() => served.server.peers === 1, "that they are gone");
  await eventually(() => openFiles() <= before, "their files");
}, 30_000);

test("a process ends by itself once its server is closed", async () => {
  const program = `
    import { parseEndpoint } from "./src/adapters/zmtp/endpoint.ts";
    import { serveRep } from "./src/adapters/zmtp/rep.ts";
    import { systemClock } from "./src/system/clock.ts";
    const server = await serveRep({
      endpoints: [parseEndpoint("tcp://127.0.0.1:0")], clock: systemClock, onRequest() {},
    });
    console.log("at " + server.urls[0] + " ");
    process.on("SIGTERM", () => { process.removeAllListeners("SIGTERM"); server.close(); });
  `;
  const child = start([process.execPath, "--eval", program]);
  const [, url = ""] = await child.until(/at (\S+) /);
  using raw = await RawZmtp.ready(url);
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  await raw.closed();
}, 30_000);
