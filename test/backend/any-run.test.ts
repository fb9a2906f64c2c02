// Goal: whatever blocks are asked for and whatever servants do, a run hands out one step at a time,
// ends, and tells the truth of how it ended.
// Method: seeded worlds on a fake clock. Servants succeed, fail, see something else, are blind, or
// fall silent for good; the state changes from outside; now and then somebody cancels.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Backend, createBackend } from "../../src/backend/backend.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { patrolling } from "./patrol.ts";

const ROOMS = ["room_one", "room_two", "room_three"];
const GOALS = [
  ...ROOMS.flatMap((room) => [`robot_at(${room})`, `box_at(${room}, box_a)`]),
  ...["holding(box_a)", "swept(north)", "swept(south)", "patrolled", "at(depot)", "at(nowhere)"],
];
const OFFERS = ["move", "pick", "place", "go", "sweep"];
const BELIEFS = ["robot_at", "at", "swept"];
const TICK_MS = 100;
const TICKS_MAX = 3_000;

type Dice = <T>(choices: readonly T[]) => T;

function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  return (choices) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return choices[Math.floor((state / 2 ** 32) * choices.length)] as (typeof choices)[number];
  };
}

class World {
  readonly clock = new FakeClock();
  readonly backend: Backend;
  readonly dice: Dice;
  readonly servants: string[] = [];

  constructor(seed: number) {
    this.dice = diceOf(seed);
    const leases = { leaseMs: 2_000, silentLeaseMs: 2_000 };
    const domains = [warehouse, patrolling];
    this.backend = createBackend({ domains, clock: this.clock, ...leases });
  }

  async ask(path: string, body?: Json): Promise<{ status: number; body: JsonObject }> {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const answer = await this.backend.fetch(new Request(`http://127.0.0.1${path}`, init));
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? {} : (JSON.parse(text) as JsonObject) };
  }

  async hire(): Promise<void> {
    const some = (names: readonly string[]) => names.filter(() => this.dice([true, true, false]));
    const offer = { transitions: ["go", ...some(OFFERS)], beliefs: some(BELIEFS) };
    const { body } = await this.ask("/servant/register", offer);
    this.servants.push(String(body.servant_id));
  }

  /** What a servant does with what it is handed; undefined: it is never heard again. */
  reply({ kind, fluent_name }: JsonObject): JsonObject | undefined {
    const mood = this.dice(["well", "well", "well", "well", "fails", "strays", "dies", "well"]);
    if (mood === "dies" && this.dice([true, false, false])) return undefined;
    if (kind === "belief") {
      if (mood === "fails") return { success: false, message: "blind", observed_state: [] };
      if (mood !== "strays") return { success: true, is_unchecked: true };
      const atom = this.dice(GOALS.filter((goal) => goal.startsWith(`${fluent_name}(`)));
      const seen = { [atom]: this.dice([true, false]) };
      return { success: true, observed_state: seen, exclusive_fluents: [fluent_name ?? ""] };
    }
    if (mood === "strays") return { success: true, observed_state: { [this.dice(GOALS)]: true } };
    return { success: mood !== "fails", message: mood };
  }

  blocks(depth = 0): JsonObject[] {
    return Array.from({ length: this.dice([1, 2, 3]) }, (): JsonObject => {
      const type = this.dice(depth > 2 ? ["plan"] : ["plan", "plan", "action", "order"]);
      if (type === "order") return { type, name: "o", children: this.blocks(depth + 1) };
      if (type === "plan") return { type, goal: [this.dice(GOALS), this.dice(GOALS)] };
      const params = { start: this.dice(ROOMS), end: this.dice(ROOMS) };
      return this.dice([
        { type, action: "move", params },
        { type, action: "sweep", params: { lane: "south" } },
      ]);
    });
  }
}

/** The steps that are under way and have none of their own under way. */
function openLeaves(results: Json | undefined): string[] {
  if (!Array.isArray(results)) return [];
  return (results as JsonObject[]).flatMap((result) => {
    if (result.success !== null) return [];
    const inner = [...openLeaves(result.steps), ...openLeaves(result.results)];
    return inner.length > 0 || result.type !== "action" ? inner : [String(result.audit_id)];
  });
}

test("any run hands out one step at a time, ends, and says how", async () => {
  const endings = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const world = new World(seed);
      await world.ask("/start", {
        start: ["robot_at(room_one)", "box_at(room_one, box_a)", "at(base)"],
      });
      for (const _ of [1, 2, 3]) if (world.dice([true, true, false])) await world.hire();
      const { body } = await world.ask("/execute_blocks?wait=false", { blocks: world.blocks() });
      const id = String(body.run_id);
      const silent = new Set<string>();
      for (let tick = 0; ; tick += 1) {
        expect(tick).toBeLessThan(TICKS_MAX);
        await new Promise(setImmediate);
        const { body: run } = await world.ask(`/runs/${id}`);
        const leaves = openLeaves(run.results);
        expect(leaves.length).toBeLessThanOrEqual(1);
        if (run.status !== "running") {
          endings.add(String(run.status));
          expect(leaves).toEqual([]);
          const all = run.results as unknown as JsonObject[];
          expect(run.success).toBe(all.every(({ success }) => success === true));
          break;
        }
        for (const servant of world.servants.filter((each) => !silent.has(each))) {
          const { status, body: given } = await world.ask(`/servant/${servant}/next_assignment`);
          if (status !== 200) continue;
          if (given.kind === "action") {
            const { body: now } = await world.ask(`/runs/${id}`);
            // What goes out is what the run waits for, unless it was called off meanwhile.
            if (now.status === "running")
              expect(openLeaves(now.results)).toEqual([String(given.audit_id)]);
          }
          const reply = world.reply(given);
          if (reply === undefined) silent.add(servant);
          else
            await world.ask(`/servant/${servant}/result`, {
              ...reply,
              audit_id: given.audit_id ?? "",
            });
        }
        const event = world.dice([
          ...Array(60).fill("nothing"),
          "change",
          "change",
          "hire",
          "cancel",
        ]);
        if (event === "change") {
          await world.ask("/belief/set", {
            fluent: world.dice(GOALS.slice(0, -1)),
            value: world.dice([true, false]),
          });
        } else if (event === "hire") await world.hire();
        else if (event === "cancel") await world.ask("/cancel", {});
        await world.clock.advance(TICK_MS);
      }
      await world.backend.close();
    }),
    { numRuns: 200 },
  );
  expect([...endings].sort()).toEqual(["cancelled", "failed", "succeeded"]);
}, 120_000);
