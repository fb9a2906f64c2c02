/** The map: objects that say where they are, and where the vehicle has been. */
import { expect, test } from "bun:test";
import { asGeoJson } from "../../src/backend/geojson.ts";
import { memoryStore } from "../../src/backend/memory-store.ts";
import type { Domain, ObjectDef } from "../../src/core/domain.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { harness } from "./harness.ts";

const object = (name: string, fields: Record<string, Json>): ObjectDef => ({
  name,
  type: "thing",
  fields,
});
const wp = object("wp", { latitude: 41, longitude: -70, depth: 3 });
const find = (name: string) => (name === "wp" ? wp : undefined);
const featuresOf = (...objects: ObjectDef[]) =>
  asGeoJson(objects, find, []).features as readonly JsonObject[];

test("a point, a polygon and a line, with what else the object says", () => {
  const square = [
    [0, 0],
    [0, 1],
    [1, 1],
    [1, 0],
  ];
  const features = featuresOf(
    wp,
    { ...object("zone", { vertices: square, speed: 2 }), parent: "sea" },
    object("way", { waypoints: ["wp", [-71, 42]] }),
  );
  expect(features).toEqual([
    {
      ...{ type: "Feature", id: "wp" },
      geometry: { type: "Point", coordinates: [-70, 41] },
      properties: { kind: "object", name: "wp", type: "thing", ...wp.fields },
    },
    {
      ...{ type: "Feature", id: "zone" },
      // Closed, and counterclockwise.
      geometry: { type: "Polygon", coordinates: [[[0, 0], ...square.toReversed()]] },
      properties: { kind: "object", name: "zone", type: "thing", speed: 2, parent: "sea" },
    },
    {
      ...{ type: "Feature", id: "way" },
      geometry: {
        type: "LineString",
        coordinates: [
          [-70, 41],
          [-71, 42],
        ],
      },
      properties: { kind: "object", name: "way", type: "thing" },
    },
  ]);
});

test.each<Record<string, Json>>([
  {},
  { latitude: 41 },
  { vertices: "everywhere" },
  {
    vertices: [
      [0, 0],
      [1, 1],
    ],
  },
  {
    vertices: [
      [0, 0],
      [1, 1],
      ["a", 2],
    ],
  },
  { vertices: [[0, 0], [1, 1], "nowhere"] },
  { vertices: [[0, 0], null, [1, 1]] },
  { waypoints: [[0, 0]] },
  { latitude: 90.5, longitude: 0 },
  { latitude: 1, longitude: 1e308, coordinate_frame: "geographic" },
  {
    coordinate_frame: "geographic",
    waypoints: [
      [0, 0],
      [0, 91],
    ],
  },
])("what says no place is left out: %j", (fields) => {
  expect(featuresOf(object("x", fields))).toEqual([]);
});

test("metres may be many", () => {
  const far = { latitude: 5_000, longitude: 2, coordinate_frame: "local_enu" };
  const ways = [
    [0, 0],
    [0, 5_000],
  ];
  expect(featuresOf(object("far", far), object("way", { waypoints: ways }))).toHaveLength(2);
});

const sea: Domain = {
  ...{ name: "sea", modules: [], transitions: [], objects: [] },
  types: [
    {
      name: "coordinate",
      fields: { latitude: "number", longitude: "number", coordinate_frame: "string" },
    },
  ],
  fluents: ["at", "visited"].map((name) => ({
    name,
    args: [{ name: "place", type: "coordinate" }],
    default: false,
  })),
};

test("the track is where the vehicle was believed to be, over a restart, until the reset", async () => {
  const store = { ...memoryStore(), close: async () => {} };
  const track = async (http: ReturnType<typeof harness>) => {
    const { features } = (await http.get("/as_geojson")).body as unknown as {
      features: { id: string; geometry: { type: string }; properties: JsonObject }[];
    };
    return features.filter(({ properties }) => properties.kind === "track");
  };
  {
    await using http = harness({ domains: [sea], store });
    const made = (name: string, longitude: number, frame: string) =>
      http.post("/objects", {
        ...{ type: "coordinate", name, latitude: 0, longitude },
        coordinate_frame: frame,
      });
    await made("a", 1, "geographic");
    await made("b", 2, "geographic");
    await made("pool", 3, "local_enu");
    await http.post("/start", { start: ["at(a)", "visited(b)"] });
    expect((await track(http)).map(({ geometry }) => geometry.type)).toEqual(["Point"]);
    for (const place of ["b", "pool"]) {
      await http.post("/belief/set", { fluent: `at(${place})`, value: true });
    }
    await http.post("/start", { start: [] });
    await http.send("DELETE", "/objects/b");
  }
  await using http = harness({ domains: [sea], store });
  const [line, point, ...none] = await track(http);
  expect(none).toEqual([]);
  expect(line).toMatchObject({
    geometry: {
      type: "LineString",
      coordinates: [
        [1, 0],
        [2, 0],
      ],
    },
    properties: { names: ["a", "b"], coordinate_frame: "geographic" },
  });
  expect(point).toMatchObject({ geometry: { type: "Point" }, properties: { names: ["pool"] } });
  await http.post("/reset");
  expect(await track(http)).toEqual([]);
  await http.backend.close();
  await using again = harness({ domains: [sea], store });
  expect(await track(again)).toEqual([]);
});
