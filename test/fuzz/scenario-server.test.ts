// Goal: no stream of requests, good, spoilt or none, crashes `agent serve` or grows in its memory; each
// request has its answer, and what a client began ends with its connection. Method: streams of a seed,
// against the adapter with a servant of the test's, then against the compiled program.
// `FUZZ_RUNS=1000000 FUZZ_SEED=7 npm test -- test/fuzz/scenario-server.test.ts` for more and for others.
import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "@msgpack/msgpack";
import { scenarioBackend } from "../../src/adapters/scenario-zmq.ts";
import { parseEndpoint } from "../../src/adapters/zmtp/endpoint.ts";
import { encodeMessage } from "../../src/adapters/zmtp/frames.ts";
import { openBus } from "../../src/agent/bus.ts";
import { type AuditId, emptyResult, failedResult } from "../../src/core/assignment.ts";
import { keyOf } from "../../src/core/entry.ts";
import { systemClock } from "../../src/system/clock.ts";
import { offer } from "../contract/dialects/dialect.ts";
import { Dice } from "../planner/dice.ts";
import { RawZmtp, READY_DEALER } from "../support/raw-zmtp.ts";
import { ServedProbe } from "../support/scenario-server.ts";
import { TestIntake } from "../support/test-intake.ts";
import { eventually } from "../support/zmq-server.ts";
import { answers, Streams, send } from "./scenario-streams.ts";

const RUNS = Number(process.env.FUZZ_RUNS ?? 100_000);
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
/** Against the program, where a round is on the disk three times. */
const PROGRAM_RUNS = RUNS / 100;
const INITS = 100_000;
const MIB = 1024 * 1024;
const KEYS = ["probe.ok", "probe.fail", "probe.wait", "nope"];

/** Does or refuses what it is given, at once or not before it is called off. */
class Servant {
  readonly intake = new TestIntake();
  /** What goes on and on. */
  readonly held = new Set<AuditId>();
  rounds = 0;
  readonly #dice = new Dice(SEED);
  readonly #stop = new AbortController();

  constructor(private readonly backend: ReturnType<typeof scenarioBackend>) {}

  async run(): Promise<void> {
    for await (const directive of this.backend.directives(this.intake, this.#stop.signal)) {
      if (directive.type === "cancel") this.#end(directive.auditId, false);
      if (directive.type !== "assign") continue;
      const { auditId } = directive.assignment;
      this.rounds += 1;
      this.held.add(auditId);
      if (this.#dice.int(1, 3) > 1) this.#end(auditId, this.#dice.int(0, 1) === 1);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  #end(auditId: AuditId, success: boolean): void {
    if (!this.held.delete(auditId)) return;
    const failure = failedResult(auditId, "handler.threw", "probe raised");
    const result = success ? emptyResult(auditId, true) : failure;
    const delivery = { key: keyOf(auditId), kind: "action", result, via: "x" } as const;
    void this.backend.deliver(delivery, this.#stop.signal);
  }
}

function heapMiB(): number {
  Bun.gc(true);
  return heapStats().heapSize / MIB;
}

test(`${RUNS} streams leave the adapter as it was, seed ${SEED}`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "scenario-fuzz-"));
  const backend = scenarioBackend({
    endpoints: [parseEndpoint(`ipc://${folder}/s.sock`)],
    ...{ clock: systemClock, bus: openBus(), builtins: new Set<string>() },
    ...{ leaseMs: 60_000, assignmentMaxBytes: 1_000 },
  });
  const servant = new Servant(backend);
  try {
    const [url = ""] = await backend.urls;
    await backend.register(
      { ...offer, transitions: KEYS.slice(0, 3) },
      new AbortController().signal,
    );
    const ran = servant.run();
    const streams = new Streams(SEED, KEYS);
    await send(url, streams, RUNS / 4);
    const before = heapMiB();
    await send(url, streams, (RUNS * 3) / 4);
    await eventually(() => servant.held.size === 0, "that all is called off");
    expect(heapMiB() - before).toBeLessThan(4);
    expect(servant.rounds).toBeGreaterThan(RUNS / 100);
    servant.stop();
    await ran;
  } finally {
    await backend.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 600_000);

/** Memory that comes and goes; what one `init` brings along would be 50 of them. */
const GROWTH_MIB = 20;
const NOTE = "x".repeat(500);
const init = (action_id: string) => {
  const payload = { action_id, plugin_key: "probe.ok", init_args: { NOTE } };
  return encodeMessage([new Uint8Array()], [encode({ cmd: "init", payload })]);
};

async function initialise(raw: RawZmtp, count: number): Promise<void> {
  const step = Math.min(count, 1_000);
  for (let made = 0; made < count; made += step) {
    raw.send(...Array.from({ length: step }, (_, nth) => init(`${made + nth}`)));
    await answers(raw, step);
  }
}

test(`${PROGRAM_RUNS} streams, and ${INITS} inits without a reset, twice, do not grow the program`, async () => {
  await using served = await ServedProbe.start();
  const streams = new Streams(SEED, KEYS);
  using one = await RawZmtp.ready(served.ipc, READY_DEALER);
  await initialise(one, INITS / 5);
  await send(served.ipc, streams, PROGRAM_RUNS / 5);
  const before = served.residentMiB;
  await initialise(one, INITS);
  for (let made = 0; made < INITS; made += 100) {
    using raw = await RawZmtp.ready(served.ipc, READY_DEALER);
    await initialise(raw, 100);
  }
  await send(served.ipc, streams, PROGRAM_RUNS);
  // Garbage is collected when there is time.
  await eventually(() => served.residentMiB < before + GROWTH_MIB, `${before} MiB and no more`);
  one.send(init("still there"));
  await answers(one, 1);
}, 600_000);
