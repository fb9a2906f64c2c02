/**
 * The simulated vehicle beside a backend, as `agent host --robot sentry-mock` starts it: surveys,
 * cancels, the phases. Everything is asked of the backend by requests, as a client does.
 */
import { afterEach, expect, test } from "bun:test";
import { type Backend, createBackend } from "../../src/backend/backend.ts";
import { type Robot, startRobot } from "../../src/cli/robot.ts";
import { robots } from "../../src/cli/robots.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { adaptiveResampling } from "../../src/domains/adaptive-resampling.ts";
import { sentry } from "../../src/domains/sentry.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import { systemClock } from "../../src/system/clock.ts";

let open:
  | { readonly backend: Backend; readonly robot: Robot; readonly logged: string[] }
  | undefined;

afterEach(async () => {
  await open?.robot.stop();
  await open?.backend.close();
  open = undefined;
});

async function started(timeScale: number) {
  const logged: string[] = [];
  const backend = createBackend({
    domains: [warehouse, sentry, adaptiveResampling],
    clock: systemClock,
    version: "0.0.0",
    expected: robots["sentry-mock"],
    log: (_level, message) => logged.push(message),
  });
  const robot = startRobot({
    ...{ robot: "sentry-mock", timeScale, backend, version: "0.0.0" },
    log: (_level, message) => logged.push(message),
  });
  open = { backend, robot, logged };
  const ask = async (method: string, path: string, body?: unknown): Promise<JsonObject> => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const headers = { "content-type": "application/json" };
    const request = new Request(`http://embedded.localhost${path}`, { ...init, headers });
    return (await (await backend.fetch(request)).json()) as JsonObject;
  };
  await until(async () => (await ask("GET", "/health")).servants === 1);
  return { ask, logged };
}

async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await Bun.sleep(10);
}

const SITE = {
  type: "zone",
  name: "site",
  coordinate_frame: "geographic",
  vertices: [
    [-70.67, 41.52],
    [-70.66, 41.52],
    [-70.66, 41.525],
    [-70.67, 41.525],
  ],
  coverage_width: 170,
  robot_width: 0.5,
  speed: 2,
};

test("the mock is taken over, flies a survey leg by leg and says where it is", async () => {
  const { ask, logged } = await started(20_000);
  await ask("POST", "/objects", SITE);
  await ask("POST", "/goal", { goal: ["full_coverage_of(site)"] });
  const { plan } = await ask("POST", "/plan", {});
  expect(plan).toMatchObject([{ action_name: "takeover_control" }, { action_name: "survey" }]);
  const { results } = await ask("POST", "/execute", {});
  expect((results as JsonObject[]).at(-1)).toMatchObject({ success: true });
  const { state } = await ask("GET", "/state");
  expect(state).toContain("full_coverage_of(site)");
  expect(state).toContain("phase_at_depth");
  // Where the last track ended, and nowhere else.
  expect((state as string[]).filter((atom) => atom.startsWith("at("))).toEqual(["at(site_leg_10)"]);
  expect(
    logged.filter((line) => /^sentry-mock: flying \d+ m to site_leg_\d+ at 2 m\/s$/.test(line)),
  ).toHaveLength(10);
});

test("a leg that is cancelled leaves the mock between its ends", async () => {
  const { ask, logged } = await started(1);
  const wp = (name: string, longitude: number) => ({
    type: "coordinate",
    name,
    longitude,
    latitude: 41.5,
  });
  for (const each of [wp("a", -70.6), wp("b", -70.5)]) await ask("POST", "/objects", each);
  await ask("POST", "/trigger", { action: "goto", params: { start: "a", end: "a" } });
  expect((await ask("GET", "/state")).state).toContain("at(a)");
  const flying = ask("POST", "/trigger", { action: "goto", params: { start: "a", end: "b" } });
  await until(() => logged.some((line) => line.startsWith("sentry-mock: flying 83")));
  await ask("POST", "/cancel", {});
  expect(await flying).toMatchObject({ success: false });
  expect(await ask("POST", "/belief/query", { fluent: "at" })).toMatchObject({
    observed: true,
    atoms: { "at(a)": false },
  });
});
