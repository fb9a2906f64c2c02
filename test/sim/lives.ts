/** The agent's lives: it is started on what the disk holds, again after every end. */
import { openBus } from "../../src/agent/bus.ts";
import { Servant } from "../../src/agent/servant.ts";
import { Supervisor } from "../../src/agent/supervisor.ts";
import { type AuditId, emptyResult } from "../../src/core/assignment.ts";
import { type Fact, keyOf } from "../../src/core/entry.ts";
import { toServantError } from "../../src/core/errors.ts";
import { describeEvent } from "../../src/core/events.ts";
import { Ledger } from "../../src/core/ledger.ts";
import type { Backend, Journal, Runner } from "../../src/core/ports.ts";
import type { SimBackend } from "./backend.ts";
import { HANG_TIMEOUT_MS } from "./child.ts";
import { frozen } from "./content.ts";
import type { Disk } from "./disk.ts";
import { Life } from "./life.ts";
import { SimLink } from "./link.ts";
import type { Setup } from "./motion.ts";
import type { Network } from "./network.ts";
import type { PluginState } from "./plugin.ts";
import { overridden, type Sabotage } from "./sabotage.ts";
import { SimJournal } from "./sim-journal.ts";
import { spawnerOf } from "./spawner.ts";
import type { Surroundings } from "./surroundings.ts";
import { MINUTE_MS } from "./weather.ts";

export const ORIGIN = "http://simulated";
/** A backend that the agent served before: what is left of it stays on the disk, untouched. */
const OTHER_ORIGIN = "http://elsewhere";

/** How long a stopping agent waits for its handlers, in milliseconds. */
const DRAIN_TIMEOUT_MS = MINUTE_MS;
const CANCEL_GRACE_MS = 10_000;
const SAFE_TIMEOUT_MS = 10_000;

/**
 * After the drain: a handler that is deaf is killed (10 s), what it left is asked of the next process
 * (60 s to load, 60 s to answer), results are delivered (10 s), on a disk that takes up to 20 s each.
 */
const STOP_MAX_MS = DRAIN_TIMEOUT_MS + 4 * MINUTE_MS;

export interface Parts {
  readonly backend: SimBackend;
  readonly disk: Disk;
  readonly network: Network;
  readonly plugin: PluginState;
}

export class Lives {
  /** What the present life knows; undefined while it is off or starting. */
  ledger: Ledger | undefined;
  /** When the present life began, or the next one will. */
  bootAtMs = 0;
  #life: Life | undefined;
  #servant: Servant | undefined;
  #stop = new AbortController();
  #hurry = new AbortController();
  #count = 0;
  /** What lives leave behind: a joined signal that is listened to is never collected by Bun. */
  readonly #dead: (() => void)[] = [];
  readonly #world: Surroundings;
  readonly #parts: Parts;
  readonly #setup: Setup;
  readonly #sabotage: Sabotage | undefined;

  constructor(world: Surroundings, parts: Parts, setup: Setup, sabotage?: Sabotage) {
    this.#world = world;
    this.#setup = setup;
    this.#parts = parts;
    this.#sabotage = sabotage;
    this.#leaveFromElsewhere();
  }

  /** Starts the agent. */
  begin(): void {
    const { oracle, trace } = this.#world;
    this.#count += 1;
    trace(`life ${this.#count} begins`);
    const life = new Life(this.#world);
    this.#life = life;
    this.#stop = new AbortController();
    this.#hurry = new AbortController();
    this.#live(life).then(
      () => {},
      (cause: unknown) => oracle.broken("the agent never fails of itself", String(cause)),
    );
  }

  cutPower(): void {
    this.#life?.cutPower();
  }

  askToStop(): void {
    const life = this.#life;
    if (life === undefined || this.#stop.signal.aborted) return;
    this.#world.trace("the agent is asked to stop");
    this.#stop.abort();
    this.#mustEnd(life, STOP_MAX_MS);
  }

  /** The second signal. */
  hurry(): void {
    const life = this.#life;
    if (life === undefined || !this.#stop.signal.aborted) return;
    this.#world.trace("the agent is asked to hurry");
    this.#hurry.abort();
    this.#mustEnd(life, STOP_MAX_MS - DRAIN_TIMEOUT_MS);
  }

  /** Not counting the time that it stands still. */
  #mustEnd(life: Life, withinMs: number): void {
    const { oracle, timeline } = this.#world;
    const stoodMs = life.process.stoodMs;
    timeline.after(withinMs, () => {
      if (!life.isAlive) return;
      const stillMs = life.process.stoodMs - stoodMs;
      if (stillMs > 0) this.#mustEnd(life, stillMs);
      else oracle.broken("an agent that is asked to stop ends in time", `${withinMs / 1000} s`);
    });
  }

  /** False when nobody is there to heed it. */
  setPaused(isPaused: boolean): boolean {
    const servant = this.#life?.isAlive ? this.#servant : undefined;
    if (servant === undefined) return false;
    this.#world.trace(isPaused ? "a person pauses" : "a person resumes");
    this.#world.oracle.motion.setPaused(isPaused);
    if (isPaused) void servant.pause("a person wants it");
    else void servant.resume();
    return true;
  }

  standStill(ms: number, withPlugin: boolean): void {
    this.#life?.process.stop(ms);
    if (withPlugin) this.#parts.plugin.present?.process.stop(ms);
  }

  /** Ends for good: the dead are let go of, or what they wait for would stay in memory. */
  end(): void {
    this.#life?.process.end();
    for (const letGo of this.#dead.splice(0)) letGo();
  }

  #leaveFromElsewhere(): void {
    const auditId = "elsewhere" as AuditId;
    const key = keyOf(auditId);
    const assignment = frozen({ kind: "belief", auditId, fluent: "robot_at" } as const);
    const facts: Fact[] = [
      { type: "accepted", atMs: 0, key, assignment, via: "servant-1" },
      { type: "started", atMs: 0, key },
      { type: "finished", atMs: 0, key, result: frozen(emptyResult(auditId, true)) },
    ];
    this.#world.oracle.appended(facts, OTHER_ORIGIN);
    this.#parts.disk.write(facts, OTHER_ORIGIN);
  }

  async #live(life: Life): Promise<void> {
    const world = this.#world;
    const { backend, disk, network, plugin } = this.#parts;
    life.whenOver(() => this.#ended());
    const own = new SimJournal(disk, ORIGIN, life, world);
    const other = new SimJournal(disk, OTHER_ORIGIN, life, world);
    const by = { clock: life, otherJournal: other, loaded: plugin.loaded };
    const sabotage = this.#sabotage;
    const journal = overridden<Journal>(own, sabotage?.journal?.(own, by));
    const ledger = await Ledger.open(journal);
    this.ledger = ledger;
    const bus = openBus();
    bus.listen((event) => {
      if (!life.isAlive) return;
      if (event.type === "agent.stopping") world.oracle.stops();
      if (world.isTraced) world.trace(`agent: ${describeEvent(event).message}`);
    });
    const clock = life;
    const random = () => world.random.next();
    const spawner = spawnerOf(life, world, plugin);
    const spawn = sabotage?.spawn?.(spawner, plugin.loaded) ?? spawner;
    const supervisor = new Supervisor({
      ...{ clock, random, publish: bus.publish, spawn },
      ...{ hangTimeoutMs: HANG_TIMEOUT_MS, cancelGraceMs: CANCEL_GRACE_MS },
      safeTimeoutMs: SAFE_TIMEOUT_MS,
    });
    const stop = this.#stop;
    this.#dead.push(() => {
      stop.abort();
      void supervisor.close();
    });
    const link = new SimLink(ORIGIN, backend, network, life, world);
    const options = {
      ...{ failuresMax: 0, reregister: true, drainTimeoutMs: DRAIN_TIMEOUT_MS },
      ...{ concurrency: this.#setup.concurrency, hurry: this.#hurry.signal },
    };
    try {
      await supervisor.open(ledger);
      const all = { ...by, ledger };
      const ports = {
        ...{ bus, clock, ledger, random },
        backend: overridden<Backend>(link, sabotage?.backend?.(link, all)),
        runner: overridden<Runner>(supervisor, sabotage?.runner?.(supervisor, all)),
      };
      const servant = new Servant(ports, options);
      this.#servant = servant;
      await servant.run(this.#stop.signal);
    } catch (cause) {
      const { kind, code } = toServantError(cause);
      if (kind !== "gone" && !code.startsWith("plugin.")) throw cause;
      if (kind === "gone") world.oracle.registrations.gaveUp();
      world.trace(`the agent fails: ${code}`);
    }
    this.#servant = undefined;
    await supervisor.close();
    if (!life.isAlive) return;
    await journal.close();
    world.trace("the agent has stopped");
    life.end();
  }

  /** After a power cut, or when it stopped: it is started again, at once or much later. */
  #ended(): void {
    const { faults, oracle, random, timeline } = this.#world;
    oracle.lifeEnded();
    this.#parts.network.hangUp();
    this.#life = undefined;
    this.#servant = undefined;
    this.ledger = undefined;
    const offMs = this.#offMs();
    this.bootAtMs = timeline.nowMs + offMs;
    const stoodAtMs = faults.strikes("clock: stood still while it was off")
      ? timeline.wallMs
      : undefined;
    const wallMs = faults.strikes("clock: 1970 at boot") ? random.between(0, MINUTE_MS) : stoodAtMs;
    timeline.after(offMs, () => {
      if (wallMs !== undefined) {
        timeline.setWall(wallMs);
        timeline.after(random.between(0, MINUTE_MS), () => timeline.trueWall());
      }
      this.begin();
    });
  }

  #offMs(): number {
    const { faults, random } = this.#world;
    if (faults.strikes("switched on hours later")) return random.between(60, 600) * MINUTE_MS;
    return random.chance(0.7) ? random.between(500, 20_000) : random.between(0, 120_000);
  }
}
