// Goal: beyond loopback nothing is said in clear, and only under a name of the certificate. Method: a
// certificate made for the test, and real sockets.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isServantError } from "../../src/core/errors.ts";
import { openDoor, TOKEN } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "door-tls-"));
const tlsCert = join(folder, "cert.pem");
const tlsKey = join(folder, "key.pem");

beforeAll(() => {
  const names = "subjectAltName=DNS:robot.example,IP:127.0.0.1,IP:10.1.2.3";
  const made = Bun.spawnSync([
    ...["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"],
    ...["-subj", "/CN=robot.example", "-addext", names, "-keyout", tlsKey, "-out", tlsCert],
  ]);
  if (made.exitCode !== 0) throw new Error(`Cannot make a certificate: ${made.stderr}`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("on every address with a certificate: encrypted, and only under its names", async () => {
  await using http = openDoor({ bind: "0.0.0.0", tlsCert, tlsKey });
  const base = `https://127.0.0.1:${http.port}`;
  const tls = { ca: readFileSync(tlsCert, "utf8") };
  const ask = (headers: Record<string, string> = {}) =>
    fetch(`${base}/v1/status`, { headers: { Authorization: `Bearer ${TOKEN}`, ...headers }, tls });
  expect((await ask()).status).toBe(200);
  for (const Host of ["robot.example", `robot.example:${http.port}`, "10.1.2.3", "localhost"]) {
    expect((await ask({ Host })).status, Host).toBe(200);
  }
  for (const Host of ["evil.example", "robot.example.evil.example", "10.1.2.4", "x".repeat(300)]) {
    expect((await ask({ Host })).status, Host).toBe(403);
  }
  expect((await ask({ Origin: base })).status).toBe(200);
  expect((await ask({ Origin: base.replace("https", "http") })).status).toBe(403);
  const opened = await fetch(`${base}/v1/open`, {
    method: "POST",
    headers: { Authorization: `Bearer ${TOKEN}` },
    tls,
  });
  const { url } = (await opened.json()) as { url: string };
  expect(url).toStartWith(`${base}/open?code=`);
  const entered = await fetch(url, { tls });
  expect(entered.headers.get("set-cookie")).toEndWith("; Secure");
  const clear = await fetch(`http://127.0.0.1:${http.port}/health`).catch(() => undefined);
  expect(clear?.ok ?? false).toBe(false);
});

test("refuses what is no place, and says which", async () => {
  const refusals = [
    [{ bind: "0.0.0.0" }, "local.needs-tls"],
    [{ bind: "10.1.2.3", tlsCert, tlsKey }, "local.bad-address"],
    [{ tlsCert }, "local.bad-tls"],
    [{ tlsCert: tlsKey, tlsKey: tlsCert }, "local.bad-tls"],
    [{ tlsCert, tlsKey: join(folder, "none") }, "local.bad-tls"],
    [{ socket: join(folder, "none", "socket") }, "local.bad-address"],
  ] as const;
  for (const [place, code] of refusals) {
    const thrown = codeOf(() => openDoor(place));
    expect(thrown, JSON.stringify(place)).toBe(code);
  }
  await using taken = openDoor();
  expect(codeOf(() => openDoor({ port: taken.port }))).toBe("local.port-in-use");
});

test("two without a wish take two ports", async () => {
  await using one = openDoor({ port: undefined });
  await using two = openDoor({ port: undefined });
  expect(one.port).not.toBe(two.port);
  expect((await two.ask("/v1/status")).status).toBe(200);
});

function codeOf(open: () => unknown): string {
  try {
    open();
  } catch (cause) {
    if (isServantError(cause)) return cause.code;
    throw cause;
  }
  return "none";
}
