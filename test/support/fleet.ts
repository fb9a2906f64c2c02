/**
 * Many servants in one process, each the real agent and adapter on a journal in memory. Started as
 * a program: `fleet.ts URL COUNT FIRST`. A line on stdin asks for a line of JSON, `FleetState`.
 */
import { dynosBackend } from "../../src/adapters/dynos-http.ts";
import { openBus } from "../../src/agent/bus.ts";
import { Servant } from "../../src/agent/servant.ts";
import { type Assignment, emptyResult, type Result } from "../../src/core/assignment.ts";
import { Ledger } from "../../src/core/ledger.ts";
import type { Offer } from "../../src/core/ports.ts";
import { domain } from "../../src/core/vocabulary.ts";
import { systemClock } from "../../src/system/clock.ts";
import { Connection } from "../../src/wire/connection.ts";
import { FakeRunner } from "./fake-ports.ts";
import { MemoryDisk, MemoryJournal } from "./memory-journal.ts";

export interface FleetState {
  /** Requests that failed, over all servants. */
  readonly failures: number;
  readonly registrations: number;
  readonly delivered: number;
  readonly waiting: number;
  /** Why servants ended, of the first few. */
  readonly ended: readonly string[];
}

const nothing: Offer = {
  transitions: [],
  fluents: [],
  domainModules: [],
  vocabulary: domain("none", {}),
  startState: [],
  startGoal: [],
};

/** Does one transition of its own, `work_N`, and says which servant did it. */
class OneRunner extends FakeRunner {
  readonly #number: number;
  override readonly offer: Offer;

  constructor(number: number) {
    super();
    this.#number = number;
    this.offer = { ...nothing, transitions: [`work_${number}`] };
  }

  override async run({ auditId }: Assignment): Promise<Result> {
    await Bun.sleep(200);
    return { ...emptyResult(auditId, true), telemetry: { number: this.#number } };
  }
}

const ended: string[] = [];
const ledgers: Ledger[] = [];
let failures = 0;
let registrations = 0;
let delivered = 0;

async function runOne(url: string, number: number, stop: AbortSignal): Promise<void> {
  const bus = openBus();
  bus.listen(({ type }) => {
    if (type === "link.lost" || type === "result.delayed") failures += 1;
    if (type === "servant.registered") registrations += 1;
    if (type === "result.delivered") delivered += 1;
  });
  const connection = new Connection({ url });
  const polling = { pollIntervalMs: 200, quickPoll: true, assignmentMaxBytes: 1_000_000 };
  const backend = dynosBackend(connection, { ...polling, clock: systemClock });
  const ledger = await Ledger.open(new MemoryJournal(new MemoryDisk(), connection.origin));
  ledgers.push(ledger);
  const runner = new OneRunner(number);
  const ports = { backend, bus, clock: systemClock, ledger, random: Math.random, runner };
  const hurry = new AbortController().signal;
  const options = { failuresMax: 0, concurrency: 1, drainTimeoutMs: 1_000, reregister: true };
  try {
    await new Servant(ports, { ...options, hurry }).run(stop);
  } catch (cause) {
    if (ended.length < 5) ended.push(String(cause));
  }
}

if (import.meta.main) {
  const [url = "", count = "1", first = "0"] = process.argv.slice(2);
  const stop = new AbortController();
  const numbers = Array.from({ length: Number(count) }, (_, at) => Number(first) + at);
  const fleet = Promise.all(numbers.map((number) => runOne(url, number, stop.signal)));
  for await (const _line of console) {
    const waiting = ledgers.reduce((sum, { undelivered }) => sum + undelivered, 0);
    const state = { failures, registrations, delivered, waiting, ended };
    process.stdout.write(`${JSON.stringify(state satisfies FleetState)}\n`);
  }
  stop.abort(); // stdin has ended: whoever asked is gone
  await fleet;
  process.exit(0);
}
