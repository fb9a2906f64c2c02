// Goal: whoever looks at a backend sees what runs, why, who has it and where, with its page alone.
// Method: the compiled program serves the page to headless Chromium while its simulated Sentry flies.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { hasBrowser, look, openBrowser } from "../support/browser.ts";
import { type Host, startHost } from "../support/running.ts";

const withBrowser = test.skipIf(!hasBrowser && process.env.CI !== "true");
/** How long something may take to show, in milliseconds; the machine may be busy. */
const SOON = { timeout: 20_000 };

/** About four tracks of 300 m, at 2 m/s of the vehicle's own time. */
const SITE = {
  ...{ type: "zone", name: "site", coordinate_frame: "geographic", depth: 20, speed: 2 },
  ...{ coverage_width: 80, robot_width: 0.5, pattern: "Boustrophedon", angle: 0 },
  vertices: [
    [-70.67, 41.52],
    [-70.666, 41.52],
    [-70.666, 41.523],
    [-70.67, 41.523],
  ],
};
const WRECK = {
  ...{ type: "zone", name: "wreck", coordinate_frame: "geographic", coverage_width: 80 },
  vertices: [
    [-70.6685, 41.521],
    [-70.6677, 41.521],
    [-70.6677, 41.5216],
    [-70.6685, 41.5216],
  ],
};

let browser: Browser;

beforeAll(async () => {
  if (hasBrowser || process.env.CI === "true") browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
});

async function post({ url }: Pick<Host, "url">, path: string, body: object): Promise<unknown> {
  const answer = await fetch(`${url}${path}`, { method: "POST", body: JSON.stringify(body) });
  const told: unknown = await answer.json();
  expect([path, answer.ok, told]).toEqual([path, true, told]);
  return told;
}

/** A host whose vehicle surveys the site, as fast as is said. */
async function surveying(timeScale: number): Promise<Host> {
  const host = await startHost("--robot", "sentry-mock", "--time-scale", String(timeScale));
  await post(host, "/objects", SITE);
  await post(host, "/objects", WRECK);
  await post(host, "/belief/set", { fluent: "no_entry(wreck)", value: true });
  await post(host, "/goal", { goal: ["full_coverage_of(site)"] });
  await post(host, "/execute?wait=false", {});
  return host;
}

/** The audit id of what a servant has in hand from now on: one that is silent counts as lost soon. */
async function taken({ url }: Pick<Host, "url">, servant: string): Promise<string> {
  const path = `${url}/servant/${servant}/next_assignment`;
  const handout = await fetch(path, { headers: { Prefer: "wait=10" } });
  return ((await handout.json()) as { audit_id: string }).audit_id;
}

/** Waits until what is read is right: a page is drawn a frame later. */
async function until<Read>(read: () => Promise<Read>, isRight: (now: Read) => boolean) {
  const fromMs = performance.now();
  let now = await read();
  while (!isRight(now) && performance.now() - fromMs < SOON.timeout) {
    await Bun.sleep(20);
    now = await read();
  }
  expect([now, isRight(now)]).toEqual([now, true]);
}

const step = (page: Page, phase: string, text: string) =>
  page.locator(`#plan > [data-phase="${phase}"]`, { hasText: text }).first();
/** The place of the vehicle on the map, once it is there. */
const vehicleAt = async (page: Page) => {
  const vehicle = page.locator("#map .vehicle:not([visibility])");
  await vehicle.waitFor({ ...SOON, state: "attached" });
  return await vehicle.getAttribute("data-at");
};

withBrowser(
  "a survey is seen as it is flown: plan, reasons, servant, zone, ways, vehicle",
  async () => {
    using host = await surveying(60);
    const { page, asked, heard, wrongs } = await look(browser, host.url);
    await step(page, "done", "takeover_control()").waitFor(SOON);
    const survey = step(page, "running", "survey(site)");
    await survey.waitFor(SOON);
    expect(await survey.locator(".why").first().textContent()).toBe(
      "for the goal: full_coverage_of(site)",
    );
    await survey
      .locator(".holder", { hasText: /^leg \d+ of \d+$/ })
      .first()
      .waitFor(SOON);
    await survey.locator("summary").first().click();
    const reasons = survey.locator(".reasons").first();
    await reasons.locator("li", { hasText: "not phase_surface since step 1" }).waitFor(SOON);
    await reasons.locator("li", { hasText: "full_coverage_of(site) the goal wants it" }).waitFor();
    const leg = reasons.locator('.legs [data-phase="done"]').first();
    await leg.waitFor(SOON);
    expect(await leg.locator(".holder").textContent()).toMatch(/^[0-9a-f]{4}….{4}$/);

    const shape = (kind: string, name: string) =>
      page
        .locator(`#map path.${kind}[data-name="${name}"]`)
        .waitFor({ ...SOON, state: "attached" });
    await shape("zone", "site");
    await shape("planned", "survey(zone=site)");
    expect(await page.locator('#map .zone[data-name="wreck"][data-keepout]').count()).toBe(1);
    const before = await vehicleAt(page);
    await until(
      () => vehicleAt(page),
      (now) => now !== before,
    );
    await page
      .locator("#map path.track")
      .first()
      .waitFor({ ...SOON, state: "attached" });
    await page.locator(".map-scale", { hasText: /\d+ k?m/ }).waitFor();
    await page.locator("#goal", { hasText: "full_coverage_of(site)" }).waitFor();
    const origins = new Set(asked.map((url) => new URL(url).host));
    expect([...origins]).toEqual([new URL(host.url).host]);
    // Of many legs the one that runs is in view.
    await page.setViewportSize({ width: 1_280, height: 420 });
    await page.mouse.move(900, 10); // whoever points at the legs reads in them
    const seen = `(() => {
      const list = document.querySelector(".legs");
      const { top, bottom } = list.querySelector(":scope > [data-phase=running]")?.getBoundingClientRect() ?? {};
      const all = list.getBoundingClientRect();
      return list.children.length > 6 && top >= all.top - 1 && bottom <= all.bottom + 1;
    })()`;
    await until(
      () => page.evaluate(seen),
      (isSeen) => isSeen === true,
    );
    // It is told of the run, and does not only ask.
    expect(heard.some((text) => text.includes('"step.finished"'))).toBe(true);
    expect(wrongs).toEqual([]);
  },
);

withBrowser("a run that has ended is told with its end, and what was flown stays", async () => {
  using host = await surveying(100_000);
  const { page } = await look(browser, host.url, { colorScheme: "dark" });
  await page.locator("#headline", { hasText: "Done" }).waitFor(SOON);
  await step(page, "done", "survey(site)").waitFor(SOON);
  expect(await page.locator("#map path.track").count()).toBe(1);
  expect(await page.locator("#cancel").isVisible()).toBe(false);
  expect(await page.locator("#run-message").textContent()).toBe("the goal is reached");
  await page.locator("#goal .unseen", { hasText: "reached" }).waitFor({ state: "attached" });
});

withBrowser(
  "the map is moved and zoomed by wheel, mouse, buttons and keys, and fits again",
  async () => {
    using host = await surveying(100_000);
    const { page } = await look(browser, host.url);
    await page.locator("#headline", { hasText: "Done" }).waitFor(SOON);
    const field = page.locator(".map-field");
    const matrix = () => page.locator("#map .shapes").getAttribute("transform");
    /** What `act` does to the drawing: it changes. */
    const changed = async (act: () => Promise<unknown>) => {
      const before = await matrix();
      await act();
      await until(matrix, (now) => now !== before);
    };
    const whole = await matrix();
    const fits = async () => {
      await page.getByRole("button", { name: "Fit" }).click();
      expect(await matrix()).toBe(whole);
    };
    await field.hover();
    await changed(() => page.mouse.wheel(0, -400));
    await fits();
    await changed(() => page.getByRole("button", { name: "Zoom in" }).click());
    await fits();
    await changed(async () => {
      await field.hover();
      await page.mouse.down();
      await page.mouse.move(700, 300);
      await page.mouse.up();
    });
    await page.keyboard.press("m");
    expect(await page.evaluate("document.activeElement.className")).toBe("map-field");
    await changed(() => page.keyboard.press("ArrowLeft"));
    await changed(() => page.keyboard.press("+"));
    await page.keyboard.press("0");
    expect(await matrix()).toBe(whole);
  },
);

withBrowser(
  "two fingers zoom the map of a phone, which scrolls in one direction only",
  async () => {
    using host = await surveying(60);
    const { page, wrongs } = await look(browser, host.url, {
      ...{ viewport: { width: 360, height: 740 }, colorScheme: "dark", hasTouch: true },
    });
    await vehicleAt(page);
    for (const width of [320, 360, 390, 640, 880]) {
      await page.setViewportSize({ width, height: 740 });
      expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    }
    await page.locator(".map-field").scrollIntoViewIfNeeded();
    const box = await page.locator(".map-field").boundingBox();
    const [x, y] = [(box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2];
    const scale = async () => {
      const text = (await page.locator("#map .shapes").getAttribute("transform")) ?? "";
      return Number(/^matrix\((\S+)/.exec(text)?.[1]);
    };
    const before = await scale();
    const touch = await page.context().newCDPSession(page);
    const fingers = (type: string, apart: number) =>
      touch.send("Input.dispatchTouchEvent", {
        type: type as "touchStart",
        touchPoints: apart === 0 ? [] : [-apart, apart].map((by, id) => ({ x: x + by, y, id })),
      });
    await fingers("touchStart", 20);
    for (const apart of [30, 40, 50, 60]) await fingers("touchMove", apart);
    await fingers("touchEnd", 0);
    await until(scale, (now) => now > before * 2);
    expect(wrongs).toEqual([]);
  },
);

withBrowser("a world without places has no map, and its plan is told all the same", async () => {
  using host = await startHost();
  await post(host, "/start", { start: ["robot_at(room_one)", "box_at(room_one, box_a)"] });
  await post(host, "/goal", { goal: ["box_at(room_two, box_a)"] });
  const { page } = await look(browser, host.url);
  await page.locator("#headline", { hasText: "Idle" }).waitFor(SOON);
  await page.locator("#run-message", { hasText: "Nothing has run yet" }).waitFor(SOON);
  const offer = { transitions: ["pick", "move", "place"], fluents: [], domain_modules: [] };
  const { servant_id } = (await post(host, "/servant/register", offer)) as { servant_id: string };
  await post(host, "/execute?wait=false", {});
  await taken(host, servant_id);
  await step(page, "running", "pick(").waitFor(SOON);
  await step(page, "waiting", "move(room_one, room_two)").waitFor(SOON);
  const why = await step(page, "waiting", "move(").locator(".why").first().textContent();
  expect(why).toBe("for step 3: robot_at(room_two)");
  expect(await page.locator("#map").isVisible()).toBe(false);
  await page.locator("#servants-title").click();
  await page.locator("#servants", { hasText: servant_id }).waitFor(SOON);
  // Called off here, after it was asked twice whether it is meant.
  await page.click("#cancel");
  await page.getByRole("button", { name: "Let it go on" }).click();
  expect(await page.locator("#headline").textContent()).toContain("Running");
  await page.click("#cancel");
  await page.getByRole("button", { name: "Cancel the run", exact: true }).click();
  await page.locator("#headline", { hasText: "Cancelled" }).waitFor(SOON);
  await page.locator('#plan [data-phase="left"]').first().waitFor(SOON);
});

withBrowser(
  "a plan that is kept shows before it is begun, and earlier runs can be chosen",
  async () => {
    using host = await startHost();
    await post(host, "/start", { start: ["robot_at(room_one)", "box_at(room_one, box_a)"] });
    const offer = { transitions: ["move"], fluents: [], domain_modules: [] };
    const { servant_id: id } = (await post(host, "/servant/register", offer)) as {
      servant_id: string;
    };
    const { page } = await look(browser, host.url);
    const message = (text: string | RegExp) =>
      page.locator("#run-message", { hasText: text }).waitFor(SOON);
    const go = (room: string) => ({ type: "plan", goal: [`robot_at(${room})`] });
    const tour = { type: "order", name: "tour", children: [go("room_two"), go("room_one")] };
    await post(host, "/execute_blocks?wait=false", { blocks: [tour, go("room_robot_home")] });
    const auditId = await taken(host, id);
    // The end of the order is in it, that of the blocks is not.
    await step(page, "running", "move(room_one, room_two)").waitFor(SOON);
    const notes = page.locator("#plan .plan-note");
    const coming = (text: string) => notes.filter({ hasText: `to come${text}` }).first();
    await coming("plan block robot_at(room_one)").waitFor(SOON);
    const left = async (text: string) => (await coming(text).boundingBox())?.x ?? 0;
    expect(await left("plan block robot_at(room_one)")).toBeGreaterThan(
      await left("plan block robot_at(room_robot_home)"),
    );
    await post(host, "/cancel", { reason: "a test" });
    await page.locator("#headline", { hasText: "Cancelled" }).waitFor(SOON);
    await notes.filter({ hasText: "not begun" }).first().waitFor(SOON);
    await post(host, `/servant/${id}/result`, { audit_id: auditId, success: true });

    await post(host, "/goal", { goal: ["robot_at(room_one)"] });
    await post(host, "/plan", {});
    await message("has not begun");
    await step(page, "waiting", "move(room_two, room_one)").waitFor(SOON);
    expect(await page.locator("#headline").textContent()).toContain("Cancelled");
    await page.selectOption("#runs", { index: 1 });
    await message(/^An earlier run, begun .*: cancelled: a test$/);
    await step(page, "done", "move(room_one, room_two)").waitFor(SOON);
    expect(await page.locator("#plan .word").first().textContent()).toBe("done, late");
    await page.selectOption("#runs", { index: 0 });
    await message("has not begun");
    await post(host, "/execute?wait=false", {});
    await taken(host, id);
    await step(page, "running", "move(room_two, room_one)").waitFor(SOON);
  },
);

withBrowser("the map is asked for when something of it may be another, else not", async () => {
  using host = await startHost("--robot", "sentry-mock", "--time-scale", "10");
  await post(host, "/objects", SITE);
  await post(host, "/goal", { goal: ["full_coverage_of(site)"] });
  await post(host, "/execute?wait=false", {});
  const { page, asked } = await look(browser, host.url);
  await page
    .locator("#plan .holder", { hasText: /^leg \d+ of \d+$/ })
    .first()
    .waitFor(SOON);
  await page
    .locator("#map path.planned")
    .first()
    .waitFor({ ...SOON, state: "attached" });
  const count = (path: string) => asked.filter((url) => new URL(url).pathname === path).length;
  // A leg takes 15 s: nothing moves meanwhile, but for the end of one.
  const [states, maps] = [count("/state"), count("/as_geojson")];
  await until(
    async () => count("/state"),
    (now) => now >= states + 3,
  );
  expect(count("/as_geojson") - maps).toBeLessThan(2);
  const place = { type: "coordinate", name: "buoy", coordinate_frame: "geographic" };
  await post(host, "/objects", { ...place, latitude: 41.522, longitude: -70.668 });
  await page.locator('#map path.point[data-name="buoy"]').waitFor({ ...SOON, state: "attached" });
});

withBrowser(
  "what a client names is shown, never obeyed, nor does it turn what is read",
  async () => {
    using host = await startHost();
    const markup = "<img src=x onerror=alert(1)>\u202egnp";
    const shown = "<img src=x onerror=alert(1)>\\u202egnp";
    const place = { type: "coordinate", latitude: 1, longitude: 2 };
    await post(host, "/objects", { ...place, name: "here", coordinate_frame: markup });
    await post(host, "/objects", { ...place, name: "there", coordinate_frame: "geographic" });
    const { servant_id: id } = (await post(host, "/servant/register", {
      ...{ transitions: ["anon:<b>.go"], fluents: [], domain_modules: [] },
    })) as { servant_id: string };
    const action = { type: "action", action: "anon:<b>.go", params: { to: markup } };
    const blocks = [{ type: "order", name: markup, children: [action] }];
    await post(host, "/execute_blocks?wait=false", { blocks });
    const handout = await fetch(`${host.url}/servant/${id}/next_assignment`);
    const { audit_id } = (await handout.json()) as { audit_id: string };
    await post(host, `/servant/${id}/result`, { audit_id, success: false, message: markup });
    const { page, wrongs } = await look(browser, host.url);
    await page.locator("#plan .plan-note", { hasText: shown }).waitFor(SOON);
    await step(page, "failed", `anon:<b>.go(${shown})`).waitFor(SOON);
    await page.locator("#plan .message", { hasText: shown }).waitFor(SOON);
    await page.locator("#objects-title").click();
    await page.locator("#objects", { hasText: "<img src=x onerror=alert(1)>" }).waitFor(SOON);
    await page.locator("#map .frames button", { hasText: shown }).click();
    await page.locator("#map .labels", { hasText: /^here$/ }).waitFor(SOON);
    await page.locator("#map .frames button", { hasText: "geographic" }).click();
    await page.locator("#map .labels", { hasText: /^there$/ }).waitFor(SOON);
    expect(await page.locator("body").textContent()).not.toContain("\u202e");
    expect(await page.title()).not.toContain("\u202e");
    expect(await page.locator("img").count()).toBe(0);
    expect(wrongs).toEqual([]);
  },
);

withBrowser(
  "says that nobody answers while the backend is away, and goes on by itself",
  async () => {
    using host = await startHost();
    const { page } = await look(browser, host.url);
    await page.locator("#headline", { hasText: "Idle" }).waitFor(SOON);
    host[Symbol.dispose]();
    await page.locator(".notice", { hasText: "No answer" }).waitFor(SOON);
    using _again = await startHost("--port", new URL(host.url).port);
    await page.locator("#headline", { hasText: "Idle" }).waitFor(SOON);
    expect(await page.locator(".notice").count()).toBe(0);
  },
);

withBrowser("the page is nobody else's: no frame, no script, no other site", async () => {
  using host = await startHost();
  const { headers } = await fetch(host.url);
  const policy = headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'; script-src 'sha256-");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain("unsafe");
  expect(headers.get("x-frame-options")).toBe("DENY");
  for (const foreign of [{ Origin: "http://evil.example" }, { Host: "evil.example" }]) {
    expect((await fetch(host.url, { headers: foreign })).status).toBe(403);
  }
  const { page } = await look(browser, host.url);
  const tried = (code: string) =>
    page.evaluate(`(async () => { ${code} })().then(() => "done", (cause) => cause.name)`);
  expect(await tried('document.body.innerHTML = "<p>"')).toBe("TypeError");
  expect(await tried('await fetch("http://127.0.0.1:9/", { mode: "no-cors" })')).toBe("TypeError");
});
