/** Headless Chromium for the tests that look at the page. */
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { LocalScene } from "./local-agent.ts";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = [process.env.CHROMIUM, ...PLACES].find((path) => path && existsSync(path));

export const hasBrowser = executablePath !== undefined;
if (!hasBrowser) {
  console.error("SKIPPED: no Chromium here (`apt-get install chromium`): the page is not tested");
}

/** @throws when there is none: where a browser belongs, its absence is a failure. */
export async function openBrowser(...more: string[]): Promise<Browser> {
  if (executablePath === undefined) throw new Error("Cannot test the page: there is no Chromium");
  return await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", ...more],
  });
}

/** A page, and what it did that it should not have. */
export interface Visit {
  readonly page: Page;
  /** Addresses that it asked for. */
  readonly asked: string[];
  /** What it was told by websockets, as text. */
  readonly heard: string[];
  /** Violations of its policy, errors of its script. */
  readonly wrongs: string[];
}

/** Goes to an address. */
export async function look(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const asked: string[] = [];
  const heard: string[] = [];
  const wrongs: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("websocket", (socket) => {
    asked.push(socket.url());
    socket.on("framereceived", ({ payload }) => heard.push(String(payload)));
  });
  page.on("pageerror", (error) => wrongs.push(String(error.stack)));
  page.on("console", (message) => {
    if (/Content Security Policy|Trusted/i.test(message.text())) wrongs.push(message.text());
  });
  await page.goto(url);
  return { page, asked, heard, wrongs };
}

/** Lets the browser in at an agent's door. */
export async function visit(
  browser: Browser,
  door: Pick<LocalScene, "ask" | "url">,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const answer = await door.ask("/v1/open", { method: "POST" });
  const { url } = (await answer.json()) as { url: string };
  const visit = await look(browser, url, options);
  await visit.page.waitForURL(`${door.url}/`);
  await visit.page.waitForSelector("#inside:not([hidden])");
  return visit;
}
