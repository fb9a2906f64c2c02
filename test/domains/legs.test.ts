/**
 * What a survey and a route come to: legs between coordinates of the world, on the Earth as in
 * metres. Distances on the Earth are measured by the haversine formula, written out here.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Atom, parseAtom } from "../../src/core/atom.ts";
import type { Legs, ObjectDef, Scene } from "../../src/core/domain.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { placeKey } from "../../src/domains/sentry/place.ts";
import { sentry } from "../../src/domains/sentry.ts";
import { wholeOf } from "../support/pieces.ts";

type LonLat = readonly [lon: number, lat: number];

const { survey, follow_path: followPath, goto, hold_depth_to: holdDepthTo } = sentry.code ?? {};

function zone(name: string, vertices: readonly LonLat[], fields: JsonObject = {}): ObjectDef {
  return {
    name,
    type: "zone",
    fields: {
      coordinate_frame: "geographic",
      vertices: vertices.map(([lon, lat]) => [lon, lat]),
      coverage_width: 170,
      robot_width: 0.5,
      ...fields,
    },
  };
}
function coordinate(
  name: string,
  [longitude, latitude]: LonLat,
  fields: JsonObject = {},
): ObjectDef {
  return { name, type: "coordinate", fields: { longitude, latitude, ...fields } };
}
function sceneOf(objects: readonly ObjectDef[], state: readonly string[] = []): Scene {
  const byName = new Map(objects.map((object) => [object.name, object]));
  const atoms: readonly Atom[] = state.map(parseAtom);
  return { object: (name) => byName.get(name), objects, state: new Set(atoms) };
}
const surveyed = (scene: Scene, name = "site"): Legs => {
  const legs = survey?.script?.({ transition: "survey", parameters: { zone: name } }, scene);
  if (legs === undefined) throw new Error("a survey has a script");
  return wholeOf(legs);
};
const enters = (start: string, end: string, place: ObjectDef, scene: Scene) =>
  goto?.enters?.({ transition: "goto", parameters: { start, end } }, place, scene);

/** The scene with what a script made. */
const withLegs = ({ objects, state }: Scene, legs: Legs) =>
  sceneOf([...objects, ...legs.objects], [...state]);

function haversine([lonA, latA]: LonLat, [lonB, latB]: LonLat): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const half = (degrees: number) => Math.sin(radians(degrees) / 2) ** 2;
  const h =
    half(latB - latA) + Math.cos(radians(latA)) * Math.cos(radians(latB)) * half(lonB - lonA);
  return 2 * 6_371_008.8 * Math.asin(Math.min(1, Math.sqrt(h)));
}
const lonLatOf = (scene: Scene, name = ""): LonLat => {
  const { longitude, latitude } = scene.object(name)?.fields ?? {};
  return [Number(longitude), Number(latitude)];
};

/** A box so many metres wide and high, with its middle there. */
function box([lon, lat]: LonLat, widthM: number, heightM: number): LonLat[] {
  const dLat = (heightM / 2 / 6_371_008.8) * (180 / Math.PI);
  const dLon = (widthM / 2 / 6_371_008.8 / Math.cos((lat * Math.PI) / 180)) * (180 / Math.PI);
  return [
    [lon - dLon, lat - dLat],
    [lon + dLon, lat - dLat],
    [lon + dLon, lat + dLat],
    [lon - dLon, lat + dLat],
  ];
}

const SITE = zone("site", [
  [-70.67, 41.52],
  [-70.66, 41.52],
  [-70.66, 41.525],
  [-70.67, 41.525],
]);

test("a survey becomes legs between coordinates that it makes", () => {
  const legs = surveyed(sceneOf([zone("site", box([-70.6, 41.5], 834, 556), { depth: 40 })]));
  expect(legs.objects.map(({ name }) => name)).toEqual(
    Array.from({ length: 10 }, (_, index) => `site_leg_${index + 1}`),
  );
  expect(legs.objects[0]?.fields).toMatchObject({ coordinate_frame: "geographic", depth: 40 });
  expect(legs.steps.map(({ parameters: { start, end } }) => `${start} ${end}`).slice(0, 3)).toEqual(
    [
      "site_leg_1 site_leg_1", // where the vehicle is is not known
      "site_leg_1 site_leg_2",
      "site_leg_2 site_leg_3",
    ],
  );
  expect(legs.steps).toHaveLength(10);
});

test("the first leg begins where the vehicle is", () => {
  const wp = coordinate("wp", [-70.6, 41.6]);
  const legs = surveyed(sceneOf([SITE, wp], ["at(wp)"]));
  expect(legs.steps[0]?.parameters).toEqual({ start: "wp", end: "site_leg_1" });
  // From the north the nearest track begins at its northern end.
  expect(Number(legs.objects[0]?.fields.latitude)).toBeGreaterThan(41.524);
});

test("surveyed again, a zone makes no coordinate anew", () => {
  const scene = sceneOf([SITE]);
  const first = surveyed(scene);
  const again = surveyed(withLegs(scene, first));
  expect(again.objects).toEqual([]);
  expect(again.steps).toEqual(first.steps);
});

test("a name that is taken is passed over", () => {
  const taken = coordinate("site_leg_1", [0, 0]);
  const { objects } = surveyed(sceneOf([SITE, taken]));
  expect(objects[0]?.name).toBe("site_leg_2");
  expect(new Set(objects.map(placeKey)).size).toBe(objects.length);
});

test("on the Earth, tracks are a swath apart and cover the zone, wherever it is", () => {
  const middles = fc.tuple(
    fc.double({ min: -180, max: 180, noNaN: true }),
    fc.double({ min: -89, max: 89, noNaN: true }),
  );
  const sizes = fc.double({ min: 300, max: 5_000, noNaN: true });
  const angles = fc.constantFrom(0, 45, 90);
  fc.assert(
    fc.property(middles, sizes, sizes, angles, (middle, widthM, heightM, angle) => {
      const corners = box(middle, widthM, heightM).map(([lon, lat]): LonLat => [lon, lat]);
      const site = zone("site", corners, { angle });
      const base = sceneOf([site]);
      const legs = surveyed(base);
      const scene = withLegs(base, legs);
      // Tracks are every other leg after the first, for a box is convex.
      const tracks = legs.steps
        .filter((_, index) => index % 2 === 1)
        .map(({ parameters }) => parameters);
      const onTracks = tracks.flatMap(({ start, end }) =>
        between(lonLatOf(scene, start), lonLatOf(scene, end), 200),
      );
      for (const share of [0.003, 0.2, 0.5, 0.8, 0.997]) {
        for (const up of [0.003, 0.3, 0.5, 0.7, 0.997]) {
          const point = within(corners, share, up);
          const nearest = Math.min(...onTracks.map((on) => haversine(point, on)));
          expect(nearest).toBeLessThan(85 * 1.01 + 20); // points on a track are up to 36 m apart
        }
      }
    }),
    { numRuns: 40 },
  );
});

/** A point of a box by its shares, across the antimeridian too. */
function within([a, b, , d]: readonly LonLat[], share: number, up: number): LonLat {
  const [west, south] = a as LonLat;
  return [west + share * ((b as LonLat)[0] - west), south + up * ((d as LonLat)[1] - south)];
}

/** Points on the way between two, close together: on the sphere by way of vectors. */
function between(from: LonLat, to: LonLat, count: number): LonLat[] {
  const vector = ([lon, lat]: LonLat) => {
    const [a, b] = [(lon * Math.PI) / 180, (lat * Math.PI) / 180];
    return [Math.cos(b) * Math.cos(a), Math.cos(b) * Math.sin(a), Math.sin(b)] as const;
  };
  const [a, b] = [vector(from), vector(to)];
  return Array.from({ length: count + 1 }, (_, index): LonLat => {
    const mixed = ([0, 1, 2] as const).map(
      (axis) => a[axis] + (index / count) * (b[axis] - a[axis]),
    );
    const [x = 0, y = 0, z = 0] = mixed;
    return [(Math.atan2(y, x) * 180) / Math.PI, (Math.atan2(z, Math.hypot(x, y)) * 180) / Math.PI];
  });
}

test("a zone across the antimeridian is one zone, and longitudes stay within 180 degrees", () => {
  const site = zone("site", [
    [179.99, 10],
    [-179.99, 10],
    [-179.99, 10.01],
    [179.99, 10.01],
  ]);
  const { objects, steps } = surveyed(sceneOf([site]));
  // 2.2 km wide: 13 tracks.
  expect(steps).toHaveLength(2 * 13);
  for (const { fields } of objects)
    expect(Math.abs(Number(fields.longitude))).toBeLessThanOrEqual(180);
});

test("a zone round the pole is surveyed as any other", () => {
  const corners = [0, 90, 180, -90].map((lon): LonLat => [lon, 89.99]);
  const base = sceneOf([zone("site", corners)]);
  const legs = surveyed(base);
  const scene = withLegs(base, legs);
  const on = legs.steps.flatMap(({ parameters: { start, end } }) =>
    between(lonLatOf(scene, start), lonLatOf(scene, end), 200),
  );
  expect(Math.min(...on.map((point) => haversine([0, 90], point)))).toBeLessThan(90);
});

test("no leg of a survey enters a keep-out, by the rule that is asked when it is flown", () => {
  const offset = fc.double({ min: -0.02, max: 0.02, noNaN: true });
  const keepOuts = fc.array(
    fc.tuple(offset, offset, fc.double({ min: 20, max: 900, noNaN: true })),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  const starts = fc.tuple(fc.integer({ min: -300, max: 300 }), fc.integer({ min: -300, max: 300 }));
  let flown = 0;
  fc.assert(
    fc.property(keepOuts, starts, (boxes, [east, north]) => {
      const kept = boxes.map(([dLon, dLat, sizeM], index) =>
        zone(`kept_${index}`, box([-70.665 + dLon, 41.5225 + dLat], sizeM, sizeM / 2)),
      );
      const wp = coordinate("wp", [-70.665 + east / 100, 41.5225 + north / 100]);
      const state = ["at(wp)", ...kept.map(({ name }) => `no_entry(${name})`)];
      const base = sceneOf([SITE, wp, ...kept], state);
      if (kept.some((each) => enters("wp", "wp", each, base) === true)) return;
      let legs: Legs;
      try {
        legs = surveyed(base);
      } catch (cause) {
        expect(String(cause)).toContain("keep-outs");
        return;
      }
      flown += 1;
      const scene = withLegs(base, legs);
      const entered = legs.steps.flatMap(({ parameters: { start = "", end = "" } }) =>
        kept.filter((each) => enters(start, end, each, scene) !== false).map(({ name }) => name),
      );
      expect(entered).toEqual([]);
    }),
    { numRuns: 150 },
  );
  expect(flown).toBeGreaterThan(75);
});

test("a leg enters a keep-out when its straight way does", () => {
  const kept = zone("kept", box([-70.6, 41.5], 1_000, 1_000));
  const known = [
    coordinate("west", [-70.7, 41.5]),
    coordinate("east", [-70.5, 41.5]),
    coordinate("north", [-70.6, 41.6]),
    coordinate("inside", [-70.6, 41.5]),
    coordinate("nowhere", [Number.NaN, 0]),
    coordinate("metres", [0, 0], { coordinate_frame: "local_enu" }),
    coordinate("far", [100, -41.5]),
  ];
  const scene = sceneOf([kept, ...known], ["no_entry(kept)"]);
  expect(enters("west", "east", kept, scene)).toBe(true);
  expect(enters("west", "north", kept, scene)).toBe(false);
  expect(enters("north", "inside", kept, scene)).toBe(true);
  expect(enters("inside", "inside", kept, scene)).toBe(true);
  expect(enters("far", "far", kept, scene)).toBe(false);
  // What cannot be told is refused.
  expect(enters("north", "nowhere", kept, scene)).toBe(true);
  expect(enters("north", "metres", kept, scene)).toBe(true);
  expect(enters("far", "north", kept, scene)).toBe(true);
});

test("a keep-out that is no polygon is refused, not passed over", () => {
  const line = zone("line", [
    [-70.6, 41.5],
    [-70.5, 41.5],
  ]);
  const wp = coordinate("wp", [-70.7, 41.5]);
  const scene = sceneOf([SITE, line, wp], ["no_entry(line)"]);
  const problem = 'Cannot keep out of "line": it has 2 different vertices, not 3 or more';
  expect(() => enters("wp", "wp", line, scene)).toThrow(problem);
  expect(() => surveyed(scene)).toThrow(problem);
});

const ROUTE: ObjectDef = {
  name: "loop",
  type: "route",
  fields: {
    coordinate_frame: "geographic",
    altitude: 5,
    waypoints: [
      [-70.67, 41.52],
      [-70.66, 41.52],
      [-70.66, 41.53],
    ],
  },
};
const followed = (scene: Scene): Legs => {
  const step = { transition: "follow_path", parameters: { route: "loop" } };
  const legs = followPath?.script?.(step, scene);
  if (legs === undefined) throw new Error("a route has a script");
  return wholeOf(legs);
};

test("a route is followed from its nearer end, its waypoints in their order", () => {
  const ends = (legs: Legs) =>
    legs.steps.map(
      ({ parameters }) => legs.objects.find(({ name }) => name === parameters.end)?.fields,
    );
  const south = followed(sceneOf([ROUTE, coordinate("wp", [-70.67, 41.5])], ["at(wp)"]));
  const north = followed(sceneOf([ROUTE, coordinate("wp", [-70.66, 41.6])], ["at(wp)"]));
  expect(ends(south).map((fields) => [fields?.longitude, fields?.latitude])).toEqual(
    ROUTE.fields.waypoints as never,
  );
  expect(ends(north)).toEqual([...ends(south)].reverse());
  expect(south.steps[0]?.parameters.start).toBe("wp");
  expect(ends(south)[0]).toMatchObject({ altitude: 5 });
  expect(followed(sceneOf([ROUTE])).steps[0]?.parameters).toEqual({
    start: "loop_leg_1",
    end: "loop_leg_1",
  });
});

test("the way to a route goes round keep-outs, the route itself is refused", () => {
  const wp = coordinate("wp", [-70.69, 41.52]);
  const beside = zone("kept", box([-70.68, 41.52], 200, 200));
  const state = ["at(wp)", "no_entry(kept)"];
  const round = sceneOf([ROUTE, wp, beside], state);
  expect(followed(round).steps.length).toBeGreaterThan(3);
  const across = sceneOf([ROUTE, wp, zone("kept", box([-70.665, 41.52], 200, 200))], state);
  expect(() => followed(across)).toThrow('Cannot follow "loop": it enters "kept"');
});

test("waypoints and vertices may be coordinates by their names", () => {
  const names = ["a", "b", "c"];
  const corners = names.map((name, index) =>
    coordinate(name, (ROUTE.fields.waypoints as LonLat[])[index] as LonLat),
  );
  const route = { ...ROUTE, fields: { ...ROUTE.fields, waypoints: names } };
  expect(followed(sceneOf([route, ...corners])).steps).toHaveLength(3);
  const site = { ...SITE, fields: { ...SITE.fields, vertices: names } };
  expect(surveyed(sceneOf([site, ...corners])).steps.length).toBeGreaterThan(5);
});

test("costs are seconds", () => {
  const scene = sceneOf([
    coordinate("a", [-70.67, 41.52]),
    coordinate("b", [-70.66, 41.52]),
    zone("site", box([-70.6, 41.5], 850, 500), { speed: 2 }),
    zone("unfit", []),
    ROUTE,
    { name: "deep", type: "depthtarget", fields: { depth_m: 90, hold_duration_s: 60 } },
  ]);
  const cost = (transition: string, parameters: Record<string, string>) =>
    sentry.code?.[transition]?.cost?.({ transition, parameters }, scene);
  const metres = haversine([-70.67, 41.52], [-70.66, 41.52]);
  expect(cost("goto", { start: "a", end: "b" })).toBeCloseTo(metres, 3);
  expect(cost("goto", { start: "*", end: "b" })).toBe(0);
  // Five tracks of 500 m at 2 m/s.
  expect(cost("survey", { zone: "site" })).toBeCloseTo((5 * 500) / 2, 0);
  expect(cost("survey", { zone: "unfit" })).toBe(0);
  expect(cost("follow_path", { route: "loop" })).toBeGreaterThan(metres);
  expect(
    holdDepthTo?.cost?.({ transition: "hold_depth_to", parameters: { target: "deep" } }, scene),
  ).toBe(60);
});
