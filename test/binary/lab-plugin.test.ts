// Goal: what a plugin of a laboratory brings works as its author wrote it, in the compiled agent:
// schemas with all that zod has, measurements, events, setting up and shutting down.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../../scripts/binary.ts";
import { ServantScene } from "../support/servant-scene.ts";

const reference = `${join(root, "test", "fixtures", "servant", "rig.ts")}:Rig`;
const points = [{ x_mm: 1, y_mm: 2 }];

test("a schema's defaults, options, lists and nested objects reach the handler", async () => {
  await using scene = new ServantScene();
  await scene.connect({ reference });
  const asked = { points, tip: { kind: "p20" }, unknown: 7 };
  scene.peer.assign("a1", asked, "trace");
  expect(await scene.peer.result("a1")).toMatchObject({
    success: true,
    telemetry: { path: { points, speed: "slow", tip: { kind: "p20" } } },
  });
});

test.each([
  ["nothing", {}, "points: Invalid input: expected array, received undefined"],
  ["an empty list", { points: [] }, "points: Too small: expected array to have >=1 items"],
  [
    "a wrong member of a list",
    { points: [...points, { x_mm: "far", y_mm: 200 }] },
    "points.1.x_mm: Invalid input: expected number, received string; " +
      "points.1.y_mm: Too big: expected number to be <=100",
  ],
  [
    "what is none of the names",
    { points, speed: "warp" },
    'speed: Invalid option: expected one of "slow"|"fast"',
  ],
  [
    "a nested object without its member",
    { points, tip: {} },
    "tip.kind: Invalid input: expected string, received undefined",
  ],
])("%s is refused with its place and its reason", async (_, params, reason) => {
  await using scene = new ServantScene();
  await scene.connect({ reference });
  scene.peer.assign("a1", params, "trace");
  expect(await scene.peer.result("a1")).toMatchObject({
    success: false,
    message: `assignment.bad-params: Cannot do "trace": ${reason}`,
    telemetry: { code: "assignment.bad-params" },
  });
});

test("measurements show in the status and in no log; events are lines; it shuts down", async () => {
  await using scene = new ServantScene();
  const servant = await scene.connect({ reference });
  const measured = async () => {
    const { out } = await scene.run("status", "--json");
    const { streams } = JSON.parse(out) as { streams: { name: string; value?: unknown }[] };
    return streams.find(({ value }) => value !== undefined);
  };
  let stream = await measured();
  while (stream === undefined) stream = await measured();
  expect(stream).toMatchObject({ name: "count", intervalMs: 10 });
  scene.peer.assign("a1", { points }, "trace");
  await scene.peer.result("a1");
  const started = performance.now();
  expect(await servant.stop()).toBe(0);
  expect(performance.now() - started).toBeLessThan(5_000);
  const { out: log } = await scene.run("logs", "--json");
  expect(log).toContain("alert: traced (info)");
  expect(log).toContain("put away");
  for (const text of [log, JSON.stringify(servant.lines)]) {
    expect(text).not.toContain("plugin.sample");
    expect(text).not.toContain('count: {"count"');
  }
  expect(servant.events("plugin.event")).toMatchObject([
    { level: "warn", source: "plugin", auditId: "a1" },
  ]);
});
