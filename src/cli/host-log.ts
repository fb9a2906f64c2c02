/** The log of `agent host`. */
import { describeEvent, type Level } from "../core/events.ts";
import type { JsonObject } from "../core/json.ts";
import { Secrets } from "../core/secrets.ts";
import { systemClock } from "../system/clock.ts";
import { linePrinter, type PrintedLine } from "./event-log.ts";
import type { HostOptions } from "./options.ts";

export type HostLog = (level: Level, message: string, fields: JsonObject) => void;

/** Where `agent host` logs: stderr, for a person or for programs. */
export function hostLog(
  { json }: Pick<HostOptions, "json">,
  source: Extract<PrintedLine["source"], "backend" | "gateway">,
): HostLog {
  const isTerminal = process.stderr.isTTY === true;
  const print = linePrinter({
    format: json ? "json" : "pretty",
    level: "info",
    colours: isTerminal && !process.env.NO_COLOR,
    clock: systemClock,
    write: (text) => process.stderr.write(text),
  });
  const { cleaned } = new Secrets();
  return (level, message, fields) => {
    const event = cleaned({ type: "backend.log", level, message, fields });
    print({ ...describeEvent(event), source });
  };
}
