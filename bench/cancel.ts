/**
 * How long a cancel takes from `POST /cancel` to the handler's signal, while the plugin writes
 * 10,000 log lines a second: the compiled backend and servant, a long poll between them.
 * `npm run bench:cancel`; `-- --quick` for a look.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBinary } from "../scripts/binary.ts";
import { end, nowMs, percentile, until } from "./processes.ts";

const ROUNDS = process.argv.includes("--quick") ? 20 : 200;
const TO_REACH_MS = 100;
/** How long it chatters before it is called off: at least this, and up to twice as much. */
const CHATTER_MS = 150;

const folder = mkdtempSync(join(tmpdir(), "servant-cancel-"));
const notesFile = join(folder, "notes");
const agent = await ensureBinary();

const host = Bun.spawn([agent, "host", "--port", "0", "--json"], {
  stdin: "ignore",
  stdout: "pipe",
  stderr: "ignore",
});
const { value } = await host.stdout.getReader().read();
const { url } = JSON.parse(new TextDecoder().decode(value)) as { url: string };
const plugin = join(import.meta.dir, "noisy-plugin.ts:Noisy");
const servant = Bun.spawn(
  [
    ...[agent, "connect", plugin, "--to", url, "--state-dir", join(folder, "state")],
    ...["--pass-env", "CANCEL_NOTES"],
  ],
  {
    env: { ...process.env, CANCEL_NOTES: notesFile },
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(join(folder, "log")), // what a service's log costs: the lines are written
  },
);

try {
  await until(async () => (await ask<{ servants: number }>("GET", "/health")).servants === 1, 20);
  const tookMs: number[] = [];
  const rates: number[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const params = { start: "room_one", end: "room_two" };
    const answer = ask("POST", "/trigger", { action: "move", params });
    await until(async () => notes("began").length === round, 2);
    await Bun.sleep(CHATTER_MS * (1 + Math.random()));
    const cancelledAtMs = nowMs();
    await ask("POST", "/cancel", { reason: "the bench asks for it" });
    await until(async () => notes("aborted").length === round, 2);
    const [abortedAtMs = Number.NaN, perS = Number.NaN] = notes("aborted").at(-1) ?? [];
    tookMs.push(abortedAtMs - cancelledAtMs);
    rates.push(perS);
    await answer;
  }
  const shown = (ms: number) => `${ms.toFixed(1)} ms`;
  const p99 = percentile(tookMs, 0.99);
  console.log(`cancels: ${ROUNDS}, log lines: ${Math.round(percentile(rates, 0.5))} /s (median)`);
  console.log(
    `cancel to handler: p50 ${shown(percentile(tookMs, 0.5))}, p99 ${shown(p99)}, ` +
      `max ${shown(Math.max(...tookMs))}; to reach: p99 <= ${TO_REACH_MS} ms`,
  );
  process.exitCode = p99 <= TO_REACH_MS ? 0 : 1;
} finally {
  await Promise.all([end(servant), end(host)]);
  rmSync(folder, { recursive: true, force: true });
}

/** The numbers of the notes of one kind, in order. */
function notes(kind: string): number[][] {
  if (!existsSync(notesFile)) return [];
  const lines = readFileSync(notesFile, "utf8").split("\n").slice(0, -1);
  return lines.flatMap((line) => {
    const [what, ...numbers] = line.split(" ");
    return what === kind ? [numbers.map(Number)] : [];
  });
}

async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  return (await (await fetch(url + path, init)).json()) as T;
}
