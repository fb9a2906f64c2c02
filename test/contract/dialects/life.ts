/**
 * One life of a servant on a dialect: the real servant, ledger and adapter, a fake plugin, and a
 * journal in memory that outlives it.
 */
import { openBus } from "../../../src/agent/bus.ts";
import { Servant } from "../../../src/agent/servant.ts";
import type { AuditId } from "../../../src/core/assignment.ts";
import { ServantError } from "../../../src/core/errors.ts";
import { Ledger } from "../../../src/core/ledger.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { FakeRunner } from "../../support/fake-ports.ts";
import { type MemoryDisk, MemoryJournal } from "../../support/memory-journal.ts";
import { type Opened, type Peer, until } from "./dialect.ts";

const DRAIN_MS = 5_000;

export class Life {
  readonly runner: FakeRunner;
  readonly ledger: Ledger;
  readonly #disk: MemoryDisk;
  readonly #opened: Opened;
  readonly #stop = new AbortController();
  readonly #hurry = new AbortController();
  readonly #isCut = { now: false };
  readonly #ended: Promise<void>;

  private constructor(disk: MemoryDisk, opened: Opened, ledger: Ledger, runner: FakeRunner) {
    this.#disk = disk;
    this.#opened = opened;
    this.ledger = ledger;
    this.runner = runner;
    const { backend } = opened;
    const ports = { backend, bus: openBus(), clock: systemClock, ledger, random: () => 0, runner };
    const hurry = this.#hurry.signal;
    const options = { concurrency: 1, drainTimeoutMs: DRAIN_MS, failuresMax: 0, reregister: true };
    this.#ended = new Servant(ports, { ...options, hurry }).run(this.#stop.signal);
    this.#ended.catch(() => {}); // whoever ends it hears of it
  }

  static async begin(peer: Peer, disk: MemoryDisk, runner = new FakeRunner()): Promise<Life> {
    const opened = await peer.open();
    const ledger = await Ledger.open(new MemoryJournal(disk, opened.backend.origin));
    return new Life(disk, opened, ledger, runner);
  }

  /** The `nth` handler that started, from 1; waits for it. */
  async started(nth = 1): Promise<AuditId> {
    const { runner } = this;
    await until(`handler ${nth} starts`, () => runner.started.length >= nth);
    const auditId = runner.started[nth - 1] as AuditId;
    await until("it runs", () => !runner.isManual || runner.running.includes(auditId));
    return auditId;
  }

  /** Ends it in peace; in a hurry it does not wait for what cannot be delivered now. */
  async end({ isHurried = false } = {}): Promise<void> {
    this.#stop.abort(new ServantError("agent.draining", "Cannot go on: it is stopped"));
    if (isHurried) this.#hurry.abort();
    await this.#ended;
    if (!this.#isCut.now) await this.#opened.close();
  }

  /** Ends it as SIGKILL does: nothing it still does counts on its disk, or is heard outside. */
  async kill(): Promise<void> {
    this.#disk.cutPower();
    this.#isCut.now = true;
    await this.#opened.close();
    this.#stop.abort();
    this.#hurry.abort();
  }
}
