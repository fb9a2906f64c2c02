/**
 * The only place that constructs rooms and connects them: a servant for `connect`, `serve` and `run`. The
 * plugin's process starts once the state folder is ours, and loads while the journal is opened.
 */
import { join } from "node:path";
import { openBus } from "../agent/bus.ts";
import { Servant, type ServantOptions } from "../agent/servant.ts";
import { Supervisor } from "../agent/supervisor.ts";
import type { SpawnChild } from "../core/child.ts";
import { ServantError } from "../core/errors.ts";
import { Ledger } from "../core/ledger.ts";
import type { PluginClass } from "../core/plugin.ts";
import type { Bus, Clock, Offer } from "../core/ports.ts";
import { Secrets } from "../core/secrets.ts";
import { Feed } from "../local/feed.ts";
import { Report } from "../local/report.ts";
import { Tally } from "../local/tally.ts";
import type { Builtins } from "../runner/builtin/builtins.ts";
import { childEnvironment } from "../runner/environment.ts";
import { pluginProcess } from "../runner/plugin-process.ts";
import { resolveReference } from "../runner/reference.ts";
import { openJournal } from "../system/journal.ts";
import { openLogFiles } from "../system/log-files.ts";
import type { SqliteJournal } from "../system/sqlite-journal.ts";
import { openStateDir } from "../system/state-dir.ts";
import { givingBackAtRest } from "../system/thrift.ts";
import type { World } from "../wire/local.ts";
import type { Dialect, OpenDialect } from "./dialect.ts";
import { eventLog } from "./event-log.ts";
import type { LocalDoor } from "./local-door.ts";
import { localPlace } from "./local-place.ts";
import type { ServantOptions as CommandOptions } from "./options.ts";
import { selfCommand } from "./self-command.ts";
import type { StopSignals } from "./stop-signals.ts";

export interface ServantSettings extends CommandOptions {
  readonly reference: string;
  /** A class of this program's own, run inline, instead of what `reference` names. */
  readonly plugin?: () => Promise<PluginClass>;
  /** Actions of the agent's own that are allowed beside the plugin's. */
  readonly builtins?: Omit<Builtins, "stopMaxMs"> | undefined;
  /** What is spoken with the backend, and which backend that is. */
  readonly dialect: Dialect;
  readonly clock: Clock;
  readonly bus: Bus;
  /** What the bus masks in its events. */
  readonly secrets: Secrets;
  readonly stateDirPath: string;
  readonly failuresMax: number;
  readonly reregister: boolean;
  readonly version: string;
  /** What the backend inside this process plans, when there is one. */
  readonly world?: () => Promise<World>;
  /** Told what the plugin offers, before it is registered. */
  readonly onOffer?: (offer: Offer) => void | Promise<void>;
}

/** A bus whose events go to stderr in the form and from the level asked for, without secrets. */
export function openLoggedBus(
  options: CommandOptions,
  clock: Clock,
  write: (text: string) => void = (text) => void process.stderr.write(text),
): { readonly bus: Bus; readonly secrets: Secrets } {
  const secrets = new Secrets();
  const bus = openBus(secrets.cleaned);
  const isTerminal = process.stderr.isTTY === true;
  bus.listen(
    eventLog({
      format: options.logFormat ?? (isTerminal ? "pretty" : "json"),
      level: options.logLevel,
      colours: isTerminal && !process.env.NO_COLOR,
      clock,
      write,
    }),
  );
  return { bus, secrets };
}

/**
 * Runs a servant to its end.
 *
 * @throws {ServantError} `plugin.*`, `state.*`, and what `Servant` throws
 */
export async function serve(settings: ServantSettings, signals: StopSignals): Promise<void> {
  const { bus, clock, dialect, secrets, stateDirPath, version } = settings;
  for (const secret of dialect.secrets) secrets.keep(secret);
  const place = localPlace(settings);
  const watch = watchFrom(bus, clock);
  const heedPauses = pauseSignals();
  const opening = import("./local-door.ts"); // it loads while the plugin does
  const stateDir = openStateDir(stateDirPath);
  const journalPath = join(stateDir.path, "journal.sqlite");
  const log = openLog(join(stateDir.path, "log"), bus, clock);
  let journal: SqliteJournal | undefined;
  let door: LocalDoor | undefined;
  let open: OpenDialect | undefined;
  let starting: Promise<Supervisor> | undefined;
  try {
    const onPolled = (tookMs: number) => watch.tally.polled(tookMs);
    open = dialect.open({ bus, clock, onPolled, stateDir: stateDir.path, version });
    await open.opened;
    // Not before: the machine may be another agent's, which holds the folder or the address.
    starting = startSupervisor(settings);
    starting.catch(() => {}); // it is awaited below, while it loads the journal is opened
    const { backend } = open;
    const { origin } = backend;
    journal = openJournal(journalPath, {
      origin,
      quotaBytes: settings.journalQuota,
      keep: settings.journalKeep,
      onDamaged: (damage) => bus.publish({ type: "journal.damaged", ...damage }),
    });
    const ledger = await Ledger.open(journal);
    const runner = await (await starting).open(ledger, journal.actsElsewhere());
    await settings.onOffer?.(runner.offer);
    bus.publish({ type: "agent.started", stateDir: stateDir.path, origin });
    for (const other of journal.elsewhere()) bus.publish({ type: "journal.elsewhere", ...other });
    const ports = { backend, bus, clock, ledger, random: Math.random, runner };
    const servant = new Servant(ports, servantOptions(settings, signals));
    const drain = new AbortController();
    door = (await opening).openLocalDoor(place, {
      ...{ ...settings, ...watch, ...log, journal, journalPath, ledger, origin, runner, servant },
      stateDir: stateDir.path,
      stop: () => drain.abort(new ServantError("agent.draining", "Cannot go on: drained")),
    });
    const worked = givingBackAtRest({ heap: true });
    worked();
    bus.listen(({ type }) => {
      if (type === "result.delivered") worked();
    });
    heedPauses(servant);
    await servant.run(AbortSignal.any([signals.stop, drain.signal]));
  } finally {
    await open?.close();
    await door?.close();
    await starting?.then(
      (supervisor) => supervisor.close(),
      () => {}, // it was thrown above
    );
    await journal?.close();
    await log.feed.close();
    stateDir.release();
  }
}

/** The numbered log: in memory for whoever reads along, and on disk. */
function openLog(folder: string, bus: Bus, clock: Clock) {
  const store = openLogFiles(folder, {
    clock,
    onTrouble: (reason) => bus.publish({ type: "log.dropping", reason }),
    onRecovered: (dropped) => bus.publish({ type: "log.recovered", dropped }),
  });
  const feed = new Feed({ clock, store });
  bus.listen(feed.push);
  return { feed, unwritten: () => store.dropped };
}

/** What the local door tells is gathered from the start. */
function watchFrom(bus: Bus, clock: Clock) {
  const startedAtMs = clock.now();
  const report = new Report(startedAtMs);
  const tally = new Tally();
  bus.listen((event) => {
    report.hear(event, clock.now());
    tally.hear(event);
  });
  return { report, startedAtMs, tally };
}

function servantOptions(settings: ServantSettings, { hurry }: StopSignals): ServantOptions {
  const { failuresMax, reregister, concurrency, drainTimeout } = settings;
  return { failuresMax, reregister, concurrency, drainTimeoutMs: drainTimeout * 1_000, hurry };
}

/** The plugin's process starts before this returns. */
async function startSupervisor(settings: ServantSettings): Promise<Supervisor> {
  const { bus, clock, hangTimeout, cancelGrace, safeTimeout } = settings;
  return new Supervisor({
    clock,
    publish: bus.publish,
    spawn: settings.isolation === "inline" ? await inline(settings) : separate(settings),
    hangTimeoutMs: hangTimeout * 1_000,
    cancelGraceMs: cancelGrace * 1_000,
    safeTimeoutMs: safeTimeout * 1_000,
  });
}

function separate(settings: ServantSettings): SpawnChild {
  const { bus, dialect, passEnv, reference } = settings;
  const { path, className } = resolveReference(reference, process.cwd());
  const builtins = builtinsOf(settings);
  const beside = builtins === undefined ? [] : [JSON.stringify(builtins)];
  return pluginProcess({
    call: dialect.call,
    publish: bus.publish,
    command: [...selfCommand(), "__plugin", path, className, ...beside],
    env: childEnvironment(process.env, passEnv),
  });
}

/** A command that is stopped must have ended before its handler counts as deaf. */
const STOPS_BEFORE_GRACE_ENDS_MS = 1_000;

function builtinsOf({ builtins, cancelGrace }: ServantSettings): Builtins | undefined {
  if (builtins === undefined) return undefined;
  const stopMaxMs = Math.max(cancelGrace * 1_000 - STOPS_BEFORE_GRACE_ENDS_MS, 0);
  return { ...builtins, stopMaxMs };
}

async function inlineBuiltins(settings: ServantSettings) {
  const builtins = builtinsOf(settings);
  if (builtins === undefined) return undefined;
  const { ownActions } = await import("./builtin-actions.ts");
  return ownActions(builtins, childEnvironment(process.env, settings.passEnv));
}

async function inline(settings: ServantSettings): Promise<SpawnChild> {
  const { bus, dialect, plugin, reference } = settings;
  const found = plugin ? await plugin() : resolveReference(reference, process.cwd());
  const { inlineChild } = await import("../runner/inline-child.ts");
  const { providedModules: modules } = await import("./provided-modules.ts");
  const additions = await inlineBuiltins(settings);
  return inlineChild(found, { call: dialect.call, publish: bus.publish, modules, additions });
}

/** SIGUSR1 pauses and SIGUSR2 resumes (`agent pause` sends them); one that comes early is heeded once there is a servant. */
function pauseSignals(): (servant: Servant) => void {
  let servant: Servant | undefined;
  let early: boolean | undefined;
  const heed = (isPaused: boolean) => {
    early = isPaused;
    if (isPaused) void servant?.pause("asked to by a person");
    else void servant?.resume();
  };
  process.on("SIGUSR1", () => heed(true));
  process.on("SIGUSR2", () => heed(false));
  return (started) => {
    servant = started;
    if (early !== undefined) heed(early);
  };
}
