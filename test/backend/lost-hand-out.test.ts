// Goal: an assignment whose hand-out was lost on its way still runs, once, without waiting for a
// lease. Method: the real agent and adapter before our backend, over a link that loses answers.
import { expect, test } from "bun:test";
import { dynosBackend } from "../../src/adapters/dynos-http.ts";
import { openBus } from "../../src/agent/bus.ts";
import { Servant } from "../../src/agent/servant.ts";
import { Ledger } from "../../src/core/ledger.ts";
import { systemClock } from "../../src/system/clock.ts";
import { Connection } from "../../src/wire/connection.ts";
import { FakeRunner } from "../support/fake-ports.ts";
import { MemoryDisk, MemoryJournal } from "../support/memory-journal.ts";
import { harness } from "./harness.ts";

/** A link that loses the first `count` answers that carry an assignment. */
function losing(count: number) {
  const lost: unknown[] = [];
  const fetchFrom = async (url: string, init: RequestInit) => {
    const response = await fetch(url, init);
    const isHandout = url.endsWith("/next_assignment") && response.status === 200;
    if (!isHandout || lost.length === count) return response;
    lost.push(await response.json());
    throw new TypeError("the connection was reset");
  };
  return { lost, fetchFrom };
}

test("a hand-out that is lost twice goes out a third time, and its handler runs once", async () => {
  await using http = harness();
  const { lost, fetchFrom } = losing(2);
  const connection = new Connection({ url: http.url }, fetchFrom);
  const polling = { pollIntervalMs: 20, quickPoll: true, assignmentMaxBytes: 100_000 };
  const backend = dynosBackend(connection, { ...polling, clock: systemClock });
  const ledger = await Ledger.open(new MemoryJournal(new MemoryDisk(), connection.origin));
  const runner = new FakeRunner(); // does move
  runner.isManual = false;
  const ports = { backend, bus: openBus(), clock: systemClock, ledger, random: () => 0, runner };
  const options = { failuresMax: 0, concurrency: 1, drainTimeoutMs: 1_000, reregister: false };
  const stop = new AbortController();
  const hurry = new AbortController().signal;
  const ended = new Servant(ports, { ...options, hurry }).run(stop.signal);
  while ((await http.get("/health")).body.servants !== 1) await Bun.sleep(5);
  const params = { start: "room_one", end: "room_two" };
  const { body } = await http.post("/trigger", { action: "move", params });
  expect(body).toMatchObject({ success: true });
  expect(lost).toMatchObject([{ audit_id: body.audit_id }, { audit_id: body.audit_id }]);
  expect(runner.started.filter((each) => each === body.audit_id)).toHaveLength(1);
  stop.abort();
  await ended;
}, 15_000);
