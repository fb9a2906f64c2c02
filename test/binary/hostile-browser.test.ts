// Goal: while an operator is in with the page, no other page that the same browser looks at reads a
// byte of the agent or moves it: not from another site, not from another port of this machine (which
// shares our cookies), not under a name that was made to point here. Method: headless Chromium with
// the operator's session, hostile pages that try all a page can, and what the agent itself has counted.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { api } from "../../src/local/api.ts";
import { Failure } from "../../src/wire/local.ts";
import { hasBrowser, openBrowser, visit } from "../support/browser.ts";
import { LocalScene } from "../support/local-agent.ts";

const withBrowser = test.skipIf(!hasBrowser && process.env.CI !== "true");

const script = readFileSync(join(import.meta.dir, "..", "fixtures", "browser", "attack.js"), "utf8")
  .replace(/^\/\*\*[\s\S]*?\*\/\s*/, "")
  .replace(/;\s*$/, "");

let browser: Browser;
/** Any page: it does nothing by itself. It keeps the cookies that a browser brings it. */
const elsewhere = {
  cookies: [] as string[],
  server: undefined as Bun.Server<undefined> | undefined,
  get port(): number {
    return this.server?.port ?? 0;
  },
};

beforeAll(async () => {
  elsewhere.server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      elsewhere.cookies.push(request.headers.get("cookie") ?? "");
      return new Response("<!doctype html><title>elsewhere</title>", {
        headers: { "Content-Type": "text/html" },
      });
    },
  });
  if (!hasBrowser && process.env.CI !== "true") return;
  const names = "MAP evil.example 127.0.0.1, MAP rebound.example 127.0.0.1";
  browser = await openBrowser(
    `--host-resolver-rules=${names}`,
    // Newer ones would ask the operator first, who may say yes: the agent must not rely on that.
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
  );
});
afterAll(async () => {
  await browser?.close();
  await elsewhere.server?.stop(true);
});

/** Runs in the browser: tries all that a page can; resolves to what it could read. */
async function attack(page: Page, base: string): Promise<string[]> {
  return await page.evaluate(`(${script})(${JSON.stringify(base)})`);
}

interface Seen {
  readonly page: Page;
  /** How many requests the agent has refused as foreign. */
  readonly refused: () => Promise<number>;
}

/** A browser whose operator is in, and its next tab. */
async function besideTheOperator(scene: LocalScene): Promise<Seen> {
  const operator = await visit(browser, scene);
  const status = await operator.page.evaluate(async () => {
    const headers = { "Agent-Page-Key": localStorage.getItem("agent-page-key") ?? "" };
    return (await fetch("/v1/status", { headers })).status;
  });
  expect(status).toBe(200); // the session is good: what is refused below is not for lack of it
  const refused = async () => {
    const metrics = await (await scene.ask("/metrics")).text();
    return Number(/answers_total\{status="403"\} (\d+)/.exec(metrics)?.[1] ?? 0);
  };
  return { page: await operator.page.context().newPage(), refused };
}

/** It runs on as if nothing had been. */
async function unmoved(scene: LocalScene): Promise<void> {
  expect(await scene.status()).toMatchObject({ state: "ready" });
  for (const event of ["agent.paused", "agent.stopping"]) {
    expect(scene.servant.events(event)).toEqual([]);
  }
  scene.peer.assign("after");
  expect(await scene.peer.result("after")).toMatchObject({ success: true });
}

for (const host of ["evil.example", "127.0.0.1", "localhost"]) {
  withBrowser(
    `a page of ${host} on another port reads nothing and moves nothing`,
    async () => {
      await using scene = await LocalScene.open();
      const { page, refused } = await besideTheOperator(scene);
      await page.goto(`http://${host}:${elsewhere.port}/`);
      for (const name of new Set([scene.url, scene.url.replace("127.0.0.1", "localhost")])) {
        expect(await attack(page, name), name).toEqual([]);
      }
      // They did arrive; our own cookie came along with those from another port of this address.
      expect(await refused()).toBeGreaterThan(50);
      await unmoved(scene);
      await page.context().close();
    },
    60_000,
  );
}

withBrowser(
  "under a name that was made to point here a page reads refusals alone",
  async () => {
    await using scene = await LocalScene.open();
    const { page, refused } = await besideTheOperator(scene);
    const rebound = scene.url.replace("127.0.0.1", "rebound.example");
    expect((await page.goto(`${rebound}/`))?.status()).toBe(403);
    // Its page came while the name still led to its own server.
    const html = "<!doctype html><title>rebound</title><body>";
    await page.route(`${rebound}/before`, (route) =>
      route.fulfill({ body: html, contentType: "text/html" }),
    );
    await page.goto(`${rebound}/before`);
    const read = await attack(page, rebound);
    for (const text of read) {
      const { code } = Failure.parse(JSON.parse(text.slice(text.indexOf("{"))));
      expect(code, text).toBe("request.foreign");
    }
    expect(read.length).toBeGreaterThan(10);
    expect(await refused()).toBeGreaterThan(30);
    await unmoved(scene);
    await page.context().close();
  },
  60_000,
);

// A browser hands our cookie to whatever listens on another port of this address; that is a program,
// which no browser keeps from naming whatever Origin it likes.
withBrowser(
  "a server on another port that is handed the cookie opens nothing with it",
  async () => {
    await using scene = await LocalScene.open();
    const { page } = await besideTheOperator(scene);
    elsewhere.cookies.length = 0;
    await page.goto(`http://127.0.0.1:${elsewhere.port}/`);
    const Cookie = elsewhere.cookies.find((each) => each.includes("agent-session-")) ?? "";
    expect(Cookie).toMatch(/^agent-session-\d+=[\w-]{43}$/);
    const [, cookie = ""] = Cookie.split("=");
    // All that a browser would say for our own page.
    const asPage = { Cookie, Origin: scene.url, Referer: `${scene.url}/` };
    const likely = [asPage, { ...asPage, "Agent-Page-Key": cookie }];
    const headers = likely.map((each) => ({ ...each, "Sec-Fetch-Site": "same-origin" }));
    for (const { method, path } of Object.values(api)) {
      if (["/health", "/ready", "/", "/open", "/v1/docs", "/v1/openapi.json"].includes(path))
        continue;
      for (const init of headers) {
        const answer = await fetch(`${scene.url}${path.replace("{auditId}", "a1")}`, {
          method,
          headers: init,
        });
        expect([path, answer.status]).toEqual([path, 401]);
        expect(Failure.parse(await answer.json()).code).toBe("local.unauthorized");
      }
    }
    const stream = `${scene.url.replace("http:", "ws:")}/v1/stream?since=0`;
    for (const protocols of [[], ["agent.v1.json", `agent.page-key.${cookie}`]]) {
      const heard: unknown[] = [];
      const socket = new WebSocket(stream, { headers: asPage, protocols });
      socket.onopen = () => heard.push("opened");
      socket.onmessage = ({ data }) => heard.push(data);
      await new Promise((resolve) => {
        socket.onclose = resolve;
      });
      expect(heard).toEqual([]);
    }
    await unmoved(scene);
    await page.context().close();
  },
  60_000,
);
