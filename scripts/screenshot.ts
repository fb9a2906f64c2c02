/**
 * Takes the pictures of the docs: the page of `agent run` while the warehouse robot is at work, and the
 * backend's while the simulated Sentry surveys. `bun scripts/screenshot.ts [folder]`; it needs Chromium.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { look, openBrowser, visit } from "../test/support/browser.ts";
import { RunScene } from "../test/support/local-agent.ts";
import { startHost } from "../test/support/running.ts";
import { root } from "./binary.ts";

/** So that the plan is half done when the picture is taken. */
const STEPS_DONE = 6;
const STEP_MS = 2_500;
/** Legs of the survey that are flown by then. */
const LEGS_FLOWN = 12;
const TIME_SCALE = 100;
/** What a picture may weigh in the repository, in bytes. */
const FILE_MAX_BYTES = 200 * 1024;
const PATIENT = { timeout: 60_000 };

const folder = process.argv[2] ?? join(root, "docs", "images");
await mkdir(folder, { recursive: true });
const browser = await openBrowser();
try {
  await agentPage();
  await backendPage();
} finally {
  await browser.close();
}

async function agentPage(): Promise<void> {
  await using scene = await RunScene.open("plugins/warehouse.ts:WarehouseNode", {
    goals: ["box_at(room_two, box_a)", "box_at(room_one, box_b)"],
    env: { WAREHOUSE_STEP_MS: String(STEP_MS) },
  });
  const { page } = await visit(browser, scene, { viewport: { width: 1120, height: 700 } });
  await page.selectOption("#level", "debug");
  const done = page.locator('#plan [data-phase="done"]').nth(STEPS_DONE - 1);
  await done.waitFor(PATIENT);
  await page.locator('.card[data-phase="started"]').waitFor();
  await Bun.sleep(STEP_MS / 2); // in the midst of a step
  await take(page, "page.png");
}

async function backendPage(): Promise<void> {
  using host = await startHost("--robot", "sentry-mock", "--time-scale", String(TIME_SCALE));
  const post = async (path: string, body: object) => {
    await fetch(`${host.url}${path}`, { method: "POST", body: JSON.stringify(body) });
  };
  const zone = { type: "zone", coordinate_frame: "geographic", depth: 20, robot_width: 0.5 };
  const [west, east, south, north] = [-70.67, -70.66, 41.52, 41.526];
  await post("/objects", {
    ...{
      ...zone,
      name: "site",
      coverage_width: 55,
      speed: 1.5,
      pattern: "Boustrophedon",
      angle: 0,
    },
    vertices: [
      [west, south],
      [east, south],
      [east, north - 0.001],
      [west + 0.003, north],
    ],
  });
  await post("/objects", {
    ...{ ...zone, name: "wreck", coverage_width: 55 },
    vertices: [
      [-70.6655, 41.522],
      [-70.664, 41.522],
      [-70.664, 41.5233],
      [-70.6655, 41.5236],
    ],
  });
  const buoy = { type: "coordinate", name: "buoy", coordinate_frame: "geographic" };
  await post("/objects", { ...buoy, latitude: 41.5213, longitude: -70.6717 });
  await post("/belief/set", { fluent: "no_entry(wreck)", value: true });
  await post("/goal", { goal: ["full_coverage_of(site)", "at(buoy)"] });
  await post("/execute?wait=false", {});
  const { page } = await look(browser, host.url, { viewport: { width: 1120, height: 700 } });
  const survey = page.locator('#plan > [data-phase="running"]', { hasText: "survey(site)" });
  await survey.locator("summary").first().click(PATIENT);
  await survey.locator('.legs [data-phase="done"]').nth(LEGS_FLOWN).waitFor(PATIENT);
  await take(page, "backend.png");
}

async function take(page: Page, name: string): Promise<void> {
  const path = join(folder, name);
  const { byteLength } = await page.screenshot({ path });
  console.log(`${path}: ${Math.round(byteLength / 1024)} KiB`);
  if (byteLength > FILE_MAX_BYTES) throw new Error(`Cannot keep it: over ${FILE_MAX_BYTES} bytes`);
}
