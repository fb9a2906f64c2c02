/**
 * What sessions cost: how long a create takes until the session answers, how much memory a hundred
 * idle ones need and how much processor, gateway included. The compiled gateway as its users see it,
 * over http. `npm run bench:sessions`; `-- --quick` for a look. Linux.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBinary } from "../scripts/binary.ts";
import { cpuOf } from "../src/system/process-mark.ts";
import type { LoginReply, SessionRecord } from "../src/wire/gateway.ts";
import { end, family, memory, nowMs, percentile } from "./processes.ts";

const isQuick = process.argv.includes("--quick");
const SESSIONS = isQuick ? 10 : 100;
/** After the last request: a process gives memory back when it has been at rest for five seconds. */
const REST_MS = 10_000;
/** The runtime looks at its heap each second for a while, then each half minute. */
const SETTLE_MS = isQuick ? 0 : 40_000;
const IDLE_MS = isQuick ? 10_000 : 60_000;
const TO_REACH = { createMs: 150, pssMiB: (1.5 * 1_024 * SESSIONS) / 100, cpuPercent: 2 };

const folder = mkdtempSync(join(tmpdir(), "servant-sessions-"));
const users = join(folder, "login.json");
const password_hash = await Bun.password.hash("bench", { algorithm: "bcrypt", cost: 4 });
writeFileSync(users, JSON.stringify({ users: { bench: { password_hash, role: "user" } } }), {
  mode: 0o600,
});
const gateway = Bun.spawn(
  [
    ...[await ensureBinary(), "host", "--sessions", "--json", "--port", "0", "--users", users],
    ...["--state-dir", join(folder, "state"), "--sessions-per-user", String(SESSIONS)],
    ...["--session-ports", "28500-28699"],
  ],
  { stdin: "ignore", stdout: "pipe", stderr: Bun.file(join(folder, "log")) },
);

try {
  const { value } = await gateway.stdout.getReader().read();
  const { url } = JSON.parse(new TextDecoder().decode(value)) as { url: string };
  const post = async <T>(path: string, body: object, token = ""): Promise<T> => {
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const login = { username: "bench", password: "bench" };
  const { token } = await post<LoginReply>("/auth/login", login);
  const tookMs: number[] = [];
  const ids: string[] = [];
  for (let made = 0; made < SESSIONS; made += 1) {
    const askedAtMs = nowMs();
    ids.push((await post<SessionRecord>("/sessions", {}, token)).session_id);
    tookMs.push(nowMs() - askedAtMs);
  }
  const [p50, p95] = [0.5, 0.95].map((share) => percentile(tookMs, share).toFixed(0));
  console.log(
    `create to healthy: p50 ${p50} ms, p95 ${p95} ms (to reach: ${TO_REACH.createMs} ms)`,
  );

  const all = [gateway.pid, ...family(gateway.pid).slice(1)];
  await Bun.sleep(REST_MS);
  tellMemory("never used", all);
  for (const id of ids) await mission(id);
  await Bun.sleep(REST_MS);
  const pss = tellMemory("after a mission each", all);
  await Bun.sleep(SETTLE_MS);
  const [own, others] = await idle(all);
  const percent = own + others;
  console.log(
    `idle: ${percent.toFixed(2)} % of a core (to reach: ${TO_REACH.cpuPercent} %), ` +
      `of it the gateway ${own.toFixed(2)} %`,
  );
  const isReached =
    Number(p50) <= TO_REACH.createMs && pss <= TO_REACH.pssMiB && percent <= TO_REACH.cpuPercent;
  process.exitCode = isReached ? 0 : 1;

  /** Three steps, done by a servant that says so. */
  async function mission(id: string): Promise<void> {
    const session = `/s/${id}`;
    await post(`${session}/start`, { start: ["robot_at(room_one)"] }, token);
    await post(`${session}/start`, { start: ["box_at(room_two, box_a)"] }, token);
    await post(`${session}/goal`, { goal: ["box_at(room_one, box_a)"] }, token);
    await post(`${session}/plan`, {}, token);
  }
} finally {
  await end(gateway);
  rmSync(folder, { recursive: true, force: true });
}

/** Percent of a core: what the first process uses, and what the others do. */
async function idle([first = 0, ...others]: readonly number[]): Promise<[number, number]> {
  const used = (pids: readonly number[]) => pids.reduce((sum, pid) => sum + (cpuOf(pid) ?? 0), 0);
  const before = [used([first]), used(others)] as const;
  await Bun.sleep(IDLE_MS);
  const share = (now: number, then: number) => ((now - then) / (IDLE_MS / 1_000)) * 100;
  return [share(used([first]), before[0]), share(used(others), before[1])];
}

function tellMemory(when: string, pids: readonly number[]): number {
  const { pss, anonymous } = memory(pids);
  const each = memory(pids.slice(1));
  console.log(
    `${pids.length - 1} sessions, ${when}: ${pss.toFixed(0)} MiB PSS with the gateway ` +
      `(to reach: ${TO_REACH.pssMiB.toFixed(0)} MiB); each ${(each.pss / (pids.length - 1)).toFixed(1)}, ` +
      `of it ${(each.anonymous / (pids.length - 1)).toFixed(1)} anonymous; gateway and all ${anonymous.toFixed(0)} anonymous`,
  );
  return pss;
}
