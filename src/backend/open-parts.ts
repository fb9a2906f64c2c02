/** The parts of a backend, put together, with what an earlier life kept. */
import type { BackendOptions } from "./backend.ts";
import { Executor } from "./executor.ts";
import { Keeper } from "./keeper.ts";
import { Legwork } from "./legwork.ts";
import { LogBook } from "./log-book.ts";
import { memoryStore } from "./memory-store.ts";
import { Missions } from "./missions.ts";
import { learntModules, Modules } from "./modules.ts";
import type { Parts } from "./parts.ts";
import { Plans } from "./plans.ts";
import type { Progress } from "./progress.ts";
import { type Kept, readKept } from "./restore.ts";
import { Runs } from "./runs.ts";
import { type Log, Servants } from "./servants.ts";
import { Traces } from "./traces.ts";
import { Track } from "./track.ts";
import { type StateChange, World } from "./world.ts";

/** @throws {ServantError} `domain.conflict`, `domain.invalid` */
export function openParts(options: BackendOptions): Parts {
  const { clock, domains, store = memoryStore() } = options;
  const keeper: Keeper = new Keeper({
    store,
    clock,
    onTrouble: (reason) => tellTrouble(log, reason),
  });
  const logBook = new LogBook(clock, keeper, store.lines("log"));
  const log: Log = (level, message, fields) => {
    logBook.add(level, message, fields);
    options.log?.(level, message, fields);
  };
  const observe = (progress: Progress) => {
    try {
      options.observe?.(progress);
    } catch (cause) {
      log("debug", "a display failed", { reason: String(cause) }); // it reports, it never commands
    }
  };
  for (const { level, message } of options.notes ?? []) log(level, message, {});
  const traces = new Traces(clock, keeper, store.lines("trace"));
  const track = new Track(clock, keeper, store.lines("track"));
  const onStateChange = (change: StateChange) => {
    traceState(traces, change);
    track.note(change.added, (name) => world.object(name));
  };
  const missions = new Missions({
    keep: keeper,
    kept: store.documents("mission"),
    files: options.missionFiles,
  });
  const world: World = new World(domains, { clock, keep: keeper, onStateChange });
  const servants = new Servants({ ...options, log, keep: keeper });
  const legwork = new Legwork(keeper, store.documents("script"));
  const runs = new Runs({ clock, keep: keeper, kept: store.documents("run") });
  const plans = new Plans({ world, servants, clock, traces, expected: options.expected });
  const base = { world, servants, plans, runs, legwork, traces, log };
  const { replansMax } = options;
  const executor = new Executor({ ...base, clock, observe, now: () => clock.now(), replansMax });
  const learnt = learntModules(store);
  const modules = new Modules({ world, log, keep: keeper, library: options.library, learnt });
  const parts: Parts = { ...base, executor, logBook, track, missions, modules, keeper };
  restore(parts, readKept(store));
  const { interrupted } = runs;
  if (interrupted.length > 0) {
    log("warn", `interrupted by a restart: run ${interrupted.join(", ")}`, {});
  }
  const names = domains.map(({ name }) => name);
  traces.add("session_start", `a backend for ${names.join(", ")}`, { domains: names, interrupted });
  return parts;
}

function restore({ log, servants, world }: Parts, kept: Kept): void {
  for (const reason of [...kept.unreadable, ...world.restore(kept)]) {
    log("warn", `not restored: ${reason}`, {});
  }
  for (const { id, ...offer } of kept.servants) servants.register(offer, id);
}

function tellTrouble(log: Log, reason: string | undefined): void {
  if (reason === undefined) log("info", "the state is saved again", {});
  else log("error", `the state is not saved: ${reason}`, {});
}

function traceState(traces: Traces, { added, removed }: StateChange): void {
  const signed = [...added.map((text) => `+${text}`), ...removed.map((text) => `-${text}`)];
  const shown = signed.slice(0, 10).join(" ");
  const more = signed.length > 10 ? ` and ${signed.length - 10} more` : "";
  traces.add("state_change", `${shown}${more}`, { added: [...added], removed: [...removed] });
}
