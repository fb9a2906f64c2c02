// Goal: what a machine tells looks as the Python machines tell it, and its names are theirs.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ServantError } from "../../src/core/errors.ts";
import {
  commandSubject,
  durableOf,
  eventSubject,
  heartbeatSubject,
  isStreamName,
  machineId,
  readToldSubject,
  responseSubject,
  streamSubject,
} from "../../src/wire/puda-subjects.ts";
import {
  CommandsValue,
  isPing,
  Pong,
  sampleOf,
  toAlert,
  toCommands,
  toHealth,
  toLog,
  told,
  toMedia,
  toPong,
  toState,
} from "../../src/wire/puda-told.ts";

const NOW = Date.UTC(2026, 10, 21, 11, 20, 56, 999);
const timestamp = "2026-11-21T11:20:56Z";

test("payloads are the captured ones, member for member", () => {
  const same = (value: unknown, captured: string) =>
    expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(captured)));
  same(told(NOW), `{"timestamp": "${timestamp}"}`);
  same(
    toState(NOW, "idle", null, { homed: true }),
    `{"timestamp": "${timestamp}", "state": "idle", "run_id": null, "homed": true}`,
  );
  same(
    toHealth(NOW, { cpu: 0.5, mem: 2.2, temp: null }),
    `{"timestamp": "${timestamp}", "cpu": 0.5, "mem": 2.2, "temp": null}`,
  );
  same(
    toLog(NOW, "INFO", "Command noop completed"),
    `{"timestamp": "${timestamp}", "log_level": "INFO", "msg": "Command noop completed"}`,
  );
  same(
    toAlert(NOW, "t", "low", { a: 1 }),
    `{"timestamp": "${timestamp}", "type": "t", "severity": "low", "a": 1}`,
  );
  same(
    toMedia(NOW, "http://x/y.png"),
    `{"timestamp": "${timestamp}", "media_url": "http://x/y.png", "media_type": "image"}`,
  );
  same(told(NOW, sampleOf({ g: 1.5 })), `{"timestamp": "${timestamp}", "g": 1.5}`);
  expect([sampleOf(null), sampleOf(3)]).toEqual([undefined, { value: 3 }]);
});

test("a ping answer has what a fleet's finder reads", () => {
  const subject = streamSubject("rig1", "weight");
  const streams = [{ name: "weight", subject, interval: 2, description: null }];
  const about = { id: "rig1", version: "0.1.0", uptimeS: 67.6224, isBusy: false, streams };
  const pong = toPong(NOW, { ...about, extra: { description: "A balance" } });
  expect(Pong.parse(pong)).toMatchObject({
    status: "pong",
    uptime_seconds: 67.622,
    run_status: "idle",
    tlm_streams: [{ name: "weight", subject: "puda.rig1.tlm.stream.weight", interval: 2 }],
    description: "A balance",
  });
  expect(["ping", " PING\n", "pong", ""].map(isPing)).toEqual([true, true, false, false]);
});

test("the catalogue is text for people and a list for programs", () => {
  const value = toCommands([
    { name: "weigh", signature: "(grams: number)", doc: "Weighs.\nTwice." },
    { name: "tare", signature: "()", doc: "" },
  ]);
  expect(value.commands).toBe("weigh(grams: number)\n    Weighs.\n    Twice.\n\ntare()");
  expect(CommandsValue.parse(value).catalog?.map(({ name, safety }) => [name, safety])).toEqual([
    ["weigh", null],
    ["tare", null],
  ]);
});

test("W27: an id with a dot is refused, and whatever else no subject, key or durable may have", () => {
  for (const id of ["rig1", "a", "balance-1", "B_2"]) expect(machineId(id)).toBe(id);
  const bad = ["", "a.b", ".", "a b", "a*", ">", "a/b", "a\\b", "ä", "a\n", "x".repeat(129)];
  for (const id of bad) {
    expect(() => machineId(id)).toThrow(ServantError);
  }
  expect(() => machineId("a.b")).toThrow(/dot/);
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 10 }), (id) => {
      try {
        machineId(id);
      } catch {
        return;
      }
      expect(id).toMatch(/^[^\s.*>/\\]+$/);
    }),
  );
  expect(["pos", "a_b-1", "a.b", ""].map(isStreamName)).toEqual([true, true, false, false]);
});

test("subjects and durables are the Python machines' own", () => {
  expect([commandSubject("rig1", "queue"), responseSubject("rig1", "immediate")]).toEqual([
    "puda.rig1.cmd.queue",
    "puda.rig1.cmd.response.immediate",
  ]);
  expect([durableOf("rig1", "queue"), durableOf("rig1", "immediate")]).toEqual([
    "cmd_queue_rig1",
    "cmd_immed_rig1",
  ]);
  const machine = "rig1";
  expect(readToldSubject(heartbeatSubject("rig1"))).toEqual({
    machine,
    kind: "telemetry",
    name: "heartbeat",
  });
  expect(readToldSubject(streamSubject("rig1", "pos"))?.name).toBe("pos");
  expect(readToldSubject("puda.rig1.tlm.pos")?.name).toBe("pos");
  expect(readToldSubject(eventSubject("rig1", "log"))).toEqual({
    machine,
    kind: "event",
    name: "log",
  });
  expect(readToldSubject("puda.rig1.cmd.queue")).toBeUndefined();
});
