// Goal: a socket file is its owner's alone from the moment it is there, a dead server's is taken over, a
// live one's never is, and none is left behind.
import { afterAll, expect, test } from "bun:test";
import { lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEndpoint } from "../../../src/adapters/zmtp/endpoint.ts";
import { ReqSocket } from "../../../src/adapters/zmtp/req.ts";
import { isServantError } from "../../../src/core/errors.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { root } from "../../support/binary.ts";
import { start } from "../../support/running.ts";
import { eventually, servedRep } from "../../support/zmq-server.ts";

const folder = mkdtempSync(join(tmpdir(), "zmtp-file-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
/** A path of its own for each test. */
function newPath(): string {
  files += 1;
  return join(folder, `${files}.sock`);
}

const modeOf = (path: string) => (lstatSync(path).mode & 0o777).toString(8);
const isThere = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

async function asked(path: string): Promise<string> {
  const req = await ReqSocket.connect(parseEndpoint(`ipc://${path}`), { clock: systemClock });
  const [answer] = await req.ask([new TextEncoder().encode("hi")]);
  req.close();
  return Buffer.from(answer ?? []).toString();
}

async function refusal(path: string): Promise<string | undefined> {
  try {
    using _ = await servedRep({ urls: [`ipc://${path}`] });
    return undefined;
  } catch (cause) {
    if (isServantError(cause)) return `${cause.code}: ${cause.message}`;
    throw cause;
  }
}

test("a socket file serves, with mode 0600 or the one that is asked for, and goes at the end", async () => {
  for (const [socketMode, mode] of [
    [undefined, "600"],
    [0o660, "660"],
  ] as const) {
    const path = newPath();
    const served = await servedRep({
      urls: [`ipc://${path}`],
      ...(socketMode === undefined ? {} : { socketMode }),
    });
    expect(served.url).toBe(`ipc://${path}`);
    expect(modeOf(path)).toBe(mode);
    expect(await asked(path)).toBe("hi");
    expect(served.requests[0]?.peer.address).toBe(`ipc://${path}`);
    served.server.close();
    expect(readdirSync(folder)).toEqual([]);
  }
});

test("a file that a killed server left is taken over", async () => {
  const path = newPath();
  const killed = start([process.execPath, join(root, "bench", "zmtp-server.ts"), `ipc://${path}`]);
  await killed.until(/listening/);
  killed.kill("SIGKILL");
  await killed.exited;
  expect(isThere(path)).toBe(true);
  using _ = await servedRep({ urls: [`ipc://${path}`] });
  expect(await asked(path)).toBe("hi");
});

test("a live server's file is kept, and still serves", async () => {
  const path = newPath();
  using _ = await servedRep({ urls: [`ipc://${path}`] });
  const before = readdirSync("/proc/self/fd").length;
  expect(await refusal(path)).toBe(`local.port-in-use: Cannot listen on unix:${path}: it is taken`);
  await eventually(() => readdirSync("/proc/self/fd").length <= before, "that none is left open");
  expect(await asked(path)).toBe("hi");
});

test("of two that start at once, one gets the file", async () => {
  const path = newPath();
  const both = await Promise.allSettled([1, 2].map(() => servedRep({ urls: [`ipc://${path}`] })));
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(await asked(path)).toBe("hi");
  for (const each of both) if (each.status === "fulfilled") each.value.server.close();
  expect(isThere(path)).toBe(false);
});

test("a server whose file was removed and taken by another leaves that one alone", async () => {
  const path = newPath();
  const first = await servedRep({ urls: [`ipc://${path}`] });
  rmSync(path);
  using _ = await servedRep({ urls: [`ipc://${path}`] });
  first.server.close();
  expect(await asked(path)).toBe("hi");
});

test("what is no socket, no folder or too long is refused and stays as it is", async () => {
  const path = newPath();
  writeFileSync(path, "a letter");
  expect(await refusal(path)).toContain("local.bad-address");
  expect(lstatSync(path).size).toBe(8);
  rmSync(path);
  expect(await refusal(join(folder, "none", "x.sock"))).toContain("there is no such folder");
  expect(await refusal(join(folder, "x".repeat(120)))).toContain("too long");
  expect(readdirSync(folder)).toEqual([]);
});

test("all listeners are opened or none", async () => {
  const [one, two] = [newPath(), newPath()];
  writeFileSync(two, "a letter");
  await expect(servedRep({ urls: [`ipc://${one}`, `ipc://${two}`] })).rejects.toThrow(two);
  expect(readdirSync(folder)).toEqual([two.slice(folder.length + 1)]);
  rmSync(two);
});
