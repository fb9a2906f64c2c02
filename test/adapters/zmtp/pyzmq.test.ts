// Goal: libzmq, which every stock client is made of, takes our REP for one of its own, and our REQ too;
// over TCP and over a socket file. Peer: pyzmq of PyPI.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEndpoint } from "../../../src/adapters/zmtp/endpoint.ts";
import type { Request } from "../../../src/adapters/zmtp/rep.ts";
import { ReqSocket } from "../../../src/adapters/zmtp/req.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { type Told, ZmqPeer } from "../../support/zmq-peer.ts";
import { zmqPython } from "../../support/zmq-python.ts";
import { eventually, type ServedRep, servedRep } from "../../support/zmq-server.ts";

const found = await zmqPython();
const python = found ?? "";
const folder = mkdtempSync(join(tmpdir(), "zmtp-peer-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MOST_BYTES = 16 * 1024 * 1024;
let files = 0;
const transports = {
  tcp: () => "tcp://127.0.0.1:0",
  ipc: () => {
    files += 1;
    return `ipc://${folder}/${files}.sock`;
  },
};
const relaxed = [["REQ_RELAXED", 1]] as const;
const correlated = [
  ["REQ_RELAXED", 1],
  ["REQ_CORRELATE", 1],
] as const;

function shown(fill: number, size: number): Told {
  const sha256 = new Bun.CryptoHasher("sha256").update(Buffer.alloc(size, fill)).digest("hex");
  return { size, sha256 };
}

const answers = (served: ServedRep) => served.requests.length;
const text = (words: string) => new TextEncoder().encode(words);

describe.skipIf(found === undefined).each(Object.keys(transports) as (keyof typeof transports)[])(
  "over %s",
  (transport) => {
    const newUrl = transports[transport];

    test.each([
      ["plain", []],
      ["relaxed", relaxed],
      ["relaxed and correlated", correlated],
    ] as const)(
      "a %s REQ gets its answers: parts, empty frames, long frames",
      async (_, options) => {
        using served = await servedRep({ urls: [newUrl()] });
        using peer = new ZmqPeer(python);
        await peer.open("req", { type: "REQ", url: served.url, options });
        for (const frames of [
          ["one"],
          [""],
          ["a", "", "b"],
          ["", "", ""],
          ["x".repeat(255), "y".repeat(256)],
          Array.from({ length: 60 }, (_, nth) => String(nth)),
        ]) {
          await peer.send("req", ...frames);
          expect(await peer.receive("req")).toEqual(frames);
        }
      },
    );

    test("a message of 16 MiB passes both ways; one byte more is never handed out", async () => {
      using served = await servedRep({ urls: [newUrl()] });
      using peer = new ZmqPeer(python);
      await peer.open("req", { type: "REQ", url: served.url });
      await peer.send("req", { fill: 7, size: MOST_BYTES });
      expect(await peer.receive("req")).toEqual([shown(7, MOST_BYTES)]);
      await peer.open("greedy", { type: "REQ", url: served.url });
      await peer.send("greedy", { fill: 7, size: MOST_BYTES + 1 });
      await eventually(() => served.gone.length > 0, "that it is sent away");
      expect(served.gone[0]?.why).toContain(`more than ${MOST_BYTES} bytes`);
      expect(answers(served)).toBe(1);
      await peer.send("req", "still here");
      expect(await peer.receive("req")).toEqual(["still here"]);
    });

    test("64 clients at once each get their own answers", async () => {
      using served = await servedRep({ urls: [newUrl()] });
      using peer = new ZmqPeer(python);
      expect(await peer.storm(served.url, 64, 10)).toBe(640);
      await eventually(() => served.server.peers === 0, "that all are gone");
      expect(served.gone.every(({ why }) => why === "")).toBe(true);
    });

    test("a client finds the server again after a restart, and before its start", async () => {
      const url = newUrl();
      const first = await servedRep({ urls: [url] });
      using peer = new ZmqPeer(python);
      await peer.open("req", { type: "REQ", url: first.url, options: correlated });
      await peer.send("req", "one");
      expect(await peer.receive("req")).toEqual(["one"]);
      first.server.close();
      await peer.send("req", "lost with its line, or sent to the next server");
      using second = await servedRep({ urls: [first.url] });
      // What is sent before libzmq has seen the end of the first line is lost with it.
      await eventually(() => second.server.peers === 1, "that it is back");
      await peer.send("req", "two");
      expect(await peer.receive("req")).toEqual(["two"]);
      expect(second.gone).toEqual([]);
    });

    test("killed clients are seen to be gone, with a request of theirs in the making", async () => {
      const open: Request[] = [];
      using served = await servedRep({
        urls: [newUrl()],
        onRequest: (each) => void open.push(each),
      });
      using peer = new ZmqPeer(python);
      for (const name of ["a", "b", "c"]) {
        await peer.open(name, { type: "REQ", url: served.url });
        await peer.send(name, name);
      }
      await eventually(() => open.length === 3, "three requests");
      await peer.kill();
      await eventually(() => served.server.peers === 0, "that they are gone");
      expect(open.map(({ answer }) => answer([text("late")]))).toEqual([false, false, false]);
    });

    test("a relaxed REQ that asked again gets the answer to that, however late the first", async () => {
      const open: Request[] = [];
      using served = await servedRep({
        urls: [newUrl()],
        onRequest: (each) => void open.push(each),
      });
      using peer = new ZmqPeer(python);
      await peer.open("req", { type: "REQ", url: served.url, options: relaxed });
      await peer.send("req", "heartbeat");
      await eventually(() => open.length === 1, "the first");
      expect(await peer.receive("req", 1)).toBeUndefined();
      await peer.send("req", "update");
      await eventually(() => open.length === 2, "the second");
      expect(open.map(({ answer, frames }) => answer(frames))).toEqual([false, true]);
      expect(await peer.receive("req")).toEqual(["update"]);
    });

    test("a DEALER gets its answers in order, with its envelope", async () => {
      using served = await servedRep({ urls: [newUrl()] });
      using peer = new ZmqPeer(python);
      await peer.open("dealer", { type: "DEALER", url: served.url });
      for (const name of ["a", "b", "c"]) await peer.send("dealer", "id", "", name);
      for (const name of ["a", "b", "c"]) {
        expect(await peer.receive("dealer")).toEqual(["id", "", name]);
      }
    });

    test("libzmq's heartbeats are answered: it does not hang up", async () => {
      using served = await servedRep({ urls: [newUrl()] });
      using peer = new ZmqPeer(python);
      const options = [
        ["HEARTBEAT_IVL", 50],
        ["HEARTBEAT_TIMEOUT", 250],
        ["HEARTBEAT_TTL", 2_000],
      ] as const;
      await peer.open("req", { type: "REQ", url: served.url, options });
      await peer.send("req", "one");
      await peer.receive("req");
      // Four times as long as it waits for a PONG.
      expect(await peer.receive("req", 1_000)).toBeUndefined();
      expect(served.requests[0]?.peer.isOpen).toBe(true);
      expect(served.gone).toEqual([]);
    });

    test("libzmq answers our heartbeats: an idle client stays", async () => {
      using served = await servedRep({ urls: [newUrl()], limits: { heartbeatMs: 200 } });
      using peer = new ZmqPeer(python);
      await peer.open("req", { type: "REQ", url: served.url });
      await peer.send("req", "one");
      await peer.receive("req");
      // Four times as long as a silent peer is kept.
      expect(await peer.receive("req", 1_600)).toBeUndefined();
      expect(served.requests[0]?.peer.isOpen).toBe(true);
      expect(served.gone).toEqual([]);
    });

    test("a socket of another kind is refused, and others are served beside it", async () => {
      using served = await servedRep({ urls: [newUrl()] });
      using peer = new ZmqPeer(python);
      await peer.open("pub", { type: "PUB", url: served.url });
      await eventually(() => served.refused.length > 0, "that it is refused");
      expect(served.refused[0]).toContain('"PUB"');
      await peer.open("req", { type: "REQ", url: served.url });
      await peer.send("req", "one");
      expect(await peer.receive("req")).toEqual(["one"]);
    });

    test("our REQ asks a REP of libzmq, and hears when it goes", async () => {
      using peer = new ZmqPeer(python);
      const bind = await peer.open("rep", { type: "REP", bind: newUrl().replace(":0", ":*") });
      const req = await ReqSocket.connect(parseEndpoint(bind), { clock: systemClock });
      const sent = [
        [text("one")],
        [text("a"), new Uint8Array(), new Uint8Array(300).fill(3)],
        [new Uint8Array(MOST_BYTES - 1).fill(5), text("z")],
      ];
      const echoed = peer.echo("rep", sent.length);
      for (const frames of sent) {
        const answer = await req.ask(frames);
        expect(answer.map((each, nth) => Buffer.compare(each, frames[nth] ?? each))).toEqual(
          frames.map(() => 0),
        );
      }
      await echoed;
      const unanswered = req.ask([text("never answered")]);
      unanswered.catch(() => {}); // looked at below
      await peer.close("rep");
      await expect(unanswered).rejects.toThrow("the line is closed");
      await expect(req.ask([text("too late")])).rejects.toThrow("the line is closed");
    });
  },
);
