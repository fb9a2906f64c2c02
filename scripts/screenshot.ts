/**
 * Takes `docs/images/page.png`: the page of `agent run` while the warehouse robot is at work.
 * `bun scripts/screenshot.ts [file]`; it needs Chromium.
 */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openBrowser, visit } from "../test/support/browser.ts";
import { RunScene } from "../test/support/local-agent.ts";
import { root } from "./binary.ts";

/** So that the plan is half done when the picture is taken. */
const STEPS_DONE = 6;
const STEP_MS = 2_500;
/** What the picture may weigh in the repository, in bytes. */
const FILE_MAX_BYTES = 200 * 1024;

const path = process.argv[2] ?? join(root, "docs", "images", "page.png");
const browser = await openBrowser();
try {
  await using scene = await RunScene.open("plugins/warehouse.ts:WarehouseNode", {
    goals: ["box_at(room_two, box_a)", "box_at(room_one, box_b)"],
    env: { WAREHOUSE_STEP_MS: String(STEP_MS) },
  });
  const { page } = await visit(browser, scene, { viewport: { width: 1120, height: 700 } });
  await page.selectOption("#level", "debug");
  const done = page.locator('#plan [data-phase="done"]').nth(STEPS_DONE - 1);
  await done.waitFor({ timeout: 60_000 });
  await page.locator('.card[data-phase="started"]').waitFor();
  await Bun.sleep(STEP_MS / 2); // in the midst of a step
  await mkdir(dirname(path), { recursive: true });
  const { byteLength } = await page.screenshot({ path });
  console.log(`${path}: ${Math.round(byteLength / 1024)} KiB`);
  if (byteLength > FILE_MAX_BYTES) throw new Error(`Cannot keep it: over ${FILE_MAX_BYTES} bytes`);
} finally {
  await browser.close();
}
