/**
 * Surveys as they are flown. Judged from outside: points are drawn in the zone, the distance to the
 * nearest track is measured by the test's own arithmetic, and legs are walked in small steps.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Atom, parseAtom } from "../../src/core/atom.ts";
import type { ObjectDef, Scene } from "../../src/core/domain.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { type SurveyFlight, surveyFlight as surveyPieces } from "../../src/domains/sentry/code.ts";
import type { Point, Ring } from "../../src/domains/sentry/geometry/plane.ts";
import { wholeOf } from "../support/pieces.ts";

const RUNS = { numRuns: 60 };

const surveyFlight = (site: ObjectDef, scene: Scene): SurveyFlight =>
  wholeOf(surveyPieces(site, scene));

function zone(name: string, vertices: Ring, fields: JsonObject = {}): ObjectDef {
  return {
    name,
    type: "zone",
    fields: {
      coordinate_frame: "local_enu",
      vertices: vertices.map(([x, y]) => [x, y]),
      coverage_width: 10,
      robot_width: 1,
      ...fields,
    },
  };
}

function sceneOf(objects: readonly ObjectDef[], state: readonly string[] = []): Scene {
  const byName = new Map(objects.map((object) => [object.name, object]));
  const atoms: readonly Atom[] = state.map(parseAtom);
  return { object: (name) => byName.get(name), objects, state: new Set(atoms) };
}

/** A polygon, convex or not, around a middle: a radius for each of its directions. */
const star = (middle: Point, least: number, most: number) =>
  fc.array(fc.double({ min: least, max: most, noNaN: true }), { minLength: 3, maxLength: 9 }).map(
    (radii): Ring =>
      radii.map((radius, index) => {
        const angle = (index / radii.length) * 2 * Math.PI;
        return [middle[0] + radius * Math.cos(angle), middle[1] + radius * Math.sin(angle)];
      }),
  );

/** By the angle under which the polygon is seen: nothing to do with how the code tells. */
function holds(ring: Ring, [x, y]: Point): boolean {
  let turned = 0;
  for (const [index, [ax, ay]] of ring.entries()) {
    const [bx, by] = ring[(index + 1) % ring.length] as Point;
    let angle = Math.atan2(by - y, bx - x) - Math.atan2(ay - y, ax - x);
    if (angle > Math.PI) angle -= 2 * Math.PI;
    if (angle < -Math.PI) angle += 2 * Math.PI;
    turned += angle;
  }
  return Math.abs(turned) > Math.PI;
}

function away([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const squared = (bx - ax) ** 2 + (by - ay) ** 2;
  const share = squared === 0 ? 0 : ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / squared;
  const at = Math.max(0, Math.min(1, share));
  return Math.hypot(x - ax - at * (bx - ax), y - ay - at * (by - ay));
}

function isNear(rings: readonly Ring[], point: Point, margin: number): boolean {
  return rings.some(
    (ring) =>
      holds(ring, point) ||
      ring.some(
        (corner, at) => away(point, corner, ring[(at + 1) % ring.length] as Point) < margin,
      ),
  );
}

/** Points spread evenly over the box of a polygon, those inside it. */
function pointsIn(ring: Ring, count = 60): Point[] {
  const [xs, ys] = [ring.map(([x]) => x), ring.map(([, y]) => y)];
  const [west, south] = [Math.min(...xs), Math.min(...ys)];
  const [east, north] = [Math.max(...xs), Math.max(...ys)];
  return Array.from({ length: count * count }, (_, index): Point => {
    const [column, row] = [index % count, Math.floor(index / count)];
    return [
      west + ((column + 0.5) / count) * (east - west),
      south + ((row + 0.5) / count) * (north - south),
    ];
  }).filter((point) => holds(ring, point));
}

type Leg = SurveyFlight["legs"][number];

function coverage(points: readonly Point[], legs: readonly Leg[], width: number): number {
  const tracks = legs.filter(({ isTrack }) => isTrack);
  // A thousandth of a swath may stick out at the sides, together.
  const covered = points.filter((point) =>
    tracks.some(({ from, to }) => away(point, from, to) <= (width / 2) * 1.001),
  );
  return points.length === 0 ? 1 : covered.length / points.length;
}

function walked({ from, to }: Leg, stepM: number): Point[] {
  const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / stepM));
  return Array.from({ length: steps + 1 }, (_, step): Point => {
    const share = step / steps;
    return [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
  });
}

test("every point of a zone is within half a swath of a track", () => {
  const zones = star([0, 0], 20, 400);
  const widths = fc.double({ min: 3, max: 120, noNaN: true });
  const angles = fc.double({ min: -360, max: 360, noNaN: true });
  fc.assert(
    fc.property(zones, widths, angles, (ring, width, angle) => {
      const site = zone("site", ring, { coverage_width: width, angle });
      const { legs } = surveyFlight(site, sceneOf([site]));
      expect(coverage(pointsIn(ring), legs, width)).toBe(1);
    }),
    RUNS,
  );
});

test("with keep-outs, 99 % of the rest is covered and no leg comes near one", () => {
  const zones = star([0, 0], 150, 400);
  const keepOuts = fc.array(
    fc
      .tuple(fc.integer({ min: -250, max: 250 }), fc.integer({ min: -250, max: 250 }))
      .chain((middle) => star(middle, 5, 60)),
    { minLength: 1, maxLength: 3 },
  );
  const widths = fc.double({ min: 4, max: 40, noNaN: true });
  const angles = fc.double({ min: 0, max: 180, noNaN: true });
  const patterns = fc.constantFrom("Boustrophedon", "Snake", "Spiral");
  let flown = 0;
  fc.assert(
    fc.property(zones, keepOuts, widths, angles, patterns, (ring, rings, width, angle, pattern) => {
      const site = zone("site", ring, { coverage_width: width, angle, pattern });
      const kept = rings.map((each, index) => zone(`kept_${index}`, each));
      const state = kept.map(({ name }) => `no_entry(${name})`);
      const legs = flightOrNone(site, sceneOf([site, ...kept], state));
      if (legs === undefined) return;
      flown += 1;
      const near = legs.flatMap((leg) => walked(leg, 1)).find((point) => isNear(rings, point, 0.5));
      expect(near).toBeUndefined();
      const free = pointsIn(ring).filter((point) => !rings.some((each) => holds(each, point)));
      expect(coverage(free, legs, width)).toBeGreaterThanOrEqual(0.99);
    }),
    RUNS,
  );
  expect(flown).toBeGreaterThan(RUNS.numRuns / 2); // the others have a part that nobody can reach
});

/** Walls about a hollow that is open on one side: from outside, what lies in it is near and far. */
const hollow = (middle: Point, [wide, high]: Point, degrees: number): Ring => {
  const [x, y, wall] = [wide / 2, high / 2, 4];
  const radians = (degrees * Math.PI) / 180;
  const [sin, cos] = [Math.sin(radians), Math.cos(radians)];
  const corners: Ring = [
    [-x, -y],
    [x, -y],
    [x, -y + wall],
    [-x + wall, -y + wall],
    [-x + wall, y - wall],
    [x, y - wall],
    [x, y],
    [-x, y],
  ];
  return corners.map(
    ([a, b]): Point => [middle[0] + a * cos - b * sin, middle[1] + a * sin + b * cos],
  );
};

test("beside slanted walls the next part is the one with the shortest way to it", () => {
  const field: Ring = [
    [0, 0],
    [400, 0],
    [400, 400],
    [0, 400],
  ];
  const slants = fc.integer({ min: 0, max: 359 });
  const widths = fc.double({ min: 5, max: 12, noNaN: true });
  fc.assert(
    fc.property(slants, slants, slants, widths, (outer, inner, angle, width) => {
      const rings = [hollow([200, 200], [280, 240], outer), hollow([200, 200], [110, 90], inner)];
      const site = zone("site", field, { coverage_width: width, angle });
      const kept = rings.map((each, index) => zone(`kept_${index}`, each));
      const state = kept.map(({ name }) => `no_entry(${name})`);
      const { legs } = surveyFlight(site, sceneOf([site, ...kept], state));
      const near = legs.flatMap((leg) => walked(leg, 1)).find((point) => isNear(rings, point, 0.5));
      expect(near).toBeUndefined();
      const free = pointsIn(field).filter((point) => !rings.some((each) => holds(each, point)));
      expect(coverage(free, legs, width)).toBeGreaterThanOrEqual(0.99);
      // 4.4 where the nearest was meant as the crow flies, through walls.
      expect(lengthOf(legs) / lengthOf(tracksOf(legs))).toBeLessThan(1.5);
    }),
    { numRuns: 12 },
  );
}, 60_000);

/** Undefined where keep-outs leave a part of the zone that nobody can reach. */
function flightOrNone(site: ObjectDef, scene: Scene): readonly Leg[] | undefined {
  try {
    return surveyFlight(site, scene).legs;
  } catch (cause) {
    expect(String(cause)).toContain("keep-outs");
    return undefined;
  }
}

const SQUARE: Ring = [
  [0, 0],
  [100, 0],
  [100, 100],
  [0, 100],
];

const tracksOf = (legs: readonly Leg[]) => legs.filter(({ isTrack }) => isTrack);
const acrossOf = (legs: readonly Leg[]) => tracksOf(legs).map(({ from }) => Math.round(from[0]));
const flownOver = (ring: Ring, fields: JsonObject = {}) => {
  const site = zone("site", ring, fields);
  return surveyFlight(site, sceneOf([site])).legs;
};
const lengthOf = (legs: readonly Leg[]) =>
  legs.reduce((sum, { from, to }) => sum + Math.hypot(to[0] - from[0], to[1] - from[1]), 0);

test("tracks lie one swath apart, run north and turn at each end", () => {
  const legs = flownOver(SQUARE);
  expect(acrossOf(legs)).toEqual([5, 15, 25, 35, 45, 55, 65, 75, 85, 95]);
  expect(tracksOf(legs)[0]).toEqual({ from: [5, 0], to: [5, 100], isTrack: true });
  expect(tracksOf(legs)[1]).toEqual({ from: [15, 100], to: [15, 0], isTrack: true });
  // The area is the tracks' length times the swath; the ways between are nine times 10 m.
  expect(lengthOf(tracksOf(legs)) * 10).toBeCloseTo(100 * 100, 6);
  expect(lengthOf(legs)).toBeCloseTo(10 * 100 + 9 * 10, 6);
});

test("the angle turns the tracks from north to the east", () => {
  const [first] = tracksOf(flownOver(SQUARE, { angle: 90 }));
  expect(first?.from[1]).toBeCloseTo(first?.to[1] as number, 9);
  const [slanted] = tracksOf(flownOver(SQUARE, { angle: 30 }));
  const [dx, dy] = [
    (slanted?.to[0] as number) - (slanted?.from[0] as number),
    (slanted?.to[1] as number) - (slanted?.from[1] as number),
  ];
  expect((Math.atan2(dx, dy) * 180) / Math.PI).toBeCloseTo(30, 6);
});

test("the patterns are those of Fields2Cover", () => {
  const order = (pattern: string) =>
    acrossOf(flownOver(SQUARE, { pattern })).map((x) => (x + 5) / 10);
  expect(order("Boustrophedon")).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(order("Snake")).toEqual([1, 3, 5, 7, 9, 10, 8, 6, 4, 2]);
  expect(order("Spiral")).toEqual([1, 6, 2, 5, 3, 4, 7, 10, 8, 9]);
});

test("a zone that is narrower than a swath, or tiny, gets one track", () => {
  const narrow: Ring = [
    [0, 0],
    [3, 0],
    [3, 50],
    [0, 50],
  ];
  expect(tracksOf(flownOver(narrow))).toEqual([{ from: [1.5, 0], to: [1.5, 50], isTrack: true }]);
  const tiny = SQUARE.map(([x, y]): Point => [x / 10_000, y / 10_000]);
  expect(tracksOf(flownOver(tiny))).toHaveLength(1);
});

test("a line over a zone that is not convex comes in pieces", () => {
  const u: Ring = [
    [0, 0],
    [90, 0],
    [90, 100],
    [60, 100],
    [60, 40],
    [30, 40],
    [30, 100],
    [0, 100],
  ];
  const pieces = tracksOf(flownOver(u, { angle: 90 }));
  // Four lines over the whole, then six over each leg of the u; the fourth ends on its bottom.
  expect(pieces).toHaveLength(4 + 6 * 2);
  // Part after part: the gap between the legs of the u is crossed once, not once a line.
  const legs = flownOver(u, { angle: 90 }).filter(({ isTrack }) => !isTrack);
  expect(legs.filter(({ from, to }) => Math.abs(from[0] - to[0]) > 20)).toHaveLength(1);
});

test("a survey begins at the end that is nearest to the vehicle", () => {
  const site = zone("site", SQUARE);
  const here: ObjectDef = {
    name: "here",
    type: "coordinate",
    fields: { longitude: 120, latitude: 110, coordinate_frame: "local_enu" },
  };
  const { legs } = surveyFlight(site, sceneOf([site, here], ["at(here)"]));
  expect(legs[0]).toEqual({ from: [120, 110], to: [95, 100], isTrack: false });
  expect(legs[1]).toEqual({ from: [95, 100], to: [95, 0], isTrack: true });
});

test("a vehicle that is near a keep-out can leave, one inside cannot", () => {
  const site = zone("site", SQUARE);
  const kept = zone("kept", [
    [-60, 0],
    [-20, 0],
    [-20, 100],
    [-60, 100],
  ]);
  const from = (longitude: number) => {
    const fields = { longitude, latitude: 50, coordinate_frame: "local_enu" };
    const here: ObjectDef = { name: "here", type: "coordinate", fields };
    return sceneOf([site, kept, here], ["at(here)", "no_entry(kept)"]);
  };
  expect(
    surveyFlight(site, from(-60.2)).legs.filter(({ isTrack }) => !isTrack).length,
  ).toBeGreaterThan(9);
  expect(() => surveyFlight(site, from(-40))).toThrow(
    'Cannot survey "site": there is no way round the keep-outs to each of its tracks',
  );
});

test("what keep-outs leave nothing of is refused", () => {
  const site = zone("site", SQUARE);
  const all = zone("all", [
    [-10, -10],
    [110, -10],
    [110, 110],
    [-10, 110],
  ]);
  expect(() => surveyFlight(site, sceneOf([site, all], ["no_entry(all)"]))).toThrow(
    'Cannot survey "site": keep-outs leave nothing of it',
  );
});

test("a zone that cannot be surveyed is refused with what is wrong", () => {
  const refused = (vertices: unknown, fields: JsonObject = {}) => {
    const site = zone("site", SQUARE, { ...fields, vertices: vertices as never });
    try {
      surveyFlight(site, sceneOf([site]));
    } catch (cause) {
      return (cause as Error).message.replace('Cannot survey "site": ', "");
    }
    return "flown";
  };
  const bow = [
    [0, 0],
    [10, 10],
    [10, 0],
    [0, 10],
  ];
  expect(refused(bow)).toBe("its edges 1 and 3 cross or touch each other");
  expect(refused([...SQUARE, [0, 0]])).toBe("flown"); // closed, as GeoJSON has it
  expect(refused(SQUARE.slice(0, 2))).toBe("it has 2 different vertices, not 3 or more");
  expect(
    refused([
      [1, 1],
      [1, 1],
      [2, 2],
    ]),
  ).toBe("it has 2 different vertices, not 3 or more");
  expect(
    refused([
      [0, 0],
      [5, 5],
      [10, 10],
    ]),
  ).toMatch(/^its (edges|vertices)/);
  expect(
    refused([
      [0, 0],
      [1, 1e-12],
      [2, 0],
    ]),
  ).toBe("its vertices are on one line");
  expect(
    refused([
      [0, 0],
      [Number.NaN, 1],
      [2, 0],
    ]),
  ).toBe("number 2 of its vertices is [null,1], not [east, north] in metres");
  expect(refused([...SQUARE.slice(0, 2), [50, 0], [50, 50]])).toBe(
    "its edges 1 and 2 cross or touch each other",
  );
  expect(refused("everywhere")).toBe("its vertices are no list");
  expect(refused([[0, 0], "wp", [2, 0]])).toStartWith('number 2 of its vertices is "wp"');
  expect(refused(Array.from({ length: 1_001 }, () => [0, 0]))).toBe(
    "it has more than 1000 vertices",
  );
  expect(refused(SQUARE, { coverage_width: 0 })).toBe("its coverage_width is 0, not above 0");
  expect(refused(SQUARE, { robot_width: -1 })).toBe("its robot_width is -1, not above 0");
  expect(refused(SQUARE, { coverage_width: Number.NaN })).toBe(
    "its coverage_width is NaN, no number",
  );
  expect(refused(SQUARE, { robot_width: null })).toBe("it has no robot_width");
  expect(refused(SQUARE, { speed: 0 })).toBe("its speed is 0, not above 0");
  expect(refused(SQUARE, { pattern: "Zigzag" })).toBe(
    'its pattern is "Zigzag", not Boustrophedon, Snake, Spiral',
  );
  expect(refused(SQUARE, { coordinate_frame: null })).toStartWith("it has no coordinate_frame");
  expect(refused(SQUARE, { coordinate_frame: "mars" })).toBe(
    'its coordinate_frame is "mars", not geographic or local_enu',
  );
  expect(refused(SQUARE, { coordinate_frame: "geographic" })).toStartWith(
    "number 3 of its vertices is [100,100], not [lon, lat] in degrees",
  );
  expect(refused(SQUARE, { coverage_width: 0.01 })).toBe(
    "a coverage_width of 0.01 m makes 10000 tracks, at most 5000 can be planned",
  );
  expect(refused(SQUARE.map(([x, y]) => [x * 1e5, y * 1e5]))).toBe("it is more than 400 km across");
});

test("what a keep-out leaves of a swath gets tracks of its own", () => {
  const ring: Ring = [
    [0, 0],
    [120, 0],
    [120, 400],
    [0, 400],
  ];
  // Over the middle of the second swath, so that its line is stopped for 300 m.
  const kept: Ring = [
    [55, 50],
    [65, 50],
    [65, 350],
    [55, 350],
  ];
  const site = zone("site", ring, { coverage_width: 40 });
  const scene = sceneOf([site, zone("kept", kept)], ["no_entry(kept)"]);
  const { legs } = surveyFlight(site, scene);
  const free = pointsIn(ring, 100).filter((point) => !holds(kept, point));
  expect(coverage(free, legs, 40)).toBeGreaterThan(0.999);
  expect(tracksOf(legs)).toHaveLength(2 + 2 + 2);
});

test("keep-outs of more corners than can be gone round in time are refused", () => {
  const site = zone("site", SQUARE);
  const circle = (middle: number) =>
    zone(
      `kept_${middle}`,
      Array.from({ length: 600 }, (_, index): Point => {
        const angle = (index / 600) * 2 * Math.PI;
        return [middle + 10 * Math.cos(angle), 50 + 10 * Math.sin(angle)];
      }),
    );
  const scene = sceneOf([site, circle(30), circle(70)], ["no_entry(kept_30)", "no_entry(kept_70)"]);
  expect(() => surveyFlight(site, scene)).toThrow(
    'Cannot survey "site": its keep-outs have 1200 corners',
  );
});

test("keep-outs that cut a zone into more tracks than can be flown are refused", () => {
  const field: Ring = [
    [0, 0],
    [4_000, 0],
    [4_000, 100],
    [0, 100],
  ];
  const across = field.map(([x, y]): Point => [x * 1.01 - 10, 40 + y / 5]);
  const site = zone("site", field, { coverage_width: 1, robot_width: 0.1 });
  const wall = zone("wall", across);
  expect(() => surveyFlight(site, sceneOf([site, wall], ["no_entry(wall)"]))).toThrow(
    'Cannot survey "site": its keep-outs cut it into 8000 tracks, at most 5000 can be flown',
  );
});

test("beside a keep-out nothing is flown that passes nothing of the zone", () => {
  const site = zone("site", SQUARE, { angle: 30 });
  const kept = zone("kept", SQUARE);
  expect(() => surveyFlight(site, sceneOf([site, kept], ["no_entry(kept)"]))).toThrow(
    'Cannot survey "site": keep-outs leave nothing of it',
  );
});
