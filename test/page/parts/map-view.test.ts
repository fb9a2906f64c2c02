// Goal: the map shows what there is, where it is. Method: geometry as pure functions, by properties.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Feature, type Point, planesOf } from "../../../src/page/parts/map-shapes.ts";
import {
  fitted,
  moved,
  overlap,
  placeLabels,
  scaleBar,
  toPixel,
  zoomed,
} from "../../../src/page/parts/map-view.ts";

const point = (name: string, at: Point, frame?: string): Feature => ({
  id: name,
  geometry: { type: "Point", coordinates: [...at] },
  properties: {
    kind: "object",
    name,
    type: "coordinate",
    ...(frame && { coordinate_frame: frame }),
  },
});
const window = { width: 400, height: 300 };
const metres = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const view = fc.record({
  middle: fc.tuple(metres, metres),
  metresPerPixel: fc.double({ min: 0.01, max: 1e4, noNaN: true }),
});

describe("planesOf()", () => {
  test("has a plane for each frame, metres of degrees, the one with the track first", () => {
    const track = {
      geometry: {
        type: "LineString",
        coordinates: [
          [0, 0],
          [30, 40],
        ],
      },
      properties: { kind: "track", coordinate_frame: "local_enu", names: ["p", "q"] },
    };
    const planes = planesOf([point("here", [10, 60]), point("there", [10.001, 60]), track]);
    expect(planes.map(({ frame }) => frame)).toEqual(["local_enu", "geographic"]);
    expect(planes[0]?.vehicle).toEqual({ at: [15, 20], from: [-15, -20], name: "q" });
    const [one, other] = planes[1]?.shapes.map(({ points: [at = [0, 0]] }) => at) ?? [];
    // A thousandth of a degree at 60 degrees north is half of what it is at the equator.
    expect((other?.[0] ?? 0) - (one?.[0] ?? 0)).toBeCloseTo(55.6, 1);
    expect(planes[1]?.vehicle).toBeUndefined();
  });

  test("keeps together what lies on both sides of the antimeridian", () => {
    const [plane] = planesOf([point("west", [179.999, 0]), point("east", [-179.999, 0])]);
    const xs = plane?.shapes.map(({ points: [at = [0, 0]] }) => at[0]) ?? [];
    expect((xs[1] ?? 0) - (xs[0] ?? 0)).toBeCloseTo(222.4, 0);
  });

  test("leaves out what is no shape, whatever it is, and shows the rest", () => {
    const pairs = fc.array(fc.tuple(fc.double(), fc.double()));
    const odd = fc.oneof(
      pairs,
      pairs.map((ring) => [ring]),
      fc.array(fc.anything()),
    );
    fc.assert(
      fc.property(odd, fc.anything(), (coordinates, properties) => {
        const shapeless = ["Point", "LineString", "Polygon", "Blob"].map(
          (type) => ({ geometry: { type, coordinates }, properties }) as Feature,
        );
        const sound = planesOf([point("p", [1, 2]), ...shapeless, {}]);
        const shapes = sound.flatMap((plane) => plane.shapes);
        expect(shapes.some(({ name }) => name === "p")).toBe(true);
        expect(shapes.flatMap(({ points }) => points.flat()).every(Number.isFinite)).toBe(true);
        for (const plane of sound) {
          const { middle, metresPerPixel } = fitted(plane, window);
          expect([...middle, metresPerPixel].every(Number.isFinite)).toBe(true);
        }
      }),
    );
  });
});

test("fitted() has every shape in the window", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(metres, metres), { minLength: 1 }), (points) => {
      const plane = { shapes: [{ kind: "track", name: "", type: "", points } as const] };
      const seen = fitted(plane, window);
      for (const each of points) {
        const [x, y] = toPixel(seen, window, each);
        expect(x >= 0 && x <= window.width && y >= 0 && y <= window.height).toBe(true);
      }
    }),
  );
});

test("zoomed() leaves what is under the finger there, and moved() takes it along", () => {
  const pixel = fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 300 }));
  fc.assert(
    fc.property(view, pixel, fc.double({ min: 0.5, max: 2, noNaN: true }), (from, at, factor) => {
      const [x, y] = at;
      const under: Point = [
        from.middle[0] + (x - window.width / 2) * from.metresPerPixel,
        from.middle[1] - (y - window.height / 2) * from.metresPerPixel,
      ];
      const [zoomX, zoomY] = toPixel(zoomed(from, window, factor, at), window, under);
      expect(Math.hypot(zoomX - x, zoomY - y)).toBeLessThan(0.01);
      const [movedX, movedY] = toPixel(moved(from, 7, -9), window, under);
      expect(Math.hypot(movedX - x - 7, movedY - y + 9)).toBeLessThan(0.01);
    }),
  );
});

test("scaleBar() is a round length that is as long as it says, and has room", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-3, max: 1e5, noNaN: true }), (metresPerPixel) => {
      const { metres, pixels } = scaleBar(metresPerPixel, 120);
      expect(pixels).toBeLessThanOrEqual(120.001);
      expect(pixels).toBeGreaterThan(47);
      expect(pixels * metresPerPixel).toBeCloseTo(metres, 6);
      expect(Number(metres.toExponential().split("e")[0])).toBeOneOf([1, 2, 5]);
    }),
  );
  expect([0.5, 20, 9e3].map((each) => scaleBar(each, 120).text)).toEqual([
    "50 m",
    "2 km",
    "1000 km",
  ]);
});

test("placeLabels() puts none upon another nor out of the window, and the first one first", () => {
  const label = fc.record({
    text: fc.string(),
    at: fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 300 })),
    width: fc.integer({ min: 4, max: 190 }),
    isCentred: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(label), (others) => {
      const first = { text: "first", at: [200, 150], width: 80 } as const;
      const placed = placeLabels([first, ...others], window);
      expect(placed[0]?.text).toBe("first");
      for (const [nth, { box }] of placed.entries()) {
        expect(box.x >= 0 && box.x + box.width <= window.width).toBe(true);
        expect(placed.slice(nth + 1).some((other) => overlap(box, other.box))).toBe(false);
      }
    }),
  );
});
