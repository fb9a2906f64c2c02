/**
 * What an operator waits for: the page's first paint, a filter over 100,000 lines, a scroll through
 * them. `npm run bench:page`; it needs Chromium.
 */
import type { Page } from "playwright-core";
import { openBrowser, visit } from "../test/support/browser.ts";
import { LocalScene } from "../test/support/local-agent.ts";

const PAINTS = 9;
const FILTERS = ["1", "12", "999", "no line has this", "line 1", ""];
/** More than the page keeps, so that it is full although a busy machine leaves gaps. */
const LINES_EACH = 20_000;
const ACTIONS = 6;

const browser = await openBrowser();
try {
  await using scene = await LocalScene.open();
  const { page } = await visit(browser, scene, { viewport: { width: 1280, height: 800 } });
  const paints: number[] = [];
  for (let n = 0; n < PAINTS; n++) {
    await page.reload();
    await page.locator("#headline", { hasText: "Ready" }).waitFor();
    paints.push(await paintMs(page));
  }
  console.log(`first paint: ${told(paints)}`);
  for (let n = 0; n < ACTIONS; n++) {
    scene.peer.assign(`a${n}`, { lines: LINES_EACH });
    await scene.peer.result(`a${n}`, 60_000);
  }
  // The end of a flood may lie in a gap on a busy machine: one more line says that all is here.
  scene.peer.assign("last", { lines: 1 });
  const last = page.locator(".entry:not([hidden])", { hasText: "line 1 of 1" });
  await last.first().waitFor({ timeout: 60_000 });
  const lines = await page.textContent(".size");
  const filters: number[] = [];
  for (const text of FILTERS) filters.push(await filterMs(page, text));
  console.log(`filter, to the frame after: ${told(filters)} (${lines})`);
  console.log(`frame while scrolling: ${told(await frameMs(page))}`);
} finally {
  await browser.close();
}

async function paintMs(page: Page): Promise<number> {
  await page.waitForFunction('performance.getEntriesByName("first-contentful-paint").length > 0');
  return await page.evaluate('performance.getEntriesByName("first-contentful-paint")[0].startTime');
}

function filterMs(page: Page, text: string): Promise<number> {
  return page.evaluate(`new Promise((resolve) => {
    const fromMs = performance.now();
    const filter = document.getElementById("filter");
    filter.value = ${JSON.stringify(text)};
    filter.dispatchEvent(new Event("input"));
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - fromMs)));
  })`);
}

/** Two hundred jumps to anywhere, one a frame. */
function frameMs(page: Page): Promise<number[]> {
  return page.evaluate(`new Promise((resolve) => {
    const lines = document.querySelector(".lines");
    const frames = [];
    let atMs = performance.now();
    const jump = () => {
      frames.push(performance.now() - atMs);
      atMs = performance.now();
      lines.scrollTop = (lines.scrollHeight * ((frames.length * 7919) % 1000)) / 1000;
      if (frames.length < 200) requestAnimationFrame(jump);
      else resolve(frames);
    };
    requestAnimationFrame(jump);
  })`);
}

function told(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor((sorted.length - 1) * part)] ?? 0).toFixed(1);
  return `median ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms`;
}
