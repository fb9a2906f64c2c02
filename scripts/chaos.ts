/**
 * Kills the real binary at random moments under a steady stream of assignments and counts what was
 * lost or done twice: `npm run chaos -- [--kills N] [--seed S] [--peer] [--json]`. With `--peer`
 * the public Python servant is killed the same way, 30 times or `--kills N`. Ends with 1 when ours
 * lost or doubled anything.
 */
import { parseArgs } from "node:util";
import { type ChaosReport, runChaos } from "../test/support/faults/chaos.ts";
import { type Make, ourMake, pythonMake } from "../test/support/faults/servants.ts";

const KILLS = 300;
const PEER_KILLS = 30;
const PROGRESS_EVERY_MS = 2_000;
/** More than these are only counted; `--json` has them all. */
const FINDINGS_MAX = 10;

// Ctrl-C ends the servants too: see `running` of test/support/faults/servants.ts.
process.once("SIGINT", () => process.exit(130));

const { values } = parseArgs({
  options: {
    kills: { type: "string" },
    seed: { type: "string" },
    peer: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

function wholeNumber(flag: "kills" | "seed"): number | undefined {
  const text = values[flag];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text !== "" && Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`Cannot use "${text}" for --${flag}: it is not a whole number`);
  process.exit(2);
}

async function chaos(make: Make, kills: number): Promise<ChaosReport> {
  let toldAt = performance.now();
  const onProgress = (done: number) => {
    if (performance.now() - toldAt < PROGRESS_EVERY_MS) return;
    toldAt = performance.now();
    console.error(`${make.name}: ${done} of ${kills} kills`);
  };
  return await runChaos({ make, kills, seed, onProgress });
}

function told(report: ChaosReport): string {
  const { servant, version, kills, killsInStartUp, assignments, handedOutAgain } = report;
  return [
    ...report.findings.slice(0, FINDINGS_MAX).map((finding) => `  ${finding}`),
    `${servant} ${version}: ${kills} kills (${killsInStartUp} in start-up), ${assignments} assignments,`,
    `  ${report.interrupted} answered as interrupted, ${handedOutAgain} handed out again;`,
    `  ${report.lost} outcomes lost, ${report.doubled} effects doubled, ${report.deaths} deaths of its own`,
  ].join("\n");
}

const seed = wholeNumber("seed") ?? 1;
const kills = wholeNumber("kills");
const reports = [await chaos(await ourMake(), kills ?? KILLS)];
const python = values.peer ? await pythonMake() : undefined;
if (python !== undefined) reports.push(await chaos(python, kills ?? PEER_KILLS));
console.log(values.json ? JSON.stringify({ reports }, null, 2) : reports.map(told).join("\n"));
const [ours] = reports;
process.exit(ours === undefined || ours.lost + ours.doubled > 0 ? 1 : 0);
