/** Makes the machine safe after an action was cut off, before anything else is done with it. */
import { windowMs } from "../core/backoff.ts";
import { stamp } from "../core/entry.ts";
import { toServantError } from "../core/errors.ts";
import type { Ledger } from "../core/ledger.ts";
import { MACHINE_KEY } from "../core/machine.ts";
import type { ChildLife, LifeOptions } from "./child-life.ts";
import type { Terms } from "./task.ts";

export type MachineLedger = Pick<Ledger, "machine" | "openEntries" | "recordReport">;
export type SecuringOptions = Pick<LifeOptions, "clock" | "publish"> & {
  /** How long the plugin's safe method may take before its process is killed. */
  readonly safeTimeoutMs: number;
};

const never = new AbortController().signal;

/** Records that the machine may still move; on a full disk it is known all the same. */
export async function recordDoubt(
  ledger: MachineLedger,
  { clock }: SecuringOptions,
  reason: string,
): Promise<void> {
  if (ledger.machine.doubted !== undefined) return;
  await ledger.recordReport([{ type: "doubted", ...stamp(clock), key: MACHINE_KEY, reason }]);
}

/**
 * Runs the plugin's safe method until it succeeds. False when its process ended before: the next
 * one tries again.
 */
export async function secure(
  life: ChildLife,
  ledger: MachineLedger,
  { clock, publish, safeTimeoutMs }: SecuringOptions,
): Promise<boolean> {
  const terms = { signal: never, limits: { timeoutMs: safeTimeoutMs }, graceMs: 0 };
  for (let failures = 1; ; failures += 1) {
    const reason = await failureOf(life, terms);
    if (reason === undefined) break;
    const retryInMs = life.isDoomed ? 0 : windowMs(failures);
    publish({ type: "machine.unsafe", reason, retryInMs });
    await clock.sleep(retryInMs, life.gone);
    if (life.isDoomed) return false;
  }
  await ledger.recordReport([{ type: "secured", ...stamp(clock), key: MACHINE_KEY }]);
  publish({ type: "machine.secured" });
  return true;
}

/** Why the machine is not safe now; undefined when it is. */
async function failureOf(life: ChildLife, terms: Terms): Promise<string | undefined> {
  try {
    // What the process was doing is settled only when its end is dealt with: that is not awaited.
    const answer = await Promise.race([life.do({ type: "safe" }, terms), life.over]);
    return answer === undefined ? life.epitaph : undefined;
  } catch (cause) {
    return toServantError(cause).message;
  }
}
