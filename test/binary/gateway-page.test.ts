// Goal: people log in to a gateway with a browser, see and manage what is theirs, and nothing of anybody else
// gets at it. Method: the compiled gateway serves its page over https to headless Chromium.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { SessionUse } from "../../src/wire/gateway.ts";
import { hasBrowser, look, openBrowser, type Visit } from "../support/browser.ts";
import { type Name, PEOPLE, RunningGateway } from "../support/gateway.ts";

const withBrowser = test.skipIf(!hasBrowser && process.env.CI !== "true");
/** How long something may take to show, in milliseconds; the machine may be busy. */
const SOON = { timeout: 20_000 };
const MARKUP = "<img src=x onerror=alert(1)>";

let browser: Browser;
beforeAll(async () => {
  if (hasBrowser || process.env.CI === "true") browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
});

/** The authority of a test is in no browser. */
const visit = (gateway: RunningGateway, options: BrowserContextOptions = {}): Promise<Visit> =>
  look(browser, gateway.url, { ignoreHTTPSErrors: true, ...options });

async function enter(page: Page, name: Name, password: string = PEOPLE[name].password) {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.keyboard.press("Enter");
}

async function visitAs(gateway: RunningGateway, name: Name, options: BrowserContextOptions = {}) {
  const visited = await visit(gateway, options);
  await enter(visited.page, name);
  await visited.page.locator("#inside").waitFor(SOON);
  return visited;
}

const row = (page: Page, text: string) => page.getByRole("row").filter({ hasText: text });
const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const dialog = (page: Page, text: string) => page.getByRole("dialog").filter({ hasText: text });

withBrowser("who logs in sees their own sessions, and is out after the logout", async () => {
  await using gateway = await RunningGateway.start();
  await gateway.createSession(await gateway.logIn("alice"), { label: "of-alice" });
  await gateway.createSession(await gateway.logIn("bob"), { label: "of-bob" });
  const { page, asked, wrongs } = await visit(gateway);
  await enter(page, "bob", "guessed");
  await page.getByRole("alert").filter({ hasText: "wrong name or password" }).waitFor(SOON);
  expect(await page.getByLabel("Password").inputValue()).toBe("");
  await enter(page, "bob");
  await row(page, "of-bob").waitFor(SOON);
  expect(await row(page, "of-alice").count()).toBe(0);
  expect(await page.getByText("Memory").count()).toBe(0);
  const token = (await page.evaluate(
    'JSON.parse(sessionStorage.getItem("agent.gateway-login")).token',
  )) as string;
  expect((await gateway.ask("/sessions", { token })).status).toBe(200);
  // In this tab, and nowhere else: no cookie, no address, nothing that outlives it.
  expect(await page.context().cookies()).toEqual([]);
  expect(await page.evaluate("localStorage.length")).toBe(0);
  expect(asked.filter((url) => url.includes(token))).toEqual([]);
  expect([...new Set(asked.map((url) => new URL(url).host))]).toEqual([new URL(gateway.url).host]);
  await page.reload();
  await row(page, "of-bob").waitFor(SOON);
  await button(page, "Log out").click();
  await page.getByLabel("Password").waitFor(SOON);
  expect((await gateway.ask("/sessions", { token })).status).toBe(401);
  expect(await page.evaluate("sessionStorage.length")).toBe(0);
  expect(await row(page, "of-bob").count()).toBe(0);
  expect(wrongs).toEqual([]);
});

withBrowser("sessions are created, extended, reset and stopped, by keyboard too", async () => {
  await using gateway = await RunningGateway.start({ args: ["--sessions-per-user", "1"] });
  const { page, wrongs } = await visitAs(gateway, "bob");
  await page.getByText("There are no sessions yet").waitFor(SOON);
  await button(page, "Create…").click();
  await page.getByLabel("Label").fill("survey");
  await page.getByLabel("May be idle for").fill("forever");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: '"forever" is no time' }).waitFor(SOON);
  await page.getByLabel("May be idle for").fill("12h");
  await page.keyboard.press("Enter");
  await row(page, "survey")
    .filter({ hasText: /1[12] h/ })
    .waitFor(SOON);
  // The gateway's refusal is told where it was asked, and nothing is lost of what was typed.
  await button(page, "Create…").click();
  await page.getByLabel("Label").fill("second");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: "each may have 1" }).waitFor(SOON);
  expect(await page.getByLabel("Label").inputValue()).toBe("second");
  await page.keyboard.press("Escape");
  await button(page, "Extend survey").click();
  await page.getByLabel("May be idle for").fill("4d");
  await page.keyboard.press("Enter");
  await row(page, "survey")
    .filter({ hasText: /[34] d/ })
    .waitFor(SOON);

  const token = await gateway.logIn("bob");
  const { sessions } = (await (await gateway.ask("/sessions", { token })).json()) as {
    sessions: SessionUse[];
  };
  const id = sessions[0]?.session_id;
  const goal = async () => await (await gateway.ask(`/s/${id}/goal`, { token })).json();
  await gateway.ask(`/s/${id}/goal`, { token, json: { goal: ["robot_at(room_two)"] } });
  await button(page, "Reset survey").click();
  await dialog(page, 'Reset session "survey"?').waitFor(SOON);
  await page.keyboard.press("Escape");
  expect(await goal()).toEqual({ goal: ["robot_at(room_two)"] });
  await button(page, "Reset survey").click();
  await button(page, "Reset it").click();
  await page.getByText('"survey" was started afresh').waitFor({ ...SOON, state: "attached" });
  expect(await goal()).toEqual({ goal: [] });
  await button(page, "Stop survey").focus();
  await page.keyboard.press("Enter");
  await dialog(page, 'Stop session "survey"?').waitFor(SOON);
  await page.keyboard.press("Enter"); // on what leaves it as it is
  await dialog(page, "Stop session").waitFor({ ...SOON, state: "detached" });
  expect(await row(page, "survey").count()).toBe(1);
  await page.keyboard.press("Enter"); // the focus is where it was
  await button(page, "Stop it").press("Enter");
  await page.getByText("There are no sessions yet").waitFor(SOON);
  expect((await gateway.ask(`/sessions/${id}`, { token })).status).toBe(404);
  expect(wrongs).toEqual([]);
});

withBrowser("an admin sees everybody's with what they use; names are never markup", async () => {
  await using gateway = await RunningGateway.start();
  const [alice, bob] = [await gateway.logIn("alice"), await gateway.logIn("bob")];
  await gateway.createSession(alice, { label: "of-alice" });
  const theirs = await gateway.createSession(bob, { label: MARKUP });
  const poll = gateway.ask(`/s/${theirs.session_id}/servant/none/next_assignment`, { token: bob });
  await (await poll).text();
  const { page, wrongs } = await visitAs(gateway, "alice");
  const found = row(page, MARKUP);
  await found
    .filter({ hasText: /\d MiB/ })
    .filter({ hasText: /\d %/ })
    .waitFor(SOON);
  expect(await page.locator("img").count()).toBe(0);
  const facts = page.locator("#facts");
  await facts
    .filter({ hasText: /sessions ?2/ })
    .filter({ hasText: /owners ?2/ })
    .waitFor(SOON);
  await page.locator("#figures", { hasText: /requests to sessions ?1/ }).waitFor(SOON);
  // Found by their owner, sorted by what the head says.
  await page.getByLabel("Show").fill("bob");
  await row(page, "of-alice").waitFor({ ...SOON, state: "detached" });
  await page.getByLabel("Show").fill("");
  await button(page, "Owner").click();
  await page.locator('th[aria-sort="ascending"]', { hasText: "Owner" }).waitFor(SOON);
  expect(await page.locator("#rows tr").first().textContent()).toContain("alice");
  await button(page, "Owner").click();
  expect(await page.locator("#rows tr").first().textContent()).toContain("bob");
  // A process that has ended by itself: it says so, and a reset revives it.
  const uses = (await (await gateway.ask("/admin/sessions", { token: alice })).json()) as {
    sessions: SessionUse[];
  };
  const { pid } = uses.sessions.find(({ label }) => label === MARKUP) ?? {};
  process.kill(pid ?? Number.NaN, "SIGKILL");
  await row(page, MARKUP).filter({ hasText: "dead" }).waitFor(SOON);
  expect(await page.getByRole("link", { name: `Open ${MARKUP}` }).count()).toBe(0);
  await button(page, `Reset ${MARKUP}`).click();
  await dialog(page, `Reset session "${MARKUP}" of bob?`).waitFor(SOON);
  await button(page, "Reset it").click();
  await row(page, MARKUP).filter({ hasText: "running" }).waitFor(SOON);
  expect(wrongs).toEqual([]);
});

withBrowser("opens the page of a session, which asks with the login of the tab", async () => {
  await using gateway = await RunningGateway.start();
  const token = await gateway.logIn("bob");
  const { session_id: id } = await gateway.createSession(token, { label: "survey" });
  await gateway.ask(`/s/${id}/goal`, { token, json: { goal: ["robot_at(room_two)"] } });
  const { page, asked, wrongs } = await visitAs(gateway, "bob");
  await page.getByRole("link", { name: "Open survey" }).click();
  await page.locator("#goal", { hasText: "robot_at(room_two)" }).waitFor(SOON);
  expect(new URL(page.url()).pathname).toBe(`/page/${id}`);
  expect(asked.filter((url) => new URL(url).pathname === "/goal")).toEqual([]);
  await page.getByRole("link", { name: "All sessions" }).click();
  await row(page, "survey").waitFor(SOON);
  expect(wrongs).toEqual([]);
  // Whoever has no login is asked for one, and is told nothing before.
  const stranger = await look(browser, `${gateway.url}/page/${id}`, { ignoreHTTPSErrors: true });
  await stranger.page.getByLabel("Password").waitFor(SOON);
  expect(new URL(stranger.page.url()).pathname).toBe("/");
  expect(await stranger.page.locator("body").textContent()).not.toContain("robot_at");
});

withBrowser("a login that has ended leads back to the form, and says so", async () => {
  await using gateway = await RunningGateway.start();
  await gateway.createSession(await gateway.logIn("bob"), { label: "survey" });
  const { page } = await visitAs(gateway, "bob");
  await row(page, "survey").waitFor(SOON);
  await gateway.writeUsers({ ...PEOPLE, bob: { password: "another", role: "user" } });
  await page.getByRole("alert").filter({ hasText: "Your login has ended" }).waitFor(SOON);
  await enter(page, "bob", "another");
  await row(page, "survey").waitFor(SOON);
});

withBrowser("who guesses is told how long to wait", async () => {
  await using gateway = await RunningGateway.start();
  for (let at = 0; at < 10; at += 1) await gateway.logIn("carol", "guess").catch(() => {});
  const { page } = await visit(gateway);
  await enter(page, "bob");
  const told = page.getByRole("alert").filter({ hasText: "too many wrong passwords" });
  await told.filter({ hasText: /Try again in (?:\d+ s|1 min 0 s)\./ }).waitFor(SOON);
});

withBrowser("a gateway that is away is told, and the page goes on by itself", async () => {
  await using gateway = await RunningGateway.start();
  await gateway.createSession(await gateway.logIn("bob"), { label: "survey" });
  const { page } = await visitAs(gateway, "bob");
  await row(page, "survey").waitFor(SOON);
  await gateway.stop();
  await page.getByRole("alert").filter({ hasText: "cannot be reached" }).waitFor(SOON);
  expect(await row(page, "survey").count()).toBe(1);
  expect(await button(page, "Stop survey").isDisabled()).toBe(true);
  await gateway.start();
  await page.locator(".notice").waitFor({ ...SOON, state: "detached" });
  expect(await button(page, "Stop survey").isDisabled()).toBe(false);
});

withBrowser("the page is nobody else's, and fits a phone", async () => {
  await using gateway = await RunningGateway.start();
  await gateway.createSession(await gateway.logIn("bob"), { label: "x".repeat(100) });
  for (const path of ["/", "/page/anything"]) {
    const { headers } = await gateway.ask(path);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'; script-src 'sha256-");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    expect(headers.get("x-frame-options")).toBe("DENY");
  }
  const phone = { viewport: { width: 320, height: 640 }, colorScheme: "dark" } as const;
  const { page, wrongs } = await visitAs(gateway, "alice", phone);
  await row(page, "x".repeat(100)).waitFor(SOON);
  for (const width of [320, 390, 700, 1_000, 1_400]) {
    await page.setViewportSize({ width, height: 640 });
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    const wide = "document.querySelector('.wide')";
    expect(await page.evaluate(`${wide}.scrollWidth - ${wide}.clientWidth`)).toBe(0);
  }
  const tried = (code: string) =>
    page.evaluate(`(async () => { ${code} })().then(() => "done", (cause) => cause.name)`);
  expect(await tried('document.body.innerHTML = "<p>"')).toBe("TypeError");
  expect(await tried('await fetch("http://127.0.0.1:9/", { mode: "no-cors" })')).toBe("TypeError");
  expect(wrongs.filter((each) => !/Trusted|127\.0\.0\.1:9/.test(each))).toEqual([]);
});
