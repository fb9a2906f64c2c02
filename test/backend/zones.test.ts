/** Zones are judged by what they say, as soon as they say it. */
import { expect, test } from "bun:test";
import { sentry } from "../../src/domains/sentry.ts";
import { harness } from "./harness.ts";

const zone = (name: string, fields: object) => ({ type: "zone", name, ...fields });
const BOW = [
  [0, 0],
  [9, 9],
  [9, 0],
  [0, 9],
];

test("a zone may be told piece by piece, its corners by name or later", async () => {
  await using http = harness({ domains: [sentry] });
  for (const [nth, fields] of [
    {},
    { vertices: [] },
    { vertices: null, pattern: null },
    { vertices: ["wp_1", "wp_2"] }, // they may be made later, and a third corner
    { coverage_width: 3, pattern: "snake" },
    { vertices: [...BOW.slice(0, 3)] }, // without a frame
  ].entries()) {
    const { status, body } = await http.post("/objects", zone(`z${nth}`, fields));
    expect([nth, status, body.detail]).toEqual([nth, 200, undefined]);
  }
});

test("what a zone is changed to is judged too, and a refusal leaves it as it was", async () => {
  await using http = harness({ domains: [sentry] });
  await http.post("/objects", zone("site", { vertices: BOW.slice(0, 3), coverage_width: 3 }));
  for (const [fields, reason] of [
    [{ vertices: BOW }, 'Cannot use zone "site": its edges 1 and 3 cross'],
    [{ vertices: BOW.slice(0, 2) }, "2 different vertices, not 3 or more"],
    [{ coverage_width: 0 }, "its coverage_width is 0, not above 0"],
    [{ speed: -1 }, "its speed is -1, not above 0"],
    [{ pattern: "zigzag" }, 'its pattern is "zigzag"'],
    [
      {
        coordinate_frame: "geographic",
        vertices: [
          [0, 95],
          [1, 95],
          [1, 96],
        ],
      },
      "[lon, lat]",
    ],
  ] as const) {
    const { status, body } = await http.send("PUT", "/objects/site", fields as never);
    expect([status, body.code, body.detail]).toEqual([
      ...[422, "object.invalid", expect.stringContaining(reason)],
    ]);
  }
  const [kept] = (await http.get("/objects?type=zone")).body;
  expect(kept).toMatchObject({ value_fields: { vertices: BOW.slice(0, 3), coverage_width: 3 } });
});
