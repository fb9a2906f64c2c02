/** Objects: two at the same place are one, parts go with their whole, what is in use stays. */
import { describe, expect, test } from "bun:test";
import { memoryStore } from "../../src/backend/memory-store.ts";
import type { Domain } from "../../src/core/domain.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import { harness } from "./harness.ts";

const sea: Domain = {
  name: "sea",
  modules: [],
  types: [
    {
      name: "coordinate",
      fields: {
        latitude: "number",
        longitude: "number",
        coordinate_frame: "string",
        altitude: "number",
        depth: "number",
      },
    },
    { name: "target", fields: { depth_m: "number" } },
  ],
  fluents: [{ name: "at", args: [{ name: "place", type: "coordinate" }], default: false }],
  transitions: [],
  objects: [
    {
      name: "harbour",
      type: "coordinate",
      fields: { latitude: 41.5, longitude: -70.6, coordinate_frame: "geographic" },
    },
  ],
};
const here = { latitude: 41, longitude: 0, coordinate_frame: "geographic" };

describe("two coordinates at one place are one", () => {
  test.each([
    ["equal", here, true],
    ["minus zero is zero", { ...here, longitude: -0 }, true],
    ["null is absent", { ...here, depth: null }, true],
    ["another depth", { ...here, depth: 5 }, false],
    ["another frame", { ...here, coordinate_frame: "local_enu" }, false],
    ["another latitude", { ...here, latitude: 41.000001 }, false],
  ])("%s", async (_, fields, isMerged) => {
    await using http = harness({ domains: [sea] });
    await http.post("/objects", { type: "coordinate", name: "wp_1", ...here });
    const { body, status } = await http.post("/objects", {
      ...{ type: "coordinate", name: "wp_2" },
      ...fields,
    });
    expect(status).toBe(200);
    const object = body.object as JsonObject;
    expect(object.created).toBe(!isMerged);
    expect(object.merged_into).toBe(isMerged ? "wp_1" : undefined);
    expect(object.name).toBe(isMerged ? "wp_1" : "wp_2");
    if (isMerged) expect(object.warning).toContain("use that name");
    if (isMerged) expect(object.value_fields).toEqual({ ...here, longitude: 0 });
    expect((await http.get("/objects?type=coordinate")).body).toHaveLength(isMerged ? 2 : 3);
  });

  test("one that a domain declares counts too", async () => {
    await using http = harness({ domains: [sea] });
    const fields = { latitude: 41.5, longitude: -70.6, coordinate_frame: "geographic" };
    const made = await http.post("/objects", { type: "coordinate", name: "quay", ...fields });
    expect(made.body.object).toMatchObject({ created: false, merged_into: "harbour" });
  });

  test("a domain's own word goes before the rule", async () => {
    const identity: Domain["identity"] = ({ fields }) =>
      fields.depth_m === undefined ? undefined : String(fields.depth_m);
    await using http = harness({ domains: [{ ...sea, identity }] });
    for (const name of ["wp_1", "wp_2"]) {
      const made = await http.post("/objects", { type: "coordinate", name, ...here });
      expect(made.body.object).toMatchObject({ name, created: true });
    }
    await http.post("/objects", { type: "target", name: "deep_1", depth_m: 40 });
    const other = await http.post("/objects", { type: "target", name: "deep_2", depth_m: 40 });
    expect(other.body.object).toMatchObject({ created: false, merged_into: "deep_1" });
  });

  test("what has no place never merges", async () => {
    await using http = harness({ domains: [sea, warehouse] });
    for (const name of ["deep_1", "deep_2"]) {
      const made = await http.post("/objects", { type: "target", name, depth_m: 40 });
      expect(made.body.object).toMatchObject({ name, created: true });
    }
    await http.post("/objects", { type: "box", name: "crate", weight: 1 });
    const other = await http.post("/objects", { type: "box", name: "chest", weight: 1 });
    expect(other.body.object).toMatchObject({ name: "chest", created: true });
  });
});

describe("PUT /objects/{name}", () => {
  test("changes fields, takes away what is null, and says what it left out", async () => {
    await using http = harness({ domains: [sea, warehouse] });
    await http.post("/objects", { type: "coordinate", name: "wp_1", ...here, depth: 5 });
    const { body } = await http.send("PUT", "/objects/wp_1", { depth: null, altitude: 3, hue: 1 });
    expect(body).toMatchObject({ name: "wp_1", value_fields: { ...here, altitude: 3 } });
    expect(body.warning).toContain("hue");
    expect(Object.keys(body.value_fields as JsonObject)).not.toContain("name");
    // What a domain declares may change too, until the reset.
    await http.send("PUT", "/objects/box_a", { weight: 9 });
    const weight = async () => {
      const boxes = (await http.get("/objects?type=box")).body as unknown as JsonObject[];
      return boxes.filter(({ name }) => name === "box_a").map((each) => each.value_fields);
    };
    expect(await weight()).toEqual([{ weight: 9 }]);
    await http.post("/reset");
    expect(await weight()).toEqual([{}]);
  });

  test("refuses an unknown object, a wrong value, a place that is taken", async () => {
    await using http = harness({ domains: [sea] });
    await http.post("/objects", { type: "coordinate", name: "wp_1", ...here });
    await http.post("/objects", { type: "coordinate", name: "wp_2", ...here, depth: 5 });
    const put = (name: string, body: JsonObject) => http.send("PUT", `/objects/${name}`, body);
    const unknown = await put("wp_3", {});
    expect([unknown.status, unknown.body.detail]).toEqual([
      422,
      expect.stringContaining('nearest is "wp_'),
    ]);
    expect((await put("wp_1", { depth: "deep" })).body.detail).toContain('"depth" is no number');
    const taken = await put("wp_2", { depth: null });
    expect([taken.status, taken.body.detail]).toEqual([409, expect.stringContaining('"wp_1"')]);
    // It moved away: its old place is free.
    await put("wp_1", { depth: 7 });
    expect((await put("wp_2", { depth: null })).status).toBe(200);
  });
});

describe("DELETE /objects/{name}", () => {
  const zone: Domain = {
    ...{ name: "zones", modules: [], transitions: [], objects: [] },
    types: [{ name: "zone", fields: { vertices: "json" } }],
    fluents: [{ name: "covered", args: [{ name: "zone", type: "zone" }], default: false }],
  };
  async function scene() {
    const http = harness({ domains: [sea, zone] });
    await http.post("/objects", { type: "coordinate", name: "wp_1", ...here });
    await http.post("/objects", { type: "zone", name: "area", vertices: ["wp_1", "harbour"] });
    const legs = { type: "coordinate", name: "leg_1", ...here, depth: 1, parent: "area" };
    await http.post("/objects", legs);
    return http;
  }

  test("names what uses it, and deletes what nothing uses", async () => {
    await using http = await scene();
    await http.post("/start", { start: ["at(wp_1)"] });
    await http.post("/goal", { goal: ["at(wp_1)"] });
    const refused = await http.send("DELETE", "/objects/wp_1");
    expect([refused.status, refused.body.code]).toEqual([409, "object.in-use"]);
    for (const use of ["the goal has at(wp_1)", "at(wp_1) holds", '"area" names it']) {
      expect(refused.body.detail).toContain(use);
    }
    expect((await http.send("DELETE", "/objects/area")).body.detail).toContain('"leg_1" is a part');
    expect((await http.send("DELETE", "/objects/harbour")).body.detail).toContain("a domain");
    await http.post("/start", { start: [] });
    await http.post("/goal", { goal: [] });
    await http.send("PUT", "/objects/area", { vertices: [] });
    expect((await http.send("DELETE", "/objects/wp_1")).body).toMatchObject({ deleted: ["wp_1"] });
    const again = await http.post("/objects", { type: "coordinate", name: "wp_1b", ...here });
    expect(again.body.object).toMatchObject({ name: "wp_1b", created: true }); // its place is free
  });

  test("cascade takes the parts along, and what the state says of them", async () => {
    await using http = await scene();
    await http.post("/start", { start: ["at(leg_1)", "covered(area)", "at(wp_1)"] });
    await http.post("/goal", { goal: ["at(leg_1)"] });
    const used = await http.send("DELETE", "/objects/area/cascade");
    expect([used.status, used.body.detail]).toEqual([409, expect.stringContaining("the goal has")]);
    await http.post("/goal", { goal: [] });
    const { body } = await http.send("DELETE", "/objects/area/cascade");
    expect(body).toMatchObject({ name: "area", deleted: ["area", "leg_1"] });
    expect((await http.get("/state")).body.state).toEqual(["at(wp_1)"]);
    const left = (await http.get("/objects")).body as unknown as JsonObject[];
    expect(left.map(({ name }) => name)).toEqual(["harbour", "wp_1"]);
  });

  test("what a step that is under way names stays until its end", async () => {
    await using http = harness();
    const servant = await http.register(["move"]);
    await http.post("/objects", { type: "room", name: "annex" });
    await http.post("/start", { start: ["robot_at(room_one)"] });
    const params = { start: "room_one", end: "annex" };
    const moved = http.post("/trigger", { action: "move", params });
    const { audit_id } = await http.next(servant);
    const refused = await http.send("DELETE", "/objects/annex/cascade");
    expect([refused.status, refused.body.code]).toEqual([409, "object.in-use"]);
    expect(refused.body.detail).toContain("move(start=room_one, end=annex) is under way");
    await http.answer(servant, audit_id);
    await moved;
    expect((await http.get("/state")).body.state).toContain("robot_at(annex)" as never);
    expect((await http.send("DELETE", "/objects/annex/cascade")).status).toBe(200);
    expect((await http.get("/state")).body.state).toEqual(["hands_free"]);
  });

  test.each([
    "..%2F..%2Fetc%2Fpasswd",
    "%2e%2e%2fbackend.sqlite",
    "a%00b",
    "%",
    "%ff",
    "constructor",
    "__proto__",
  ])("a name that is a path or worse hurts nobody: %s", async (name) => {
    await using http = harness({ domains: [sea] });
    for (const [method, path] of [
      ["PUT", `/objects/${name}`],
      ["DELETE", `/objects/${name}`],
      ["DELETE", `/objects/${name}/cascade`],
      ["POST", `/missions/${name}/load`],
      ["PUT", `/missions/${name}`],
      ["DELETE", `/missions/${name}`],
    ] as const) {
      const body = method === "PUT" ? { blocks: "none" } : undefined;
      const { status, body: told } = await http.send(method, path, body);
      expect([path, status >= 400 && status < 500]).toEqual([path, true]);
      expect(told.detail).toBeString();
    }
  });

  test("a name may be percent-encoded", async () => {
    await using http = harness({ domains: [sea] });
    await http.post("/objects", { type: "target", name: "deep:1", depth_m: 1 });
    expect((await http.send("DELETE", "/objects/deep%3A1")).body).toMatchObject({ name: "deep:1" });
  });
});

test("GET /object_tree nests parts, and a public scope leaves them out", async () => {
  await using http = harness({ domains: [sea] });
  const made = (name: string, depth_m: number, parent?: string) =>
    http.post("/objects", { type: "target", name, depth_m, ...(parent ? { parent } : {}) });
  await made("whole", 1);
  await made("part", 2, "whole");
  await made("piece", 3, "part");
  expect((await made("stray", 4, "wohle")).body.detail).toContain('nearest is "whole"');
  const tree = (await http.get("/object_tree")).body as unknown as JsonObject[];
  expect(tree).toMatchObject([
    { name: "harbour", children: [] },
    { name: "whole", children: [{ name: "part", children: [{ name: "piece", children: [] }] }] },
  ]);
  expect((await http.get("/objects")).body).toHaveLength(4);
  expect((await http.get("/objects?scope=public")).body).toHaveLength(2);
  let parent = "piece";
  for (let depth = 4; ; depth += 1) {
    const { status, body } = await made(`deep_${depth}`, depth, parent);
    if (status !== 200) {
      expect([depth, body.detail]).toEqual([33, expect.stringContaining("32 deep")]);
      break;
    }
    parent = `deep_${depth}`;
  }
});

test("GET /objects_modified_at rises with every change of an object, and with nothing else", async () => {
  await using http = harness({ domains: [sea] });
  const at = async () => Number((await http.get("/objects_modified_at")).body.modified_at);
  const times = [await at()];
  expect(Math.abs((times[0] ?? 0) - Date.now() / 1_000)).toBeLessThan(60);
  for (const change of [
    () => http.post("/objects", { type: "target", name: "x", depth_m: 1 }),
    () => http.send("PUT", "/objects/x", { depth_m: 2 }),
    () => http.send("DELETE", "/objects/x"),
    () => http.post("/reset"),
  ]) {
    await change();
    times.push(await at());
    await http.post("/goal", { goal: [] });
    expect(await at()).toBe(times.at(-1) ?? 0);
  }
  expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
});

test("what a domain knew comes back with the domain, a goal as a whole", async () => {
  const store = { ...memoryStore(), close: async () => {} };
  {
    await using http = harness({ domains: [warehouse, sea], store });
    await http.post("/objects", { type: "coordinate", name: "wp_1", ...here });
    await http.post("/start", { start: ["at(wp_1)", "robot_at(room_one)"] });
    await http.post("/goal", { goal: ["robot_at(room_two)", "at(harbour)"] });
  }
  await using http = harness({ domains: [warehouse], store });
  expect((await http.get("/state")).body.state).toEqual(["hands_free", "robot_at(room_one)"]);
  expect((await http.get("/goal")).body.goal).toEqual([]); // half of it would be another one
  const { logs } = (await http.get("/logs")).body as unknown as { logs: { message: string }[] };
  const missing = logs.filter(({ message }) => message.startsWith("not restored"));
  expect(missing).toHaveLength(3);
  await http.post("/belief/set", { fluent: "robot_at(room_one)", value: false });
  http.backend.addDomain(sea);
  expect((await http.get("/state")).body.state).toEqual(["at(wp_1)", "hands_free"]);
  expect((await http.get("/goal")).body.goal).toEqual(["robot_at(room_two)", "at(harbour)"]);
});

test("what was said since goes before what waits for a domain", async () => {
  const store = { ...memoryStore(), close: async () => {} };
  {
    await using http = harness({ domains: [sea], store });
    await http.post("/start", { start: ["at(harbour)"] });
    await http.post("/goal", { goal: ["at(harbour)"] });
  }
  await using http = harness({ domains: [warehouse], store });
  await http.post("/start", { start: ["robot_at(room_one)"] });
  await http.post("/goal", { goal: ["robot_at(room_two)"] });
  http.backend.addDomain(sea);
  expect((await http.get("/state")).body.state).toEqual(["hands_free", "robot_at(room_one)"]);
  expect((await http.get("/goal")).body.goal).toEqual(["robot_at(room_two)"]);
});

test("what was forgotten does not come back with a domain", async () => {
  const store = { ...memoryStore(), close: async () => {} };
  {
    await using http = harness({ domains: [sea], store });
    await http.post("/objects", { type: "coordinate", name: "wp_1", ...here });
    await http.post("/start", { start: ["at(wp_1)"] });
    await http.post("/goal", { goal: ["at(wp_1)"] });
  }
  await using http = harness({ domains: [warehouse], store });
  await http.post("/reset");
  http.backend.addDomain(sea);
  expect((await http.get("/objects?type=coordinate")).body).toHaveLength(1);
  expect((await http.get("/state")).body.state).toEqual(["hands_free"]);
  expect((await http.get("/goal")).body.goal).toEqual([]);
});
