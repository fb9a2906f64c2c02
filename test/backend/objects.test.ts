/** Objects: two at the same place are one, parts go with their whole, what is in use stays. */
import { describe, expect, test } from "bun:test";
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
