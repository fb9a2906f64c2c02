/** The parts of a backend, put together, with what an earlier life kept. */
import type { Atom } from "../core/atom.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { BackendOptions } from "./backend.ts";
import { Executor } from "./executor.ts";
import { Keeper } from "./keeper.ts";
import { LateAnswers } from "./late-answers.ts";
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
import { Unanswered } from "./unanswered.ts";
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
  const unanswered = new Unanswered(keeper, store.documents("step"));
  const onSaid = (atoms?: ReadonlySet<Atom>) => unanswered.overrule(atoms);
  const world: World = new World(domains, { clock, keep: keeper, onStateChange, onSaid });
  const servants = new Servants({ ...options, log, keep: keeper, unanswered });
  const legwork = new Legwork(keeper, store.documents("script"));
  const runs = new Runs({ clock, keep: keeper, kept: store.documents("run") });
  const plans = new Plans({ world, servants, clock, traces, expected: options.expected });
  restore({ log, servants, world }, readKept(store));
  const lateAnswers = new LateAnswers({
    ...{ clock, world, servants, runs, legwork, traces, unanswered, log },
  });
  const late = { unanswered, lateAnswers };
  const base = { world, servants, plans, runs, legwork, traces, log, ...late };
  const { replansMax } = options;
  const executor = new Executor({ ...base, clock, observe, now: () => clock.now(), replansMax });
  const learnt = learntModules(store);
  const modules = new Modules({ world, log, keep: keeper, library: options.library, learnt });
  const parts: Parts = { ...base, executor, logBook, track, missions, modules, keeper };
  const { interrupted } = runs;
  if (interrupted.length > 0) {
    log("warn", `interrupted by a restart: run ${interrupted.join(", ")}`, {});
  }
  endTraces(traces);
  const names = domains.map(({ name }) => name);
  traces.add("session_start", `a backend for ${names.join(", ")}`, { domains: names, interrupted });
  return parts;
}

type Restored = Pick<Parts, "log" | "servants" | "world">;

function restore({ log, servants, world }: Restored, kept: Kept): void {
  for (const reason of [...kept.unreadable, ...world.restore(kept)]) {
    log("warn", `not restored: ${reason}`, {});
  }
  for (const { id, ...offer } of kept.servants) {
    servants.register(offer, id, { isHeard: false });
  }
}

/** What was begun and has no end in the traces ended with the life before. */
function endTraces(traces: Traces): void {
  const open = new Map<Json, JsonObject>();
  for (const { kind, data } of traces.all) {
    const { audit_id } = data;
    if (audit_id === undefined) continue;
    if (kind === "behavior_start") open.set(audit_id, data);
    if (kind === "behavior_end") open.delete(audit_id);
  }
  const reason = "interrupted: nobody saw how it ended";
  for (const {
    run_id = null,
    audit_id = null,
    action_name = "",
    parameters = {},
  } of open.values()) {
    traces.add("behavior_end", `${action_name} ${reason}`, {
      ...{ run_id, audit_id, action_name, parameters },
      ...{ success: false, interrupted: true, reason },
    });
  }
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
