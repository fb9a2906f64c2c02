/** `agent puda watch`: what machines tell, as it comes. */
import type { Seen } from "../../puda/index.ts";
import { type Paint, printable, warn } from "../output.ts";
import { type PudaCommandOptions, withService } from "./context.ts";

export interface WatchOptions extends PudaCommandOptions {
  readonly all?: boolean;
}

export function watch(machine: string | undefined, options: WatchOptions): Promise<number> {
  return withService(options, async ({ service, out, json, stop, timeoutMs }) => {
    const { all = false } = options;
    const late = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
    const signal = AbortSignal.any([stop, ...late]);
    if (out.isTerminal && !json) {
      out.line(out.paint.dim(`watching ${machine ?? "all machines"}; Ctrl-C ends it`));
    }
    // A machine's heart beats every 5 s.
    const silence = setTimeout(() => warn(silentText(machine)), SILENT_MS);
    signal.addEventListener("abort", () => clearTimeout(silence), { once: true });
    for await (const seen of service.watch({ machine, signal })) {
      if (seen.kind !== "state") clearTimeout(silence); // that is kept when its machine is gone
      if (!all && seen.kind === "telemetry" && seen.name === "heartbeat") continue;
      out.line(json ? JSON.stringify(toJson(seen)) : lineOf(seen, out.paint));
    }
    return 0;
  });
}

/** After so long without a word somebody who watches should know that it is not the program. */
const SILENT_MS = 6_000;

function silentText(machine: string | undefined): string {
  const whose = machine === undefined ? "" : ` of "${printable(machine)}"`;
  return `no heartbeat${whose} so far: \`agent puda ping\` lists the machines that are there`;
}

function toJson(seen: Seen) {
  const { machine, kind } = seen;
  if (seen.kind === "lost") return { machine_id: machine, kind, reason: seen.reason };
  return { machine_id: machine, kind, name: seen.name, payload: seen.payload };
}

function lineOf(seen: Seen, paint: Paint): string {
  const machine = paint.bold(printable(seen.machine));
  if (seen.kind === "lost")
    return `${machine}  ${paint.yellow(`cannot be read: ${printable(seen.reason)}`)}`;
  const { timestamp, state: _state, ...members } = seen.payload;
  const at = typeof timestamp === "string" ? paint.dim(`${printable(timestamp)}  `) : "";
  const name = printable(seen.name);
  const what = seen.kind === "state" ? stateText(name, paint) : name;
  const told = Object.entries(members)
    .filter(([, value]) => seen.kind !== "state" || value !== null) // no run is open
    .map(([key, value]) =>
      printable(`${key}=${typeof value === "string" ? value : JSON.stringify(value)}`),
    );
  return `${at}${machine}  ${[what, ...told].join("  ")}`;
}

function stateText(state: string, { green, red, yellow, dim }: Paint): string {
  const colours: Record<string, (text: string) => string> = {
    idle: green,
    busy: yellow,
    paused: yellow,
    error: red,
    offline: dim,
  };
  return `is ${(colours[state] ?? ((text) => text))(state)}`;
}
