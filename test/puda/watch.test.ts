// Goal: what machines tell is seen, of every generation, by each who watches, across a cut line.
import { expect, test } from "bun:test";
import type { Seen } from "../../src/puda/index.ts";
import {
  eventSubject,
  heartbeatSubject,
  stateBucketOf,
  streamSubject,
} from "../../src/wire/puda-subjects.ts";
import { toLog, told } from "../../src/wire/puda-told.ts";
import { until } from "../support/proxied.ts";
import { WireMachine } from "../support/wire-machine.ts";
import { inLaboratory } from "./laboratory.ts";

/** Collects what is seen as `machine kind name`. */
function collect(watching: AsyncIterable<Seen>): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const each of watching) {
      seen.push(`${each.machine} ${each.kind} ${each.kind === "lost" ? each.reason : each.name}`);
    }
    seen.push("ended");
  })();
  return seen;
}

test("watch() shows the state that is there, then telemetry, events and each change", async () => {
  await inLaboratory(async ({ machine, server, service }) => {
    await using second = await WireMachine.start(server.url, "rig2");
    await machine.setState("idle");
    await second.setState("paused", stateBucketOf("rig2"));
    const abort = new AbortController();
    const all = collect(service.watch({ signal: abort.signal }));
    const one = collect(service.watch({ machine: "rig2" }));
    const still = collect(service.watch());
    await until(() => all.length === 2 && one.length === 1 && still.length === 2);
    expect(all.sort()).toEqual(["rig1 state idle", "rig2 state paused"]);
    expect(one).toEqual(["rig2 state paused"]);
    machine.tell(heartbeatSubject("rig1"), told(0));
    machine.tell(streamSubject("rig1", "weight"), told(0, { g: 1 }));
    machine.tell(eventSubject("rig1", "log"), toLog(0, "INFO", "x"));
    await machine.setState("busy");
    await until(() => all.length === 6);
    expect(all.slice(2)).toEqual([
      "rig1 telemetry heartbeat",
      "rig1 telemetry weight",
      "rig1 event log",
      "rig1 state busy",
    ]);
    abort.abort();
    await until(() => all.at(-1) === "ended");
    second.tell(heartbeatSubject("rig2"), told(0)); // the others still watch
    await until(() => one.length === 2 && still.length === 7);
    expect(still.at(-1)).toBe("rig2 telemetry heartbeat");
    await service.close();
    await until(() => one.at(-1) === "ended");
    expect(one).toEqual(["rig2 state paused", "rig2 telemetry heartbeat", "ended"]);
  });
});

test("watch() goes on after a cut line, with the state as it is then", async () => {
  await inLaboratory(async ({ machine, server, service }) => {
    await machine.setState("idle");
    const seen = collect(service.watch());
    await until(() => seen.length === 1);
    await server.kill();
    await until(() => !service.isConnected);
    await server.restart();
    await until(() => seen.length === 2);
    expect(seen).toEqual(["rig1 state idle", "rig1 state idle"]);
  });
}, 60_000);

test("watch() says what cannot be read, and pingFleet() finds the machines that answer", async () => {
  await inLaboratory(async ({ machine, server, service }) => {
    await using _second = await WireMachine.start(server.url, "rig0");
    await machine.setState("idle");
    const seen = collect(service.watch());
    await until(() => seen.length === 1); // it listens now
    machine.tell(eventSubject("rig1", "log"), [] as unknown as ReturnType<typeof told>);
    await until(() => seen.length === 2);
    expect(seen).toEqual(["rig1 state idle", "rig1 lost it is no object"]);
    const fleet = await service.pingFleet({ timeoutMs: 1_000 });
    expect(fleet.map(({ pong }) => pong.machine_id)).toEqual(["rig0", "rig1"]);
    expect((await service.ping("rig1")).pong).toMatchObject({ status: "pong" });
    await expect(service.ping("rig9")).rejects.toMatchObject({ code: "machine.absent" });
  });
});
