/** Round trips as a caller of a commander sees them: the Python ones and ours, by their own clocks. */

import { CommandService } from "../src/puda/index.ts";
import { type PudaVersion, PythonCommander, pudaPython } from "../test/support/puda-peers.ts";
import { percentile } from "./processes.ts";

/** Milliseconds at the median, by commander; one that does not understand the machine is not there. */
export type CommanderTimes = Partial<Record<PudaVersion | "ours", number>>;

/** Their commanders sleep 100 ms after every answer: a few say it all. */
const THEIRS = 40;
const OURS = { warm: 300, measured: 200 };

/** Which Python commanders a machine answers: C and N each other, S itself, ours them all. */
const SPEAK = { N: ["N"], C: ["C"], S: ["S"], ours: ["N", "C", "S"] } as const;

export async function commanderTimes(
  url: string,
  machine: string,
  name: PudaVersion | "ours",
  isQuick: boolean,
): Promise<CommanderTimes> {
  const times: CommanderTimes = {};
  for (const version of SPEAK[name]) {
    const python = await pudaPython(version);
    if (python === undefined) continue;
    using commander = await PythonCommander.start({ version, python, url });
    const run = `python-${version}`;
    if (version !== "S") await commander.startRun(machine, run);
    const count = isQuick ? 10 : THEIRS;
    times[version] = percentile(await commander.times({ machine, name: "noop", run, count }), 0.5);
    if (version !== "S") await commander.completeRun(machine, run);
  }
  times.ours = await ourTime(url, machine);
  return times;
}

async function ourTime(url: string, machine: string): Promise<number> {
  await using service = await CommandService.connect({ servers: [url] });
  const runId = await service.startRun([machine]);
  const tookMs: number[] = [];
  for (let step = 1; step <= OURS.warm + OURS.measured; step += 1) {
    const askedAtMs = performance.now();
    const { isSuccess, message } = await service.sendQueueCommand({
      machine,
      name: "noop",
      runId,
      step,
    });
    if (!isSuccess) throw new Error(`${machine}: ${message}`);
    if (step > OURS.warm) tookMs.push(performance.now() - askedAtMs);
  }
  await service.completeRun(runId);
  return percentile(tookMs, 0.5);
}
