/** `agent puda ping`: who a machine is, or which machines there are. */
import { shortDuration } from "../../core/duration.ts";
import { exitCodes } from "../../core/errors.ts";
import type { Pinged } from "../../puda/index.ts";
import { table } from "../output.ts";
import { type PudaCommandOptions, withService } from "./context.ts";

export type PingOptions = PudaCommandOptions;

export function ping(machine: string | undefined, options: PingOptions): Promise<number> {
  return withService(options, async ({ service, out, json, stop, timeoutMs }) => {
    const waiting = { timeoutMs, signal: stop };
    const answers =
      machine === undefined
        ? await service.pingFleet(waiting)
        : [await service.ping(machine, waiting)];
    const pongs = answers.map(({ pong, tookMs }) => ({ ...pong, took_ms: round(tookMs) }));
    if (json) out.json(machine === undefined ? pongs : pongs[0]);
    else if (answers.length === 0) out.line("no machine answered");
    else out.line(table(HEADINGS, answers.map(rowOf), out.paint));
    return answers.length === 0 ? exitCodes.permanent : 0;
  });
}

const HEADINGS = ["MACHINE", "IS", "UP", "VERSION", "ADDRESS", "ANSWERED", "WHAT IT IS"];

function rowOf({ pong, tookMs }: Pinged): string[] {
  const { machine_id, run_status, uptime_seconds, sdk_version, local_ip, description } = pong;
  const up = typeof uptime_seconds === "number" ? shortDuration(Math.round(uptime_seconds)) : "";
  const address = typeof local_ip === "string" ? local_ip : "";
  const answered = `${round(tookMs)} ms`;
  const [what = ""] = (description ?? "").split("\n");
  return [machine_id, run_status ?? "", up, sdk_version ?? "", address, answered, what];
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
