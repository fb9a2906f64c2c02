/**
 * `agent pause` and `agent resume`: tell the agent of this machine, or leave word for the next one.
 * The pause is a fact in the journal, so that it holds over restarts; a running agent is told by a
 * signal and writes it there itself.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ServantError } from "../core/errors.ts";
import { Ledger } from "../core/ledger.ts";
import { MACHINE_KEY } from "../core/machine.ts";
import { systemClock } from "../system/clock.ts";
import { openJournal } from "../system/journal.ts";
import { JournalStories } from "../system/journal-stories.ts";
import { holderOf, openStateDir, stateDirectory } from "../system/state-dir.ts";
import { openOutput } from "./output.ts";

export interface PauseOptions {
  readonly stateDir?: string;
  readonly json?: boolean;
}

/** How long a running agent may take to obey. */
const OBEY_MS = 5_000;
const LOOK_EVERY_MS = 20;
/** How often it is looked again who runs there. */
const ATTEMPTS_MAX = 5;
const REASON = "asked to by a person";

/** @throws {ServantError} `state.absent`, `agent.silent` */
export async function setPaused(isPaused: boolean, options: PauseOptions): Promise<number> {
  const path = stateDirectory(options.stateDir, process.env);
  const journal = join(path, "journal.sqlite");
  if (!existsSync(journal)) {
    throw new ServantError("state.absent", `Cannot find an agent's state in "${path}"`);
  }
  const pid = await see(path, journal, isPaused);
  const output = openOutput(process.stdout, process.env);
  if (options.json) output.json({ paused: isPaused, pid: pid ?? null, stateDir: path });
  else {
    const who = pid === undefined ? `no agent runs with "${path}": its next one` : `agent ${pid}`;
    const what = isPaused ? "starts no action until `agent resume`" : "goes on";
    output.line(`${who} ${what}`);
  }
  return 0;
}

/** Tells whoever runs there, or leaves word; resolves to who it was. */
async function see(path: string, journal: string, isPaused: boolean): Promise<number | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const pid = holderOf(path);
    try {
      if (pid === undefined) await leaveWord(path, journal, isPaused);
      else await tell(pid, journal, isPaused);
      return pid;
    } catch (cause) {
      if (attempt === ATTEMPTS_MAX || !hasMovedOn(cause)) throw cause;
    }
  }
}

/** One started or ended between the look at it and the word to it. */
function hasMovedOn(cause: unknown): boolean {
  const code = (cause as { code?: unknown } | null)?.code;
  return code === "state.locked" || code === "ESRCH";
}

async function tell(pid: number, journal: string, isPaused: boolean): Promise<void> {
  process.kill(pid, isPaused ? "SIGUSR1" : "SIGUSR2");
  const until = systemClock.monotonic() + OBEY_MS;
  while (saysPaused(journal) !== isPaused) {
    if (systemClock.monotonic() > until) {
      const what = isPaused ? "pause" : "resume";
      throw new ServantError("agent.silent", `Cannot tell whether agent ${pid} heeded the ${what}`);
    }
    await systemClock.sleep(LOOK_EVERY_MS);
  }
}

/** Opened for each look: an agent that starts may put a salvaged journal in this one's place. */
function saysPaused(journal: string): boolean {
  const stories = new JournalStories(journal);
  try {
    return stories.machine().paused !== undefined;
  } finally {
    stories.close();
  }
}

async function leaveWord(path: string, journalPath: string, isPaused: boolean): Promise<void> {
  const stateDir = openStateDir(path);
  const journal = openJournal(journalPath, { origin: "" });
  try {
    const ledger = await Ledger.open(journal);
    if ((ledger.machine.paused !== undefined) === isPaused) return;
    const head = { atMs: systemClock.now(), key: MACHINE_KEY };
    await ledger.record([
      isPaused ? { ...head, type: "paused", reason: REASON } : { ...head, type: "resumed" },
    ]);
  } finally {
    await journal.close();
    stateDir.release();
  }
}
