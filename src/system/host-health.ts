/** How the machine's computer is doing: load, memory, temperature. */
import { readFileSync } from "node:fs";
import { cpus, freemem, totalmem } from "node:os";

export interface HostHealth {
  /** In percent of all processors, since the last reading. */
  readonly cpu: number;
  /** In percent. */
  readonly mem: number;
  /** In degrees Celsius; null where the system does not tell. */
  readonly temp: number | null;
}

const TEMPERATURE_FILE = "/sys/class/thermal/thermal_zone0/temp";

/** Each reading tells of the time since the one before it. */
export function hostHealthReader(): () => HostHealth {
  let before = processorTimes();
  return () => {
    const now = processorTimes();
    const total = now.total - before.total;
    const cpu = total <= 0 ? 0 : ((now.busy - before.busy) / total) * 100;
    before = now;
    return { cpu: rounded(cpu), mem: rounded(memoryUse()), temp: temperature() };
  };
}

function processorTimes(): { readonly busy: number; readonly total: number } {
  let [busy, total] = [0, 0];
  for (const { times } of cpus()) {
    const { idle, irq, nice, sys, user } = times;
    busy += irq + nice + sys + user;
    total += irq + nice + sys + user + idle;
  }
  return { busy, total };
}

function memoryUse(): number {
  const all = totalmem();
  return all === 0 ? 0 : (1 - freemem() / all) * 100;
}

function temperature(): number | null {
  try {
    const milli = Number(readFileSync(TEMPERATURE_FILE, "utf8"));
    return Number.isFinite(milli) ? milli / 1_000 : null;
  } catch {
    return null; // most virtual machines have no such thing
  }
}

function rounded(value: number): number {
  return Math.round(Math.min(Math.max(value, 0), 100) * 10) / 10;
}
