/** Sessions under whatever may happen to them, to their processes and to their gateway. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Sessions } from "../../src/gateway/sessions.ts";
import { settled } from "../support/fake-clock.ts";
import { FakeMachine } from "../support/fake-sessions.ts";

const PER_USER = 3;
const PORTS = 5;
const TIMEOUT_S = 1_000;

const which = fc.nat({ max: 4 });
const step = fc.oneof(
  fc.record({ do: fc.constant("create" as const), owner: fc.constantFrom("bob", "eve") }),
  fc.record({ do: fc.constantFrom("stop" as const, "reset" as const), which }),
  fc.record({ do: fc.constantFrom("crash" as const, "deafen" as const), which }),
  fc.record({ do: fc.constantFrom("enter" as const, "leave" as const), which }),
  fc.record({ do: fc.constant("wait" as const), s: fc.nat({ max: 900 }) }),
  fc.record({ do: fc.constantFrom("kill" as const, "restart" as const) }),
  fc.record({ do: fc.constantFrom("take" as const, "free" as const), which }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Story {
  readonly machine = new FakeMachine();
  gateway: Sessions = this.#open();
  /** Those that somebody was told of, with the world that theirs is. */
  readonly worlds = new Map<string, number | undefined>();
  readonly inside: { id: string; leave: () => void }[] = [];

  #open(): Sessions {
    return this.machine.gateway({ perUser: PER_USER, ports: PORTS });
  }

  /** Also those that are begun at once end one after the other, within the time to kill the deaf. */
  async done(work: Promise<unknown>): Promise<boolean> {
    const outcome = work.then(
      () => true,
      () => false,
    );
    for (let waited = 0; waited < 4; waited += 1) await this.machine.clock.advance(10_000);
    return await outcome;
  }

  async take(each: Step): Promise<void> {
    const { machine } = this;
    const all = this.gateway.list();
    const session = "which" in each ? all[each.which % Math.max(all.length, 1)] : undefined;
    if (each.do === "create") {
      const before = all.filter(({ owner }) => owner === each.owner).length;
      const asked = { timeout_s: TIMEOUT_S };
      const made = await this.done(this.gateway.create(each.owner, asked));
      if (made) expect(before).toBeLessThan(PER_USER);
    } else if (each.do === "wait") {
      const held = this.inside.filter(({ id }) => this.gateway.find(id) !== undefined);
      await machine.clock.advance(each.s * 1_000);
      for (const { id } of held) expect(this.gateway.find(id)).toBeDefined();
    } else if (each.do === "kill" || each.do === "restart") {
      if (each.do === "kill") machine.kill(this.gateway);
      else await this.done(this.gateway.close());
      this.inside.length = 0;
      this.gateway = this.#open();
      await this.done(this.gateway.revived);
      for (const { id, lastActiveAtMs } of all) {
        const idleMs = machine.clock.now() - lastActiveAtMs;
        if (idleMs < TIMEOUT_S * 1_000) expect(this.gateway.find(id)).toBeDefined();
      }
    } else if (each.do === "take") machine.taken.add(8500 + each.which);
    else if (each.do === "free") machine.taken.delete(8500 + each.which);
    else if (each.do === "leave") this.inside.shift()?.leave();
    else if (session !== undefined) await this.#with(session.id, each.do);
  }

  async #with(id: string, what: "stop" | "reset" | "crash" | "deafen" | "enter"): Promise<void> {
    const { gateway, inside, machine, worlds } = this;
    if (what === "enter" && gateway.find(id)?.status === "running") {
      inside.push({ id, leave: gateway.enter(id).leave });
    } else if (what === "stop") expect(await this.done(gateway.stop(id))).toBe(true);
    else if (what === "reset") {
      const isReset = await this.done(gateway.reset(id));
      // It may have expired since: that it was reset is no activity.
      const isThere = gateway.find(id) !== undefined;
      if (isReset && isThere) expect(machine.of(id).world).not.toBe(worlds.get(id));
      worlds.set(id, machine.worlds.get(id));
    } else if (gateway.find(id)?.status === "running") {
      if (what === "deafen") machine.of(id).isStubborn = true;
      if (what === "crash") machine.of(id).end(false);
    }
    await settled();
  }

  /** What holds after each step. */
  check(): void {
    const { gateway, machine, worlds } = this;
    const all = gateway.list();
    const running = all.filter(({ status }) => status === "running").map(({ id }) => id);
    // A deaf one that has expired is there until it is killed.
    const processes = [...machine.running.values()];
    const going = processes.filter(({ signals }) => signals.length > 0).map(({ id }) => id);
    const stays = (id: string) => !going.includes(id);
    expect(
      processes
        .map(({ id }) => id)
        .filter(stays)
        .sort(),
    ).toEqual(running.sort());
    expect([...machine.folders].filter(stays).sort()).toEqual(all.map(({ id }) => id).sort());
    for (const owner of ["bob", "eve"]) {
      expect(gateway.list(owner).length).toBeLessThanOrEqual(PER_USER);
    }
    const ports = all.map(({ port }) => port);
    expect(new Set(ports).size).toBe(ports.length);
    for (const port of ports) expect(port >= 8500 && port < 8500 + PORTS).toBe(true);
    // A world is lost by a reset, a stop or an expiry, by nothing else.
    for (const { id } of all) {
      const world = machine.worlds.get(id);
      if (worlds.has(id)) expect(world).toBe(worlds.get(id));
      else worlds.set(id, world);
    }
    for (const id of worlds.keys()) if (gateway.find(id) === undefined) worlds.delete(id);
  }
}

test("whatever happens, each session has its process, its folder and its world", async () => {
  const steps = fc.array(step, { maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const story = new Story();
      for (const each of all) {
        await story.take(each);
        story.check();
      }
      await story.done(story.gateway.close());
      expect(story.machine.running.size).toBe(0);
    }),
    { numRuns: 60 },
  );
}, 60_000);
