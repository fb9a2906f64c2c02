/** What goes wrong for a while, or at a moment: partitions, full disks, clocks, power. */
import type { SimBackend } from "./backend.ts";
import type { Disk } from "./disk.ts";
import type { Fault } from "./faults.ts";
import type { Network } from "./network.ts";
import type { Surroundings } from "./surroundings.ts";

export const MINUTE_MS = 60_000;
/** How often the weather may change. */
const EVERY_MS = 2 * MINUTE_MS;

/** What the weather falls on. */
export interface Landscape {
  readonly backend: SimBackend;
  readonly disk: Disk;
  readonly network: Network;
  readonly cutPower: () => void;
  /** The agent stands still, and its plugin with it or not. */
  readonly standStill: (ms: number, withPlugin: boolean) => void;
  /** From now on each process of the plugin dies at once, for so long. */
  readonly breakPlugin: (ms: number) => void;
}

export class Weather {
  readonly #world: Surroundings;
  readonly #on: Landscape;

  constructor(world: Surroundings, on: Landscape) {
    this.#world = world;
    this.#on = on;
  }

  /** Lets it change every other minute for `ms`, then no more. */
  begin(ms: number): void {
    const { random, timeline } = this.#world;
    for (let atMs = 0; atMs < ms; atMs += EVERY_MS) {
      timeline.after(atMs + random.between(0, EVERY_MS), () => this.#change());
    }
    timeline.after(ms, () => this.#calm());
  }

  #change(): void {
    const { faults, timeline } = this.#world;
    const { backend, cutPower } = this.#on;
    const strikes = (fault: Fault) => faults.strikes(fault);
    this.#changeNetwork();
    this.#changeDisk();
    if (strikes("clock: an hour back")) timeline.setWall(timeline.wallMs - 60 * MINUTE_MS);
    if (strikes("clock: an hour ahead")) timeline.setWall(timeline.wallMs + 60 * MINUTE_MS);
    if (strikes("backend: restarts")) backend.restart(strikes("backend: forgets its servants"));
    this.#changeMachine();
    if (strikes("backend: another servant takes its place")) this.#fight();
    if (strikes("power cut at a moment")) cutPower();
  }

  #changeMachine(): void {
    const { faults, random } = this.#world;
    if (faults.strikes("agent: stands still")) {
      const withPlugin = faults.strikes("agent: stands still with its plugin");
      this.#on.standStill(random.between(1_000, 90_000), withPlugin);
    }
    if (faults.draws("child: dies in a loop")) this.#on.breakPlugin(random.between(0, MINUTE_MS));
  }

  /** Two servants of one name push each other out, again and again. */
  #fight(): void {
    const { random, timeline } = this.#world;
    for (let atMs = 0; atMs < 2 * MINUTE_MS; atMs += random.between(1_000, 20_000)) {
      timeline.after(atMs, () => this.#on.backend.forgetServants());
    }
  }

  #changeDisk(): void {
    const { faults } = this.#world;
    const { disk } = this.#on;
    if (faults.strikes("disk: full")) {
      disk.isFull = true;
      this.#forSome(() => this.#freeDisk(), 2 * MINUTE_MS);
    }
    if (faults.strikes("disk: at its quota")) {
      disk.isCrowded = true;
      this.#forSome(() => this.#freeDisk(), 2 * MINUTE_MS);
    }
  }

  #changeNetwork(): void {
    const { faults } = this.#world;
    const { network } = this.#on;
    if (faults.strikes("network: partition")) {
      network.isPartitioned = true;
      this.#forSome(() => this.#heal(), 3 * MINUTE_MS);
    }
    if (faults.draws("network: half-open, a request vanishes")) {
      network.halveConnections();
      network.isSwallowing = true;
      this.#forSome(() => this.#heal(), 4 * MINUTE_MS);
    }
  }

  #forSome(end: () => void, maxMs: number): void {
    this.#world.timeline.after(this.#world.random.between(0, maxMs), end);
  }

  /** What is half-open stays so until it is noticed. */
  #heal(): void {
    this.#on.network.isPartitioned = false;
    this.#on.network.isSwallowing = false;
  }

  #freeDisk(): void {
    this.#on.disk.isFull = false;
    this.#on.disk.isCrowded = false;
    this.#world.trace("the disk has room again");
  }

  #calm(): void {
    this.#world.trace("the faults are over");
    this.#world.faults.isCalm = true;
    this.#heal();
    this.#freeDisk();
    this.#on.breakPlugin(0);
  }
}
