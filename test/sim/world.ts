/**
 * A seeded world around the real agent: `Servant` and `Ledger` live on a simulated disk, before
 * a simulated backend, through crashes and restarts. The same seed gives the same run.
 */
import { drainMicrotasks } from "bun:jsc";
import { SimBackend } from "./backend.ts";
import { Disk } from "./disk.ts";
import { Faults, type Tally } from "./faults.ts";
import { Lives, ORIGIN } from "./lives.ts";
import { Network } from "./network.ts";
import { Oracle } from "./oracle.ts";
import { Orders } from "./orders.ts";
import { People } from "./people.ts";
import { anyPlugin, type PluginState } from "./plugin.ts";
import { type Moment, Power, type PowerCut } from "./power.ts";
import { Random } from "./random.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Surroundings } from "./surroundings.ts";
import { Timeline } from "./timeline.ts";
import { Trace } from "./trace.ts";
import { MINUTE_MS, Weather } from "./weather.ts";

/** How long faults go on, in milliseconds of simulated time. */
const STORM_MS = 15 * MINUTE_MS;
/** When the faults are over everything must come to its end within this time. */
const DRAIN_MS = 60 * MINUTE_MS;
/** More events than any run has: a world that runs in circles must not go on for ever. */
const EVENTS_MAX = 500_000;

export interface Scenario {
  readonly seed: number;
  readonly sabotage?: Sabotage;
  /** As many assignments as chance wants, unless given. */
  readonly assignments?: number;
  /** Only the plugin and people make trouble. */
  readonly isCalm?: boolean;
  /** One power cut by choice, beside those by chance. */
  readonly powerCut?: PowerCut;
  /** Keeps no trace, which is a tenth faster: a run that fails can be run again. */
  readonly isUntraced?: boolean;
  /** Told every line of the trace. */
  readonly onLine?: (text: string) => void;
}

export interface Outcome {
  readonly seed: number;
  /** The invariant that broke, and for what. */
  readonly violation: string | undefined;
  readonly hash: string;
  readonly tail: readonly string[];
  readonly tally: Tally;
  readonly assignments: number;
  /** How many moments there were, since the last cut by choice, at which the power might go. */
  readonly moments: Readonly<Record<Moment, number>>;
  readonly events: number;
}

/** Runs one seed to its end, or to the first invariant that breaks. */
export function simulate(scenario: Scenario): Outcome {
  return new World(scenario).run();
}

class World implements Surroundings {
  readonly timeline = new Timeline();
  readonly random: Random;
  readonly faults: Faults;
  readonly power: Power;
  readonly oracle: Oracle;
  readonly isTraced: boolean;
  readonly #scenario: Scenario;
  readonly #trace: Trace;
  readonly #disk: Disk;
  readonly #backend: SimBackend;
  readonly #network: Network;
  readonly #plugin: PluginState;
  readonly #people: People;
  readonly #orders: Orders;
  readonly #lives: Lives;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.isTraced = scenario.isUntraced !== true;
    this.#trace = new Trace(scenario.onLine);
    this.random = new Random(scenario.seed);
    this.power = new Power(scenario.powerCut);
    const which = scenario.isCalm ? /^(child|person):/ : /./;
    this.faults = new Faults(this.random, which, (fault) => this.trace(`fault: ${fault}`));
    const loaded = anyPlugin(this.random);
    const setup = { concurrency: this.random.count(1, 4), hasSafe: loaded.hasSafe };
    this.oracle = new Oracle(this.timeline, setup);
    this.#disk = new Disk(this.oracle);
    this.#backend = new SimBackend(this);
    this.#network = new Network(this.#backend, this);
    this.#plugin = { loaded, brokenUntilMs: 0, runs: 0, pids: 0 };
    const parts = {
      ...{ backend: this.#backend, disk: this.#disk },
      ...{ network: this.#network, plugin: this.#plugin },
    };
    this.#lives = new Lives(this, parts, setup, scenario.sabotage);
    this.#people = new People(this, this.#backend, this.#lives);
    this.#orders = new Orders(this, this.#backend, (id) => this.#people.mayCallOff(id));
  }

  readonly trace = (line: string) => {
    if (this.isTraced) this.#trace.write(this.timeline.nowMs, line);
  };

  run(): Outcome {
    const { oracle } = this;
    this.#begin();
    drainMicrotasks();
    let events = 0;
    while (oracle.violation === undefined && !this.#isOver() && this.timeline.step()) {
      drainMicrotasks(); // everything that is ready runs before time goes on
      events += 1;
      if (this.#lives.ledger !== undefined) oracle.checkQueues(this.#lives.ledger);
      if (events > EVENTS_MAX || this.timeline.nowMs > this.#deadlineMs) this.#failToDrain();
    }
    if (this.#isOver()) oracle.ended(ORIGIN);
    if (oracle.violation !== undefined) this.trace(`broken: ${oracle.violation}`);
    const outcome = {
      seed: this.#scenario.seed,
      violation: oracle.violation,
      hash: this.#trace.hash,
      tail: this.#trace.tail(),
      tally: this.faults.tally,
      assignments: this.#backend.assigned,
      moments: this.power.counts,
      events,
    };
    this.#lives.end();
    drainMicrotasks();
    return outcome;
  }

  #begin(): void {
    const { assignments } = this.#scenario;
    const weather = new Weather(this, {
      backend: this.#backend,
      disk: this.#disk,
      network: this.#network,
      cutPower: () => this.#lives.cutPower(),
      standStill: (ms, withPlugin) => this.#lives.standStill(ms, withPlugin),
      breakPlugin: (ms) => {
        this.#plugin.brokenUntilMs = this.timeline.nowMs + ms;
      },
    });
    this.#orders.plan(STORM_MS * 0.9, assignments);
    weather.begin(STORM_MS);
    this.#people.begin(STORM_MS);
    this.#lives.begin();
  }

  /** The faults are over, every assignment is answered and the agent has nothing left to do. */
  #isOver(): boolean {
    const { ledger } = this.#lives;
    if (!this.faults.isCalm || ledger === undefined || ledger.isFull) return false;
    if (this.#orders.pending > 0 || this.#backend.unanswered > 0) return false;
    return ledger.openEntries().next().done === true && ledger.undelivered === 0;
  }

  get #deadlineMs(): number {
    return Math.max(STORM_MS, this.#lives.bootAtMs) + DRAIN_MS;
  }

  #failToDrain(): void {
    this.oracle.ended(ORIGIN);
    const left = this.#backend.listUnanswered().join(", ");
    this.oracle.broken("everything drains in time", left || "the agent");
  }
}
