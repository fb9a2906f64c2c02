/**
 * Sends commands to PUDA machines and brings back their answers, over one connection that comes back
 * by itself. It touches no signals of the process: what is to end early gets an `AbortSignal`.
 */
import { ServantError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { NatsLink } from "../nats/connect.ts";
import { JetStream } from "../nats/jetstream.ts";
import { type NatsChoice, natsTarget } from "../nats/target.ts";
import { noSeal, type Seal, sealOf } from "../wire/puda-seal.ts";
import { machineId, type Way } from "../wire/puda-subjects.ts";
import type { Answer } from "./answer.ts";
import type { Batch, BatchCommand } from "./batch.ts";
import { Ears } from "./ears.ts";

import { Exchange } from "./exchange.ts";
import type { Notice, Tell } from "./notices.ts";
import { pingFleet, pingMachine } from "./ping.ts";
import { type BatchOptions, type BatchResult, runBatch } from "./run-batch.ts";
import { OpenRuns } from "./runs.ts";
import { TIMEOUT_MS } from "./timeouts.ts";
import type { Pinged, Seen, WatchOptions } from "./told.ts";
import { watch } from "./watch.ts";

/** Where there is no other word, with the port that NATS servers have. */
const SERVER = "nats://127.0.0.1:4222";

export interface CommandServiceOptions extends NatsChoice {
  /** What the machines are told of who asks (default: the user of this process). */
  readonly userId?: string | undefined;
  readonly username?: string | undefined;
  /** The text of a lab's key file: then every payload is encrypted. */
  readonly labKey?: string | undefined;
  readonly queueTimeoutMs?: number | undefined;
  readonly immediateTimeoutMs?: number | undefined;
  /** Is told of the line and of answers that are nobody's. */
  readonly onNotice?: ((notice: Notice) => void) | undefined;
}

export interface SendOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface QueueCommand {
  readonly machine: string;
  readonly name: string;
  readonly params?: JsonObject | undefined;
  readonly runId: string;
  readonly step: number;
}
/** A run is asked of `start`, `complete` and `cancel` alone. */
export type ImmediateCommand = Omit<QueueCommand, "runId" | "step"> & {
  readonly runId?: string | undefined;
  readonly step?: number | undefined;
};

export class CommandService implements AsyncDisposable {
  readonly #link: NatsLink;
  readonly #js: JetStream;
  readonly #seal: Seal;
  readonly #timeouts: Record<Way, number>;
  readonly #ears: Ears;
  readonly #exchange: Exchange;
  readonly #runs: OpenRuns;
  readonly #tell: Tell;
  /** First nothing more is sent, then nothing more is heard. */
  readonly #ending = new AbortController();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  private constructor(options: CommandServiceOptions) {
    const { userId, username, labKey, onNotice, ...rest } = options;
    const { queueTimeoutMs, immediateTimeoutMs, ...choice } = rest;
    const me = process.env.USER || "servant-agent";
    const sender = { userId: userId ?? username ?? me, username: username ?? userId ?? me };
    this.#seal = labKey === undefined ? noSeal : sealOf(labKey);
    this.#timeouts = {
      queue: queueTimeoutMs ?? TIMEOUT_MS.queue,
      immediate: immediateTimeoutMs ?? TIMEOUT_MS.immediate,
    };
    this.#tell = onNotice ?? (() => {});
    const env = { ...process.env, NATS_SERVERS: process.env.NATS_SERVERS || SERVER };
    this.#link = new NatsLink(natsTarget(choice, env), "servant-agent commander");
    this.#js = new JetStream(this.#link);
    this.#ears = new Ears(this.#link);
    const ports = { link: this.#link, js: this.#js, seal: this.#seal };
    this.#exchange = new Exchange({ ...ports, sender, tell: this.#tell });
    // While it closes, too: what is open is completed then.
    this.#runs = new OpenRuns((command, { signal, timeoutMs = this.#timeouts.immediate }) =>
      this.#exchange.send("immediate", withRun(command), timeoutMs, signal ? [signal] : []),
    );
  }

  /**
   * Resolves when it is connected. From then on the connection comes back by itself.
   *
   * @throws {ServantError} `backend.unreachable`, `backend.unauthorized`, `nats.bad-servers`, `key.invalid`
   */
  static async connect(options: CommandServiceOptions = {}): Promise<CommandService> {
    const service = new CommandService(options);
    try {
      await service.#link.open();
    } catch (cause) {
      await service.#link.close();
      throw cause;
    }
    void service.#follow();
    return service;
  }

  get isConnected(): boolean {
    return this.#link.isUp;
  }

  /**
   * Sends one step of a run that was started, and resolves to the machine's answer, an error included.
   *
   * @throws {ServantError} `command.unanswered`: in doubt, it may have been carried out;
   * `command.duplicate`, `machine.absent`, `machine.bad-id`, `payload.refused` (another lab key), `request.too-large`; or the
   * signal's reason
   */
  sendQueueCommand(command: QueueCommand, options: SendOptions = {}): Promise<Answer> {
    return this.#send("queue", command, options);
  }

  /**
   * Sends `pause`, `resume`, `cancel`, `start`, `complete` or `reset`, which acts beside what runs.
   *
   * @throws {ServantError} as `sendQueueCommand`
   */
  sendImmediateCommand(command: ImmediateCommand, options: SendOptions = {}): Promise<Answer> {
    // Never without a run: an answer without one would be nobody's.
    return this.#send("immediate", withRun(command), options);
  }

  /**
   * Starts one run on each of these machines, all or none, and resolves to its id. Whatever happens to
   * it, `completeRun` or `close` ends it.
   *
   * @throws {ServantError} `run.refused`, or as `sendQueueCommand`; nothing is left started
   */
  startRun(
    machines: readonly string[],
    options: SendOptions & { readonly runId?: string | undefined } = {},
  ): Promise<string> {
    return this.#runs.start(machines, options);
  }

  /**
   * Ends a run on every machine that it was started on. A machine that does not confirm is told of.
   *
   * @returns what was not confirmed, by machine: empty when all is well
   */
  async completeRun(runId: string, options: SendOptions = {}): Promise<Record<string, string>> {
    const problems = await this.#runs.complete(runId, options);
    for (const [machine, reason] of Object.entries(problems)) {
      this.#tell({ type: "run.not-completed", machine, runId, reason });
    }
    return problems;
  }

  /**
   * One command after another within a run of its own, until the first that fails. The run is always
   * completed: after an error, a time-out and an abort too.
   *
   * @throws {ServantError} when nothing was begun: `batch.malformed`, `run.refused`
   */
  sendQueueCommands(
    commands: readonly BatchCommand[] | Batch,
    options: BatchOptions = {},
  ): Promise<BatchResult> {
    return runBatch(this, "commands" in commands ? commands : { commands }, options);
  }

  /** Who is there, as it says itself. @throws {ServantError} `machine.absent` */
  ping(machine: string, options: SendOptions = {}): Promise<Pinged> {
    return pingMachine(this.#link, this.#seal, machineId(machine), options);
  }

  /** All that answer within the time, which is 1 s unless told. */
  pingFleet(options: SendOptions = {}): Promise<readonly Pinged[]> {
    return pingFleet(this.#link, this.#seal, options);
  }

  /** State, telemetry and events as they come, until the abort. */
  watch(options: WatchOptions = {}): AsyncIterable<Seen> {
    const ports = { link: this.#link, js: this.#js, ears: this.#ears, seal: this.#seal };
    return watch(ports, { ...options, closing: this.#closing.signal });
  }

  /** Completes the runs that are still open, then ends the connection. */
  async close(): Promise<void> {
    this.#closed ??= this.#end();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #end(): Promise<void> {
    this.#ending.abort(
      new ServantError("command.unanswered", "Cannot wait for an answer: the service was closed"),
    );
    await Promise.all(this.#runs.ids.map((runId) => this.completeRun(runId)));
    this.#closing.abort();
    await this.#exchange.responses.close();
    await this.#link.close();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    let wasUp = true;
    while (!signal.aborted) {
      await this.#link.changed(signal);
      const { isUp } = this.#link;
      if (signal.aborted || isUp === wasUp) continue;
      wasUp = isUp;
      if (isUp) await this.#exchange.responses.listenAgain();
      this.#tell({ type: isUp ? "connected" : "disconnected" });
    }
  }

  #send(way: Way, command: QueueCommand, options: SendOptions): Promise<Answer> {
    const { signal, timeoutMs = this.#timeouts[way] } = options;
    const signals = [this.#ending.signal, ...(signal === undefined ? [] : [signal])];
    return this.#exchange.send(way, command, timeoutMs, signals);
  }
}

/** Never without one: an answer that names no run would be nobody's. */
function withRun(command: ImmediateCommand): QueueCommand {
  return { ...command, runId: command.runId || crypto.randomUUID(), step: command.step ?? 0 };
}
