/**
 * A seeded world around the real agent: `runServant` and `Ledger` live on a simulated disk, before
 * a simulated backend, through crashes and restarts. The same seed gives the same run.
 */
import { openBus } from "../../src/agent/bus.ts";
import { runServant } from "../../src/agent/servant.ts";
import { type Assignment, type AuditId, emptyResult } from "../../src/core/assignment.ts";
import { type Fact, keyOf } from "../../src/core/entry.ts";
import { toServantError } from "../../src/core/errors.ts";
import { describeEvent } from "../../src/core/events.ts";
import { Ledger } from "../../src/core/ledger.ts";
import { SimBackend } from "./backend.ts";
import { Disk, SimJournal } from "./disk.ts";
import { type Fault, Faults, type Tally } from "./faults.ts";
import { Life } from "./life.ts";
import { Network, SimLink } from "./network.ts";
import { Oracle } from "./oracle.ts";
import { Random } from "./random.ts";
import { SimRunner } from "./runner.ts";
import { type Sabotage, sabotagedJournal, sabotagedLink } from "./sabotage.ts";
import type { Surroundings } from "./surroundings.ts";
import { Timeline } from "./timeline.ts";
import { Trace } from "./trace.ts";

const ORIGIN = "http://simulated";
/** A backend that the agent served before: what is left of it stays on the disk, untouched. */
const OTHER_ORIGIN = "http://elsewhere";
const MINUTE_MS = 60_000;
/** How long faults go on, in milliseconds of simulated time. */
const STORM_MS = 15 * MINUTE_MS;
/** When the faults are over everything must come to its end within this time. */
const DRAIN_MS = 60 * MINUTE_MS;
/** How often the weather may change. */
const WEATHER_EVERY_MS = 2 * MINUTE_MS;
/** More events than any run has: a world that runs in circles must not go on for ever. */
const EVENTS_MAX = 500_000;

export interface Outcome {
  readonly seed: number;
  /** The invariant that broke, and for what. */
  readonly violation: string | undefined;
  readonly hash: string;
  readonly tail: readonly string[];
  readonly tally: Tally;
  readonly assignments: number;
  readonly events: number;
  readonly simulatedMs: number;
}

/** Runs one seed to its end, or to the first invariant that breaks. */
export async function simulate(seed: number, sabotage: Sabotage = "none"): Promise<Outcome> {
  return await new World(seed, sabotage).run();
}

class World implements Surroundings {
  readonly timeline = new Timeline();
  readonly random: Random;
  readonly faults: Faults;
  readonly oracle = new Oracle();
  readonly #seed: number;
  readonly #sabotage: Sabotage;
  readonly #trace = new Trace();
  readonly #disk: Disk;
  readonly #backend: SimBackend;
  readonly #network: Network;
  #life: Life | undefined;
  #ledger: Ledger | undefined;
  #stop = new AbortController();
  #runs = 0;
  #lives = 0;

  constructor(seed: number, sabotage: Sabotage) {
    this.#seed = seed;
    this.#sabotage = sabotage;
    this.random = new Random(seed);
    this.faults = new Faults(this.random, (fault) => this.trace(`fault: ${fault}`));
    this.#disk = new Disk(this.oracle);
    this.#backend = new SimBackend(this);
    this.#network = new Network(this.#backend, this);
  }

  readonly trace = (line: string) => this.#trace.write(this.timeline.nowMs, line);

  async run(): Promise<Outcome> {
    this.#leaveFromElsewhere();
    this.#planAssignments();
    for (let atMs = 0; atMs < STORM_MS; atMs += WEATHER_EVERY_MS) {
      this.timeline.after(atMs + this.random.between(0, WEATHER_EVERY_MS), () => this.#weather());
    }
    this.timeline.after(STORM_MS, () => this.#calm());
    this.#boot();
    let events = 0;
    while (this.oracle.violation === undefined && !this.#isOver() && this.timeline.step()) {
      await settled();
      events += 1;
      if (events > EVENTS_MAX || this.timeline.nowMs > STORM_MS + DRAIN_MS) {
        this.oracle.ended(ORIGIN);
        const { unanswered } = this.#backend;
        this.oracle.broken("everything drains in time", unanswered.join(", ") || "the agent");
      }
    }
    if (this.#isOver()) this.oracle.ended(ORIGIN);
    const { violation } = this.oracle;
    if (violation !== undefined) this.trace(`broken: ${violation}`);
    this.#life?.end();
    return {
      seed: this.#seed,
      violation,
      hash: this.#trace.hash,
      tail: this.#trace.tail(),
      tally: this.faults.tally,
      assignments: this.#backend.assigned,
      events,
      simulatedMs: this.timeline.nowMs,
    };
  }

  /** The faults are over, every assignment is answered and the agent has nothing left to do. */
  #isOver(): boolean {
    const ledger = this.#ledger;
    if (!this.faults.isCalm || ledger === undefined || ledger.isFull) return false;
    return ledger.openEntries().next().done === true && this.#backend.unanswered.length === 0;
  }

  #leaveFromElsewhere(): void {
    const auditId = "elsewhere" as AuditId;
    const assignment = { kind: "belief", auditId, fluent: "robot_at" } as const;
    const facts: Fact[] = [
      { type: "accepted", atMs: 0, key: keyOf(auditId), assignment, via: "servant-1" },
      { type: "started", atMs: 0, key: keyOf(auditId) },
      { type: "finished", atMs: 0, key: keyOf(auditId), result: emptyResult(auditId, true) },
    ];
    this.oracle.appended(facts, OTHER_ORIGIN);
    this.#disk.write(facts, OTHER_ORIGIN);
  }

  #planAssignments(): void {
    const { random, timeline } = this;
    const count = random.count(20, 120);
    for (let number = 1; number <= count; number += 1) {
      const atMs = random.between(0, STORM_MS * 0.9);
      const assignment = this.#newAssignment(`a${number}`);
      timeline.after(atMs, () => this.#backend.assign(assignment));
      if (assignment.kind === "invalid" || !this.faults.strikes("backend: reuses an audit id")) {
        continue;
      }
      const other = { kind: "action", transition: "move", params: { to: "elsewhere" } } as const;
      timeline.after(atMs + random.between(0, 5 * MINUTE_MS), () =>
        this.#backend.assign({ ...other, auditId: assignment.auditId }),
      );
    }
  }

  #newAssignment(name: string): Assignment {
    const auditId = name as AuditId;
    const kind = this.random.next();
    if (kind < 0.04) {
      return { kind: "invalid", auditId, code: "assignment.malformed", problem: "unreadable" };
    }
    if (kind < 0.3) return { kind: "belief", auditId, fluent: "robot_at" };
    return { kind: "action", auditId, transition: "move", params: { to: name } };
  }

  /** What goes wrong for a while, or at a moment. */
  #weather(): void {
    const { random, timeline } = this;
    const strikes = (fault: Fault) => this.faults.strikes(fault);
    const forSome = (end: () => void, maxMs: number) =>
      timeline.after(random.between(0, maxMs), end);
    if (strikes("network: partition")) {
      this.#network.isPartitioned = true;
      forSome(() => this.#heal(), 3 * MINUTE_MS);
    }
    if (strikes("disk: full")) {
      this.#disk.isFull = true;
      forSome(() => this.#freeDisk(), 2 * MINUTE_MS);
    }
    if (strikes("clock: an hour back")) timeline.setWall(timeline.wallMs - 60 * MINUTE_MS);
    if (strikes("clock: an hour ahead")) timeline.setWall(timeline.wallMs + 60 * MINUTE_MS);
    if (strikes("backend: restarts")) {
      this.#backend.restart(strikes("backend: forgets its servants"));
    }
    if (strikes("power cut at a moment")) this.#life?.cutPower();
    if (strikes("agent stopped in peace")) {
      this.trace("the agent is asked to stop");
      this.#stop.abort();
    }
  }

  #heal(): void {
    this.#network.isPartitioned = false;
  }

  #freeDisk(): void {
    this.#disk.isFull = false;
    this.trace("the disk has room again");
  }

  #calm(): void {
    this.trace("the faults are over");
    this.faults.isCalm = true;
    this.#heal();
    if (this.#disk.isFull) this.#freeDisk();
  }

  /** Starts the agent on what the disk holds. */
  #boot(): void {
    this.#lives += 1;
    this.trace(`life ${this.#lives} begins`);
    const life = new Life(this, () => this.#lifeEnded());
    this.#life = life;
    this.#stop = new AbortController();
    this.#live(life).then(
      () => {},
      (cause: unknown) => this.oracle.broken("the agent never fails of itself", String(cause)),
    );
  }

  async #live(life: Life): Promise<void> {
    const own = new SimJournal(this.#disk, ORIGIN, life, this);
    const other = new SimJournal(this.#disk, OTHER_ORIGIN, life, this);
    const journal = sabotagedJournal(own, other, this.#sabotage);
    const ledger = await Ledger.open(journal);
    this.#ledger = ledger;
    const bus = openBus();
    bus.listen((event) => {
      if (life.isAlive) this.trace(`agent: ${describeEvent(event).message}`);
    });
    const link = new SimLink(ORIGIN, this.#network, life, this);
    const backend = sabotagedLink(link, this.#sabotage, ledger, life);
    const runner = new SimRunner(life, this, () => ++this.#runs);
    const options = { failuresMax: 0, hurry: new AbortController().signal };
    try {
      const random = () => this.random.next();
      const ports = { backend, bus, clock: life, ledger, random, runner };
      await runServant(ports, options, this.#stop.signal);
    } catch (cause) {
      const { kind } = toServantError(cause);
      if (kind !== "gone") throw cause;
    }
    if (!life.isAlive) return;
    await journal.close();
    this.trace("the agent has stopped");
    life.end();
    this.#lifeEnded();
  }

  /** After a power cut, or when it stopped: it is started again, at once or much later. */
  #lifeEnded(): void {
    const { random, timeline } = this;
    this.oracle.lifeEnded();
    this.#life = undefined;
    this.#ledger = undefined;
    const offMs = random.chance(0.7) ? random.between(500, 20_000) : random.between(0, 120_000);
    timeline.after(offMs, () => {
      if (this.faults.strikes("clock: 1970 at boot")) {
        timeline.setWall(random.between(0, MINUTE_MS));
        timeline.after(random.between(0, MINUTE_MS), () => timeline.trueWall());
      }
      this.#boot();
    });
  }
}

/** Lets everything that is ready run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
