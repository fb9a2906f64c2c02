/**
 * Random problems for the domains of test/fixtures/pddl: their plans are long, where those of wholly
 * random domains are short.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Dice } from "./dice.ts";
import type { PddlTexts } from "./pddl-tasks.ts";

/** The folder of the domains. */
const folder = join(import.meta.dir, "..", "fixtures", "pddl");

interface Parts {
  readonly objects: string;
  readonly init: readonly string[];
  readonly goal: readonly string[];
  readonly hasCosts?: boolean;
}

const MAKERS: Readonly<Record<string, (dice: Dice) => Parts>> = {
  gripper(dice) {
    const rooms = dice.many(2, 3, (at) => `r${at}`);
    const balls = dice.many(2, 6, (at) => `b${at}`);
    const hands = ["left", "right"].filter(() => dice.int(0, 4) > 0);
    const lies = (ball: string) => `(lies-in ${ball} ${dice.pick(rooms)})`;
    return {
      objects: `${rooms.join(" ")} - room ${balls.join(" ")} - ball`,
      init: [
        `(robot-in ${dice.pick(rooms)})`,
        ...hands.map((h) => `(empty ${h})`),
        ...balls.map(lies),
      ],
      goal: dice
        .some(balls, 2)
        .map(lies)
        .concat(`(robot-in ${dice.pick(rooms)})`),
    };
  },
  blocks(dice) {
    const blocks = dice.many(4, 6, (at) => `b${at}`);
    const init = blocks.flatMap((block, at) =>
      at === 0 || dice.int(0, 2) === 0
        ? [`(on-table ${block})`]
        : [`(on ${block} ${blocks[at - 1]})`, `(covered ${blocks[at - 1]})`],
    );
    const goal = dice.many(2, 4, () => `(on ${dice.pick(blocks)} ${dice.pick(blocks)})`);
    return { objects: blocks.join(" "), init, goal };
  },
  freight(dice) {
    const airports = ["north", "south"];
    const sites = [...airports, ...dice.many(1, 3, (at) => `s${at}`)];
    const vehicles = ["van-a", ...(dice.int(0, 1) === 0 ? [] : ["van-b"])];
    const planes = dice.int(0, 2) === 0 ? [] : ["kite"];
    const parcels = dice.many(1, 3, (at) => `p${at}`);
    const at = (thing: string, where = sites) => `(at ${thing} ${dice.pick(where)})`;
    const pairs = sites.flatMap((a) => sites.filter((b) => b !== a).map((b) => `${a} ${b}`));
    return {
      objects: `${airports.join(" ")} - airport ${sites.slice(2).join(" ")} - site
        ${vehicles.join(" ")} - van ${planes.join(" ")} ${planes.length > 0 ? "- plane" : ""}
        ${parcels.join(" ")} - parcel`,
      init: [
        ...[...vehicles, ...parcels].map((each) => at(each)),
        ...planes.map((each) => at(each, airports)),
        ...dice.some(pairs, 2).map((pair) => `(road ${pair})`),
        ...pairs.map((pair) => `(= (length ${pair}) ${dice.int(0, 20)})`),
      ],
      goal: parcels.map((each) => at(each)),
      hasCosts: dice.int(0, 3) > 0,
    };
  },
  briefcase(dice) {
    const places = ["home", "office", ...(dice.int(0, 1) === 0 ? [] : ["bank"])];
    const things = dice.many(2, 4, (at) => `t${at}`);
    const start = dice.pick(places);
    const packed = new Set(dice.some(things, 3));
    const where = (thing: string) => (packed.has(thing) ? start : dice.pick(places));
    const left = dice.int(0, 1) === 0 ? [] : ["(forall (?t - thing) (not (packed ?t)))"];
    return {
      objects: `${places.slice(1).join(" ")} - place ${things.join(" ")} - thing`,
      init: [
        `(case-at ${start})`,
        ...things.map((thing) => `(at ${thing} ${where(thing)})`),
        ...[...packed].map((thing) => `(packed ${thing})`),
      ],
      goal: [...things.map((thing) => `(at ${thing} ${dice.pick(places)})`), ...left],
      hasCosts: dice.int(0, 3) > 0,
    };
  },
  lights(dice) {
    const lamps = dice.many(4, 8, (at) => `l${at}`);
    const pairs = lamps.flatMap((a) => lamps.filter((b) => b !== a).map((b) => `${a} ${b}`));
    const wanted = lamps.map((lamp) =>
      dice.int(0, 1) === 0 ? `(lit ${lamp})` : `(not (lit ${lamp}))`,
    );
    return {
      objects: `${lamps.join(" ")} - lamp`,
      init: [
        ...dice.some(lamps, 2).map((lamp) => `(lit ${lamp})`),
        ...dice.some(pairs, 3).map((pair) => `(beside ${pair})`),
      ],
      goal: dice.int(0, 1) === 0 ? ["(finished)"] : wanted,
    };
  },
};

/** The task of a seed. */
export function pddlInstance(seed: number): PddlTexts {
  const dice = new Dice(seed);
  const [name, make] = dice.pick(Object.entries(MAKERS));
  const { objects, init, goal, hasCosts = false } = make(dice);
  const text = readFileSync(join(folder, `${name}-domain.pddl`), "utf8");
  const zero = text.includes("total-cost") ? "(= (total-cost) 0)" : "";
  return {
    domain: text,
    problem: `(define (problem ${name}-${seed}) (:domain ${name})
  (:objects ${objects})
  (:init ${[zero, ...init].join("\n    ")})
  (:goal (and ${goal.join(" ")}))
  ${hasCosts ? "(:metric minimize (total-cost))" : ""})
`,
  };
}
