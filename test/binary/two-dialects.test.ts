// Goal: one plugin serves a planning backend and a laboratory's commander by changing one URL.
// Method: the compiled program as both, and as whoever asks; plugins/balance.ts, as it is, on each.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agent, ensureBinary, root } from "../support/binary.ts";
import { natsServer, RunningNats } from "../support/nats.ts";
import { type Running, start, startHost } from "../support/running.ts";

const program = await natsServer();
const balance = join(root, "plugins", "balance.ts:Balance");
let folder: string;
let machine: Running | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "two-dialects-"));
});
afterEach(async () => {
  machine?.kill();
  await machine?.exited;
  machine = undefined;
  rmSync(folder, { recursive: true });
});

async function connect(...to: string[]): Promise<void> {
  const options = ["--state-dir", join(folder, "state"), "--no-local"];
  machine = start([await ensureBinary(), "connect", balance, "--to", ...to, ...options]);
  await machine.until(/registered as servant/);
}

/** What it weighs, in grams, as the first JSON document of an output with `mass_g` says. */
function massIn(output: string): number {
  return Number(/"mass_g": ?(-?[\d.]+)/.exec(output)?.[1]);
}

test("DYNOS triggers the balance", async () => {
  using host = await startHost();
  await connect(host.url);
  for (const [action, isMeasured] of [
    ["load(mass_g=12.5)", false],
    ["weigh(settle_ms=500)", true],
  ] as const) {
    const { code, stdout } = await agent(["call", "trigger", action, "--to", host.url, "--json"]);
    expect(code).toBe(0);
    if (isMeasured) expect(massIn(stdout)).toBeCloseTo(12.5, 2);
  }
}, 30_000);

test.skipIf(program === undefined)(
  "PUDA commands the balance",
  async () => {
    await using server = await RunningNats.start(program ?? "");
    await connect(server.url, "--machine-id", "balance");
    for (const [words, isMeasured] of [
      [["load", "mass_g=12.5"], false],
      [["weigh", "settle_ms=500"], true],
    ] as const) {
      const command = ["puda", "send", "balance", ...words, "--to", server.url, "--json"];
      const { code, stdout } = await agent(command);
      expect(code).toBe(0);
      if (isMeasured) expect(massIn(stdout)).toBeCloseTo(12.5, 2);
    }
  },
  30_000,
);
