/**
 * What the gateway's proxy adds to a call and how many it carries, beside Debian's nginx and haproxy
 * in the same run: `npm run bench:gateway` (about two minutes; `-- --quick` for a look). The compiled
 * gateway with its login and a session of its own; the direct call and the peers' go to the same
 * program started by itself, for a session answers its gateway only. What sessions cost is
 * `bench/sessions.ts`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBinary } from "../scripts/binary.ts";
import type { LoginReply, SessionRecord } from "../src/wire/gateway.ts";
import { throwAwayCertificates } from "../test/support/certificates.ts";
import { startPeers } from "./gateway-peers.ts";
import { load, type Target } from "./http-load.ts";
import { cpuSeconds, end, memory, percentile } from "./processes.ts";

const isQuick = process.argv.includes("--quick");
/** Short turns: how the kernel places four processes on two cores changes from second to second. */
const ROUNDS = isQuick ? 3 : 15;
const ALONE_MS = 300;
const TOGETHER_MS = 500;
/** A gateway runs for days: what is measured is compiled, some ten thousand requests on. */
const WARM_MS = isQuick ? 500 : 4_000;
const CONNECTIONS = 32;
const TO_REACH = { addedMs: 0.15, perS: 5_000 };

const agent = await ensureBinary();
const folder = mkdtempSync(join(tmpdir(), "servant-gateway-bench-"));
using certificates = throwAwayCertificates();
const ca = readFileSync(certificates.ca, "utf8");
const children: Bun.Subprocess[] = [];

async function start(...args: string[]): Promise<{ readonly pid: number; readonly url: string }> {
  const child = Bun.spawn([agent, "host", "--json", "--port", "0", ...args], {
    stdio: ["ignore", "pipe", Bun.file(join(folder, `${children.length}.log`))],
  });
  children.push(child);
  const { value } = await child.stdout.getReader().read();
  return { pid: child.pid, url: JSON.parse(new TextDecoder().decode(value)).url };
}

interface Subject {
  readonly name: string;
  readonly target: Target;
  readonly pid?: number;
  readonly alone: number[];
  readonly p99: number[];
  readonly perS: number[];
}

function subject(name: string, target: Target, pid?: number): Subject {
  return { name, target, ...(pid === undefined ? {} : { pid }), alone: [], p99: [], perS: [] };
}

const portOf = (url: string) => Number(new URL(url).port);
const get = (path: string, token = "none") =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n` +
  "X-Requested-With: dynos\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n";

/** A gateway with a user and a session; what asks for that session's health. */
async function ours(name: string, from: string, ...args: string[]): Promise<Subject> {
  const users = join(folder, "login.json");
  const state = join(folder, name);
  const ports = ["--session-ports", `${from}0-${from}9`];
  const { pid, url } = await start(
    ...["--sessions", "--users", users, "--state-dir", state, ...ports, ...args],
  );
  const post = async <T>(path: string, body: object, token = ""): Promise<T> => {
    const headers = { Authorization: `Bearer ${token}` };
    const init = { method: "POST", headers, body: JSON.stringify(body), tls: { ca } };
    return (await (await fetch(url + path, init)).json()) as T;
  };
  const login = { username: "bench", password: "bench" };
  const { token } = await post<LoginReply>("/auth/login", login);
  const { session_id: id } = await post<SessionRecord>("/sessions", {}, token);
  const isTls = url.startsWith("https");
  const request = get(`/s/${id}/health`, token);
  return subject(name, { port: portOf(url), request, ...(isTls ? { ca } : {}) }, pid);
}

async function measure(subjects: readonly Subject[]): Promise<void> {
  for (const { target } of subjects) {
    await load(target, { connections: CONNECTIONS, forMs: WARM_MS });
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { target, alone, p99, perS } of subjects) {
      const { tookMs } = await load(target, { connections: 1, forMs: ALONE_MS });
      alone.push(percentile(tookMs, 0.5));
      p99.push(percentile(tookMs, 0.99));
      perS.push((await load(target, { connections: CONNECTIONS, forMs: TOGETHER_MS })).perS);
    }
  }
}

const median = (values: readonly number[]) => percentile(values, 0.5);

/** Prints the rows and says whether ours reach what they are to reach. */
function report(direct: Subject, others: readonly Subject[]): boolean {
  console.log("| | p50 / p99 | added at p50 | requests/s, 32 at once |");
  console.log("|---|---|---|---|");
  let isReached = true;
  for (const { name, alone, p99, perS } of [direct, ...others]) {
    const added = median(alone.map((p50, round) => p50 - (direct.alone[round] ?? 0)));
    const each = `${median(alone).toFixed(3)} / ${median(p99).toFixed(3)} ms`;
    console.log(`| ${name} | ${each} | ${added.toFixed(3)} ms | ${median(perS).toFixed(0)} |`);
    if (!name.startsWith("ours")) continue;
    isReached &&= added <= TO_REACH.addedMs && median(perS) >= TO_REACH.perS;
  }
  return isReached;
}

try {
  const password_hash = await Bun.password.hash("bench", { algorithm: "bcrypt", cost: 4 });
  const people = { users: { bench: { password_hash, role: "user" } } };
  writeFileSync(join(folder, "login.json"), JSON.stringify(people), { mode: 0o600 });
  const { url } = await start("--bind", "127.0.0.1");
  const { cert, key } = certificates;
  const peers = await startPeers({ folder, port: portOf(url), cert, key });
  try {
    const request = get("/health");
    const direct = subject("direct", { port: portOf(url), request });
    const others = [
      await ours("ours, http", "2860"),
      ...peers.map(({ name, http }) => subject(`${name}, http`, { port: http, request })),
      await ours("ours, https", "2861", "--tls-cert", cert, "--tls-key", key),
      ...peers.map(({ name, https }) => subject(`${name}, https`, { port: https, request, ca })),
    ];
    await measure([direct, ...others]);
    process.exitCode = report(direct, others) ? 0 : 1;
    for (const { name, pid } of others) {
      if (pid === undefined) continue;
      const { pss } = memory([pid]);
      console.log(
        `${name}: gateway ${pss.toFixed(0)} MiB PSS, ${cpuSeconds([pid]).toFixed(1)} s CPU`,
      );
    }
  } finally {
    for (const peer of peers) await peer.stop();
  }
} finally {
  for (const child of children.reverse()) await end(child);
  rmSync(folder, { recursive: true, force: true });
}
