/** What a whole servant promises, whatever dialect its backend speaks: the same rules on each. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { JsonObject } from "../../src/core/json.ts";
import { FakeRunner } from "../support/fake-ports.ts";
import { MemoryDisk } from "../support/memory-journal.ts";
import { type Ability, type Dialect, type Peer, until } from "./dialects/dialect.ts";
import { Life } from "./dialects/life.ts";

/** How long nothing must happen before it counts as never, in milliseconds. */
const QUIET_MS = 250;
/** A stop that waits for nothing takes no longer, in milliseconds. */
const PROMPTLY_MS = 3_000;

export function servantRules(dialect: Dialect): void {
  const ruleFor = (ability: Ability, name: string, check: () => Promise<void>) => {
    if (dialect.cannot[ability] === undefined) test(name, check);
  };

  describe(`a servant, ${dialect.name}`, () => {
    let peer: Peer;
    let disk: MemoryDisk;
    let life: Life;
    beforeEach(async () => {
      peer = await dialect.start();
      disk = new MemoryDisk();
      life = await Life.begin(peer, disk);
      await until("it is registered", () => peer.wire.connections > 0);
    });
    afterEach(async () => {
      life.runner.isManual = false;
      for (const auditId of life.runner.running) await life.runner.end(auditId);
      await peer.wire.up();
      await life.end();
      await peer[Symbol.asyncDispose]();
    });

    const answered = (ticket: string) =>
      until("it is answered", async () => (await peer.answers(ticket)).length > 0);
    const quiet = () => Bun.sleep(QUIET_MS);
    /** As far as the other side is told what was measured. */
    const measured = (telemetry: JsonObject) =>
      dialect.cannot.details === undefined ? { telemetry } : {};

    test("runs what is assigned, one after the other, and answers each once", async () => {
      const tickets: string[] = [];
      for (const nth of [1, 2, 3]) {
        const ticket = await peer.assign({ start: `place ${nth}` });
        const auditId = await life.started(nth);
        await life.runner.end(auditId, { telemetry: { nth } });
        await answered(ticket);
        tickets.push(ticket);
      }
      await quiet();
      for (const [at, ticket] of tickets.entries()) {
        expect(await peer.answers(ticket)).toMatchObject([
          { success: true, ...measured({ nth: at + 1 }) },
        ]);
      }
    });

    ruleFor(
      "repeat",
      "runs once what is handed out twice, and answers with what it knows",
      async () => {
        const ticket = await peer.assign();
        const auditId = await life.started();
        await peer.repeat?.(ticket);
        await life.runner.end(auditId, { telemetry: { run: "first" } });
        await answered(ticket);
        await peer.repeat?.(ticket);
        await until("it is answered again", async () => (await peer.answers(ticket)).length > 1);
        for (const { telemetry } of await peer.answers(ticket)) {
          expect(telemetry).toEqual({ run: "first" });
        }
        expect(life.runner.started).toEqual([auditId]);
      },
    );

    ruleFor("cancel", "stops a handler that was called off, and says so", async () => {
      const ticket = await peer.assign();
      const auditId = await life.started();
      await peer.cancel?.(ticket);
      await until("it is told", () => life.runner.signals.get(auditId)?.aborted === true);
      await answered(ticket);
      const [answer] = await peer.answers(ticket);
      expect(answer?.success).toBe(false);
      const next = await peer.assign();
      await life.runner.end(await life.started(2));
      await answered(next);
    });

    ruleFor("cancel", "never starts what was called off before", async () => {
      const first = await peer.assign();
      const auditId = await life.started();
      const second = await peer.assign({ start: "second" });
      await peer.cancel?.(second);
      await quiet();
      if (life.runner.running.includes(auditId)) await life.runner.end(auditId);
      await answered(first);
      await quiet();
      expect(life.runner.started).toEqual([auditId]);
    });

    ruleFor("drain", "that stops hears a cancel all the same, and takes nothing new", async () => {
      const ticket = await peer.assign();
      const auditId = await life.started();
      const ended = life.end();
      await quiet();
      await peer.assign({ start: "late" });
      await peer.cancel?.(ticket);
      await until("it is told", () => life.runner.signals.get(auditId)?.aborted === true);
      await ended;
      expect(life.runner.started).toEqual([auditId]);
      life = await Life.begin(peer, disk, new FakeRunner());
    });

    ruleFor("pause", "starts nothing while it is paused, and then goes on", async () => {
      await peer.pause?.();
      await until("it is paused", () => life.ledger.machine.paused !== undefined);
      const ticket = await peer.assign();
      await quiet();
      expect(life.runner.started).toEqual([]);
      await peer.resume?.();
      await until("it goes on", () => life.ledger.machine.paused === undefined);
      // What was refused during the pause stays refused.
      const isRefused = (await peer.answers(ticket)).length > 0;
      const next = isRefused ? await peer.assign() : ticket;
      await life.runner.end(await life.started());
      await answered(next);
      await quiet();
      expect(life.runner.started).toHaveLength(1);
    });

    ruleFor(
      "link",
      "finishes what runs while the link is lost, and answers when it is back",
      async () => {
        const ticket = await peer.assign();
        const auditId = await life.started();
        await peer.wire.down();
        await life.runner.end(auditId, { telemetry: { done: true } });
        await quiet();
        expect(await peer.answers(ticket)).toEqual([]);
        await peer.wire.up();
        await answered(ticket);
        await quiet();
        expect(await peer.answers(ticket)).toMatchObject([
          { success: true, telemetry: { done: true } },
        ]);
        expect(life.runner.started).toEqual([auditId]);
      },
    );

    if (dialect.cannot.link !== undefined) {
      test("tells its handler to stop when the link is lost that it came by", async () => {
        await peer.assign();
        const auditId = await life.started();
        await peer.wire.down();
        await until("it is told", () => life.runner.signals.get(auditId)?.aborted === true);
        await until("nobody waits for it", () => life.ledger.undelivered === 0);
      });

      test("killed while a handler ran, runs nothing again in its next life", async () => {
        await peer.assign();
        const auditId = await life.started();
        await life.kill();
        life = await Life.begin(peer, disk);
        const next = await peer.assign();
        const second = await life.started();
        expect(second).not.toBe(auditId);
        await life.runner.end(second);
        await answered(next);
        expect(life.runner.started).toEqual([second]);
        expect(life.ledger.undelivered).toBe(0);
      });
    }

    ruleFor(
      "link",
      "killed while a handler ran, says so in its next life and runs nothing again",
      async () => {
        const ticket = await peer.assign();
        const auditId = await life.started();
        await life.kill();
        life = await Life.begin(peer, disk);
        await answered(ticket);
        expect(await peer.answers(ticket)).toMatchObject([{ success: false }]);
        await quiet();
        expect(life.runner.started).toEqual([]);
        expect(life.ledger.undelivered).toBe(0);
        const next = await peer.assign();
        const second = await life.started();
        expect(second).not.toBe(auditId);
        await life.runner.end(second);
        await answered(next);
      },
    );

    ruleFor(
      "link",
      "killed before its answer went out, sends the true one in its next life",
      async () => {
        const ticket = await peer.assign();
        const auditId = await life.started();
        await peer.wire.down();
        await life.runner.end(auditId, { telemetry: { done: true } });
        await until("it is kept", () => life.ledger.undelivered === 1);
        await life.kill();
        await peer.wire.up();
        life = await Life.begin(peer, disk);
        await answered(ticket);
        expect(await peer.answers(ticket)).toMatchObject([
          { success: true, telemetry: { done: true } },
        ]);
        await quiet();
        expect(life.runner.started).toEqual([]);
      },
    );

    ruleFor("link", "that stops without a link keeps its answer for its next life", async () => {
      const ticket = await peer.assign();
      const auditId = await life.started();
      await peer.wire.down();
      await life.runner.end(auditId, { telemetry: { done: true } });
      const since = performance.now();
      await life.end({ isHurried: true });
      expect(performance.now() - since).toBeLessThan(PROMPTLY_MS);
      expect(await peer.answers(ticket)).toEqual([]);
      await peer.wire.up();
      life = await Life.begin(peer, disk);
      await answered(ticket);
      expect(await peer.answers(ticket)).toMatchObject([
        { success: true, telemetry: { done: true } },
      ]);
      expect(life.runner.started).toEqual([]);
    });

    test("that stops finishes what runs, and answers before it ends", async () => {
      const ticket = await peer.assign();
      const auditId = await life.started();
      const ended = life.end();
      await quiet();
      await life.runner.end(auditId, { telemetry: { done: true } });
      await ended;
      expect(await peer.answers(ticket)).toMatchObject([
        { success: true, ...measured({ done: true }) },
      ]);
      life = await Life.begin(peer, disk, new FakeRunner());
    });
  });
}
