// Goal: an operator beside the machine sees what goes on and can step in, with the page alone.
// Method: the compiled program serves the page to headless Chromium; a backend of the test's gives
// the work, and the plugin's own traces say what really happened.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { root } from "../support/binary.ts";
import { hasBrowser, openBrowser, visit } from "../support/browser.ts";
import { LocalScene, RunScene } from "../support/local-agent.ts";

// Where all is checked there must be a browser; on somebody's desk it may be missing.
const withBrowser = test.skipIf(!hasBrowser && process.env.CI !== "true");
/** How long something may take to show, in milliseconds; the machine may be busy. */
const SOON = { timeout: 15_000 };

/** How a gap reads. */
const GAP = /^[\d,]+ lines? (is|are) missing here \(\d+ to \d+\)$/;

let browser: Browser;

beforeAll(async () => {
  if (hasBrowser || process.env.CI === "true") browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
});

const logLine = (page: Page, text: string) =>
  page.locator(".entry:not([hidden]) .message", { hasText: text }).first().waitFor(SOON);
/** Waits until what is read is what is expected: a page is drawn a frame later. */
async function settles(read: () => Promise<unknown>, expected: unknown): Promise<void> {
  const fromMs = performance.now();
  while (!Bun.deepEquals(await read(), expected)) {
    if (performance.now() - fromMs > SOON.timeout) break;
    await Bun.sleep(20);
  }
  expect(await read()).toEqual(expected);
}
const shownLines = (page: Page) => page.locator(".entry:not([hidden]) .message").allTextContents();

withBrowser("what the plugin measured last stands at the top", async () => {
  await using scene = new LocalScene();
  scene.reference = join(root, "plugins/balance.ts:Balance");
  await scene.start();
  const { page } = await visit(browser, scene);
  const measures = page.locator("dd", { hasText: /^weight mass_g=-?\d.* stable=true$/ });
  await measures.waitFor(SOON);
});

withBrowser("a line of the log arrives, and filters choose among what is here", async () => {
  await using scene = await LocalScene.open();
  const { page, asked, wrongs } = await visit(browser, scene);
  await page.locator("#headline", { hasText: "Ready" }).waitFor(SOON);
  scene.peer.assign("a1");
  await logLine(page, "working on a1");
  scene.peer.assign("a2", { do: "fail" });
  await logLine(page, "failed in");
  await page.fill("#filter", "WORKING on");
  await settles(() => shownLines(page), ["working on a1", "working on a2"]);
  await page.selectOption("#level", "warn");
  await settles(() => shownLines(page), []);
  await page.keyboard.press("Escape"); // from the filter back to the lines
  await page.fill("#filter", "");
  await logLine(page, "failed in");
  expect(await shownLines(page)).not.toContain("working on a2");
  await page.selectOption("#level", "debug");
  await page.locator(".chip", { hasText: "agent" }).click();
  await page.locator(".chip", { hasText: "adapter" }).click();
  const each = (part: string) => async () =>
    new Set(await page.locator(`.entry:not([hidden]) .${part}`).allTextContents());
  await settles(each("source"), new Set(["plugin", "runner"]));
  await page.fill("#audit", "a2");
  await page.press("#audit", "Enter");
  await settles(each("audit"), new Set(["a2"]));
  const later = await visit(browser, scene); // it shows what was before it was opened
  await logLine(later.page, "working on a1");
  // Nothing was asked of anybody else, and the policy has forbidden nothing that was tried.
  const origins = new Set(asked.map((url) => new URL(url).host));
  expect([...origins]).toEqual([new URL(scene.url).host]);
  expect(wrongs).toEqual([]);
});

withBrowser("a cancel is asked once, reaches the handler, and its end is told", async () => {
  await using scene = await LocalScene.open();
  const { page, wrongs } = await visit(browser, scene);
  scene.peer.assign("a1", { do: "until cancelled, then fail" });
  const card = page.locator(".card[data-audit=a1][data-phase=started]");
  await card.waitFor(SOON);
  await card.locator(".cancel").click();
  await page.getByRole("button", { name: "Let it go on" }).click();
  expect(scene.servant.events("assignment.cancelled")).toEqual([]);
  await card.locator(".cancel").click();
  await page.getByRole("button", { name: "Cancel it" }).click();
  expect(await scene.peer.result("a1")).toMatchObject({ success: false });
  expect(scene.folder.effects()).toContain("a1 ended");
  await page.locator(".ended", { hasText: "It ended: cancelled" }).waitFor(SOON);
  await page.locator("#assignments .word", { hasText: "cancelled" }).waitFor(SOON);
  await page.locator("#assignments button").first().click();
  await page.locator("dialog .facts strong", { hasText: "cancelled" }).waitFor(SOON);
  expect(wrongs).toEqual([]);
});

withBrowser("pause, resume and drain do what they say; drain asks before", async () => {
  await using scene = await LocalScene.open();
  const { page } = await visit(browser, scene);
  await page.click("#pause");
  await page.locator("#headline", { hasText: "Paused" }).waitFor(SOON);
  expect(await page.title()).toBe("Paused · agent");
  expect(await page.locator(".notice").textContent()).toContain("asked to by a person");
  await page.click("#resume");
  await page.locator("#headline", { hasText: "Ready" }).waitFor(SOON);
  await page.click("#drain");
  await page.getByRole("button", { name: "Go on as it is" }).click();
  expect(scene.servant.events("agent.stopping")).toEqual([]);
  await page.click("#drain");
  await page.getByRole("button", { name: "Drain", exact: true }).click();
  expect(await scene.servant.ended()).toBe(0);
  await page.locator("#headline", { hasText: "Stopped" }).waitFor(SOON);
});

withBrowser(
  "lines that a slow page missed stand as a gap with their count",
  async () => {
    await using scene = await LocalScene.open();
    const { page } = await visit(browser, scene);
    await logLine(page, "registered as servant");
    const isOver = () => scene.peer.taken.some((each) => each.audit_id === "a1");
    scene.peer.assign("a1", { lines: 20_000 });
    // The page is too busy to read, as on a phone that slept.
    while (!isOver()) {
      await page.evaluate("{ const to = Date.now() + 2_000; while (Date.now() < to); }");
    }
    // Filtered first: the lines after the gap may be more than what is in view.
    const gap = page.locator('.entry[data-level="gap"]:not([hidden]) .message');
    await page.fill("#filter", "no line has this");
    await gap.first().waitFor(SOON);
    await settles(async () => (await shownLines(page)).filter((text) => !GAP.test(text)), []);
    expect(await gap.count()).toBeGreaterThan(0);
    scene.peer.assign("a2");
    await page.fill("#filter", "working on");
    await logLine(page, "working on a2");
  },
  60_000,
);

withBrowser(
  "says that it is stale while the agent is away, and goes on by itself after",
  async () => {
    await using scene = await LocalScene.open();
    const { page } = await visit(browser, scene);
    scene.peer.assign("a1");
    await logLine(page, "working on a1");
    const port = String(new URL(scene.url).port);
    await scene.servant.stop("SIGKILL");
    await page.locator(".notice", { hasText: "No answer" }).waitFor(SOON);
    expect(await page.locator(".notice .since").first().textContent()).toMatch(
      /^since \d\d:\d\d:\d\d$/,
    );
    expect(await page.locator("#pause").isVisible()).toBe(false);
    await scene.start("--port", port);
    await page.locator("#headline", { hasText: "Ready" }).waitFor(SOON);
    scene.peer.assign("a2");
    await logLine(page, "working on a2");
    const lines = await shownLines(page);
    expect(lines.filter((line) => line === "working on a1")).toHaveLength(1);
  },
);

withBrowser(
  "everything can be reached and used by keyboard, with the focus to be seen",
  async () => {
    await using scene = await LocalScene.open();
    const { page } = await visit(browser, scene);
    scene.peer.assign("a1", { do: "until cancelled" });
    await page.locator(".card[data-audit=a1] .cancel").waitFor(SOON);
    await page.locator("#assignments button").waitFor(SOON);
    const seen = new Map<string, string>();
    for (let n = 0; n < 40; n++) {
      await page.keyboard.press("Tab");
      const [name = "", outline = ""] = (await page.evaluate(
        "(({ id, className, textContent }) => [id || className || textContent, getComputedStyle(document.activeElement).outlineStyle])(document.activeElement)",
      )) as string[];
      seen.set(name, outline);
    }
    const wanted = [
      "pause",
      "drain",
      "keys",
      "what",
      "cancel",
      "row",
      "level",
      "chip",
      "filter",
      "audit",
      "hold",
      "lines",
    ];
    expect(wanted.filter((each) => !seen.has(each))).toEqual([]);
    expect(
      [...seen].filter(([name, outline]) => wanted.includes(name) && outline === "none"),
    ).toEqual([]);
    const focused = () =>
      page.evaluate("document.activeElement.id || document.activeElement.className");
    await page.keyboard.press("/");
    expect(await focused()).toBe("filter");
    await page.keyboard.type("?v");
    expect(await page.inputValue("#filter")).toBe("?v"); // keys rest while somebody types
    await page.keyboard.press("Escape");
    expect(await focused()).toBe("lines");
    await page.keyboard.press("Home");
    await page.locator("#log-detail:not([hidden])").waitFor(SOON);
    await page.keyboard.press("v");
    await page.locator("#hold[aria-pressed=true]").waitFor(SOON);
    await page.keyboard.press("?");
    await page.locator("dialog .keys").waitFor(SOON);
    await page.uncheck("#keys-on");
    await page.keyboard.press("Escape");
    await page.keyboard.press("/"); // somebody dictates, and has turned the keys off
    expect(await focused()).not.toBe("filter");
    await page.click("#keys");
    await page.check("#keys-on");
    await page.keyboard.press("Escape");
    await page.keyboard.press("n");
    await page.keyboard.press("n");
    expect(await focused()).toBe("cancel");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await scene.peer.result("a1")).toBeDefined();
  },
);

withBrowser(
  "what a plugin says is shown, never obeyed, nor does it turn what is read",
  async () => {
    await using scene = await LocalScene.open();
    const { page, wrongs } = await visit(browser, scene);
    const markup = "<img src=x onerror=alert(1)>\u202egnp.exe\nand on";
    scene.peer.assign(markup, { do: markup });
    await scene.peer.result(markup);
    const shown = "<img src=x onerror=alert(1)>\\u202egnp.exe ⏎ and on";
    await logLine(page, `working on ${shown}`);
    expect(await page.locator("body").textContent()).not.toContain("\u202e");
    await page.locator(".entry", { hasText: "working on" }).first().click();
    await page.locator("#log-detail p", { hasText: "gnp.exe\nand on" }).waitFor(SOON);
    expect(await page.locator("img").count()).toBe(0);
    expect(wrongs).toEqual([]);
  },
);

withBrowser("an assignment's lines are found although the page never heard them", async () => {
  await using scene = await LocalScene.open();
  scene.peer.assign("the-first-of-all", { lines: 3 });
  scene.peer.assign("the-second", { lines: 6_000 });
  await scene.peer.result("the-second", 60_000);
  const { page } = await visit(browser, scene);
  await logLine(page, "line 6000 of 6000");
  await page.fill("#filter", "line 3 of 3");
  await page.locator(".empty", { hasText: "No line passes this filter" }).waitFor(SOON);
  await page.getByRole("button", { name: "Show all lines" }).click();
  expect(await page.inputValue("#filter")).toBe("");
  await page.fill("#audit", "the-first");
  await page.press("#audit", "Enter");
  await logLine(page, "line 3 of 3");
  expect(await page.inputValue("#audit")).toBe("the-first-of-all");
  await page.locator("#log-detail", { hasText: "accepted work" }).waitFor(SOON);
  await page.fill("#audit", "nobody's");
  await page.press("#audit", "Enter");
  await page.locator(".empty", { hasText: "No line passes this filter" }).waitFor(SOON);
});

withBrowser("whoever is out again is told so, and how to come in", async () => {
  await using scene = await LocalScene.open();
  const { page } = await visit(browser, scene);
  await page.locator("#headline", { hasText: "Ready" }).waitFor(SOON);
  await page.context().clearCookies();
  await page.locator("#outside", { hasText: "session has ended" }).waitFor(SOON);
  await page.locator("#outside", { hasText: "agent open" }).waitFor(SOON);
  expect(await page.locator("#pause").isVisible()).toBe(false);
});

withBrowser("a held view stands still while lines come", async () => {
  await using scene = await LocalScene.open();
  const { page } = await visit(browser, scene);
  await logLine(page, "registered as servant");
  await page.click("#hold");
  const before = await shownLines(page);
  scene.peer.assign("a1", { lines: 200 });
  await scene.peer.result("a1");
  await page.locator(".to-end", { hasText: "new lines" }).waitFor(SOON);
  expect(await shownLines(page)).toEqual(before);
  await page.click("#hold");
  await logLine(page, "line 200 of 200");
});

withBrowser(
  "the newest line stays in view while the page changes its layout in a flood",
  async () => {
    await using scene = await LocalScene.open();
    const { page } = await visit(browser, scene);
    await logLine(page, "registered as servant");
    scene.peer.assign("a1", { lines: 20_000 });
    const isOver = () => scene.peer.taken.some((each) => each.audit_id === "a1");
    for (let n = 0; n < 10 || !isOver(); n++) {
      await page.setViewportSize({ width: 1_280, height: n % 2 === 0 ? 640 : 800 });
    }
    scene.peer.assign("a2");
    await logLine(page, "working on a2");
    expect(await page.locator(".to-end").isVisible()).toBe(false);
  },
  60_000,
);

withBrowser("that a result was taken shows without anything else that happens", async () => {
  await using scene = await LocalScene.open();
  const { page } = await visit(browser, scene);
  scene.peer.assign("a1");
  await scene.peer.result("a1");
  const row = page.locator("#assignments li", { hasText: "done" });
  await row.waitFor(SOON);
  await settles(async () => (await row.textContent())?.includes("result waits"), false);
});

withBrowser("a stranger is told how to get in, and comes in by the link once", async () => {
  await using scene = await LocalScene.open();
  const page = await (await browser.newContext()).newPage();
  expect((await page.goto(scene.url))?.status()).toBe(401);
  await page.locator("#outside", { hasText: "agent open" }).waitFor(SOON);
  expect(await page.locator("#inside").isVisible()).toBe(false);
  const answer = await scene.ask("/v1/open", { method: "POST" });
  const { url } = (await answer.json()) as { url: string };
  await page.goto(url);
  await page.locator("#headline", { hasText: "Ready" }).waitFor(SOON);
  const other = await (await browser.newContext()).newPage();
  expect((await other.goto(url))?.status()).toBe(401);
});

withBrowser(
  "the policy lets nothing be loaded from elsewhere, nor text become markup",
  async () => {
    await using scene = await LocalScene.open();
    const { page } = await visit(browser, scene);
    const tried = (code: string) =>
      page.evaluate(`(async () => { ${code} })().then(() => "done", (cause) => cause.name)`);
    expect(await tried(`await fetch("${scene.peer.url}", { mode: "no-cors" })`)).toBe("TypeError");
    expect(await tried('document.body.innerHTML = "<p>"')).toBe("TypeError");
    const policy = (await page.reload())?.headers()["content-security-policy"] ?? "";
    expect(policy).toContain("default-src 'none'; script-src 'sha256-");
    expect(policy).not.toContain("unsafe");
  },
);

withBrowser("fits a phone without scrolling sideways, and is painted soon", async () => {
  await using scene = await LocalScene.open();
  const { page } = await visit(browser, scene, {
    viewport: { width: 360, height: 740 },
    colorScheme: "dark",
  });
  scene.peer.assign("an-audit-id-that-is-much-longer-than-most-of-them-are", {
    do: "until cancelled",
  });
  await page.locator(".card").waitFor(SOON);
  const cut = `[...document.querySelectorAll(".counter, .sources, .tool-row, .card, .headline")]
    .filter((each) => each.scrollWidth > each.clientWidth).map(({ className }) => className)`;
  for (const width of [320, 360, 390, 640, 880]) {
    await page.setViewportSize({ width, height: 740 });
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    expect(await page.evaluate(cut), `${width}`).toEqual([]);
  }
  await page.reload();
  await page.locator("#headline", { hasText: "Ready" }).waitFor(SOON);
  await page.waitForFunction(
    'performance.getEntriesByName("first-contentful-paint").length > 0',
    undefined,
    SOON,
  );
  const paint = await page.evaluate(
    'Math.round(performance.getEntriesByName("first-contentful-paint")[0].startTime)',
  );
  console.log(`first paint of the page: ${paint} ms`);
});

withBrowser(
  "shows plan and state of the backend inside `agent run`, and nothing without",
  async () => {
    await using scene = await LocalScene.open();
    const without = await visit(browser, scene);
    await without.page.locator("#headline", { hasText: "Ready" }).waitFor(SOON);
    expect(await without.page.locator("#world").isVisible()).toBe(false);

    await using run = await RunScene.open("plugins/warehouse.ts:WarehouseNode", {
      goals: ["box_at(room_two, box_a)"],
      env: { WAREHOUSE_STEP_MS: "3000" },
    });
    const { page } = await visit(browser, run);
    await page.locator('#plan [data-phase="running"]').first().waitFor(SOON);
    await page.locator("#goal", { hasText: "box_at(room_two, box_a)" }).waitFor(SOON);
    const goal = page.locator("#plan .why", { hasText: "for the goal: box_at(room_two, box_a)" });
    await goal.first().waitFor(SOON);
    expect(await page.locator("#map").isVisible()).toBe(false); // a warehouse has no places
    await page.locator('#plan [data-phase="done"]').first().waitFor(SOON);
    await page.click("#state-title");
    await page.locator("#state", { hasText: "robot_at" }).waitFor(SOON);
  },
);
