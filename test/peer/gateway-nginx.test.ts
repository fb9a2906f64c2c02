// Goal: the proxy of docs/gateway.md works as it stands there. Method: the page's own configuration, with
// other ports and a certificate made for the test, in a real nginx before the compiled gateway.
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../support/binary.ts";
import { type Certificates, throwAwayCertificates } from "../support/certificates.ts";
import { PEOPLE, RunningGateway } from "../support/gateway.ts";

const nginx = Bun.which("nginx") ?? Bun.which("nginx", { PATH: "/usr/sbin:/usr/local/sbin" });
if (nginx === null) console.warn("skipped: there is no nginx on this machine (apt install nginx)");

/** The server of the page, on this port and before this gateway. */
function configuration(port: number, gateway: string, { cert, key }: Certificates): string {
  const page = readFileSync(join(root, "docs", "gateway.md"), "utf8");
  const [, server = ""] = /```nginx\n([\s\S]*?)```/.exec(page) ?? [];
  const adapted = server
    .replace("listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`)
    .replace("listen [::]:443 ssl;", "")
    .replace("plan.example.com;", "localhost;")
    .replace(/ssl_certificate +[^;]+;/, `ssl_certificate ${cert};`)
    .replace(/ssl_certificate_key +[^;]+;/, `ssl_certificate_key ${key};`)
    .replace("http://127.0.0.1:8421", gateway);
  return `daemon off; pid nginx.pid; error_log stderr;\nevents {}\nhttp { access_log off;
    client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u;
    scgi_temp_path s;\n${adapted}\n}\n`;
}

function freePort(): number {
  const server = Bun.serve({ port: 0, fetch: () => new Response() });
  const { port = 0 } = server;
  server.stop(true);
  return port;
}

test.skipIf(nginx === null && process.env.CI !== "true")(
  "the page's nginx lets through what the gateway serves",
  async () => {
    if (nginx === null)
      throw new Error("there is no nginx on this machine: apt install nginx-light");
    await using gateway = await RunningGateway.start({
      isPlain: true,
      args: ["--trust-proxy", "127.0.0.1"],
    });
    using certificates = throwAwayCertificates();
    const folder = mkdtempSync(join(tmpdir(), "nginx-"));
    const port = freePort();
    writeFileSync(join(folder, "nginx.conf"), configuration(port, gateway.url, certificates));
    const command = [nginx, "-p", folder, "-c", join(folder, "nginx.conf")];
    const process = Bun.spawn(command, { stdout: "ignore", stderr: "pipe" });
    const url = `https://localhost:${port}`;
    const tls = { ca: readFileSync(certificates.ca, "utf8") };
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(url + path, { ...init, tls } as never);
    const json = async (path: string, token: string, body?: object) => {
      const headers = { Authorization: `Bearer ${token}` };
      const posted = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
      return (await (await ask(path, { headers, ...posted })).json()) as Record<string, unknown>;
    };
    try {
      while ((await ask("/health").catch(() => undefined)) === undefined) await Bun.sleep(20);
      const login = (password: string) =>
        ask("/auth/login", { method: "POST", body: JSON.stringify({ username: "bob", password }) });
      const { token } = (await (await login(PEOPLE.bob.password)).json()) as { token: string };
      const { session_id: id } = await json("/sessions", token, {});
      // A poll is held, an object of some megabytes goes through, a run's events come as they happen.
      await json(`/s/${id}/goal`, token, { goal: ["robot_at(room_two)"] });
      const { run_id } = await json(`/s/${id}/execute?wait=false`, token, {});
      const events = `${url.replace("https", "wss")}/s/${id}/runs/${run_id}/events`;
      const socket = new WebSocket(events, { headers: { Authorization: `Bearer ${token}` }, tls });
      const code = await new Promise((resolve) => {
        socket.onclose = (event) => resolve(event.code);
      });
      expect(code).toBe(1000);
      const { servant_id } = await json(`/s/${id}/servant/register`, token, {
        transitions: ["move"],
      });
      const startedMs = performance.now();
      const poll = await ask(`/s/${id}/servant/${servant_id}/next_assignment`, {
        headers: { Authorization: `Bearer ${token}`, Prefer: "wait=1" },
      });
      expect([poll.status, performance.now() - startedMs > 900]).toEqual([204, true]);
      // Pages are held against the address that the browser knows.
      const from = (Origin: string) =>
        ask("/sessions", { headers: { Authorization: `Bearer ${token}`, Origin } });
      expect((await from(url)).status).toBe(200);
      expect((await from("https://evil.example")).status).toBe(403);
      // From this machine, and yet for whoever asks the proxy.
      expect((await ask("/metrics")).status).toBe(401);
      expect((await gateway.ask("/metrics")).status).toBe(200);
      // Whatever a client writes, it is counted where it comes from.
      for (let count = 0; count < 10; count += 1) {
        await ask("/auth/login", {
          method: "POST",
          body: JSON.stringify({ username: "bob", password: "wrong" }),
          headers: { "X-Forwarded-For": `203.0.113.${count}` },
        });
      }
      expect((await login("wrong")).status).toBe(429);
    } finally {
      process.kill();
      await process.exited;
      rmSync(folder, { recursive: true, force: true });
    }
  },
  60_000,
);
