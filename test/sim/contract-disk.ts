/** The simulated disk and its journal, with nothing going wrong, for the suite of the journal's port. */
import { Disk } from "./disk.ts";
import { Faults } from "./faults.ts";
import { Life } from "./life.ts";
import { Oracle } from "./oracle.ts";
import { Power } from "./power.ts";
import { Random } from "./random.ts";
import { SimJournal } from "./sim-journal.ts";
import { Timeline } from "./timeline.ts";

/** Time passes by itself, as soon as somebody waits for a commit. */
class DrivenJournal extends SimJournal {
  readonly #disk: Disk;
  readonly #origin: string;
  readonly #timeline: Timeline;

  constructor(disk: Disk, origin: string, timeline: Timeline) {
    const random = new Random(1);
    const faults = new Faults(random, /^$/, () => {});
    const oracle = new Oracle(timeline, { concurrency: 1, hasSafe: false });
    const quiet = { isTraced: false, trace: () => {} };
    const world = { faults, oracle, power: new Power(), random, timeline, ...quiet };
    super(disk, origin, new Life(world), world);
    this.#disk = disk;
    this.#origin = origin;
    this.#timeline = timeline;
  }

  override append(...args: Parameters<SimJournal["append"]>): Promise<void> {
    const appended = super.append(...args);
    if (args[1] !== "lazy") setImmediate(() => this.#letTimePass());
    return appended;
  }

  elsewhere(): { origin: string; open: number }[] {
    return this.#disk
      .origins(this.#origin)
      .map((origin) => ({ origin, open: this.#openIn(origin).length }))
      .filter(({ open }) => open > 0);
  }

  actsElsewhere(): boolean {
    return this.#disk
      .origins(this.#origin)
      .flatMap((origin) => this.#openIn(origin))
      .some(({ entry }) => entry?.phase === "started" && entry.assignment.kind === "action");
  }

  #openIn(origin: string) {
    const open = [...this.#disk.open(origin, false), ...this.#disk.open(origin, true)];
    return open.filter(({ entry }) => entry !== undefined);
  }

  #letTimePass(): void {
    while (this.#timeline.step());
  }
}

export function simDisk() {
  const timeline = new Timeline();
  const disk = new Disk(new Oracle(timeline, { concurrency: 1, hasSafe: false }));
  disk.factsMax = 300;
  return {
    open: (origin = "http://home") => new DrivenJournal(disk, origin, timeline),
    makeRoom: () => disk.remove((key) => key.startsWith("fill")),
    remove: () => {},
  };
}
