/**
 * The servant's side of scenario-execution: the actions of scenarios that run elsewhere, over ZeroMQ's
 * wire. Clients connect to it and ask; it only ever answers. Each `execute` is an assignment; all else
 * is answered at once from what is known here, whatever the handlers do: a late answer would be read
 * as the next one's.
 */
import { Bell } from "../core/bell.ts";
import { describeAssignment } from "../core/entry.ts";
import { messageOf } from "../core/errors.ts";
import type { Backend, Bus, Clock, Delivery, Directive, Intake, Offer } from "../core/ports.ts";
import { type Request as Asked, readRequest } from "../wire/scenario.ts";
import { errorAnswer, immediateAnswer, OK } from "../wire/scenario-answers.ts";
import { Client, type ClientOptions } from "./scenario/client.ts";
import { type Round, Rounds } from "./scenario/rounds.ts";
import { atEachRing } from "./watched.ts";
import { type Endpoint, isOpenToOthers } from "./zmtp/endpoint.ts";
import { type Peer, type RepServer, type Request, serveRep } from "./zmtp/rep.ts";
import { Sweeper } from "./zmtp/vigil.ts";

export interface ScenarioOptions extends Omit<ClientOptions, "onWaiting"> {
  readonly endpoints: readonly Endpoint[];
  readonly socketMode?: number | undefined;
  readonly clock: Clock;
  readonly bus: Bus;
}

export interface ScenarioServer extends Backend {
  /** Where it listens. @throws {ServantError} `local.port-in-use`, `local.bad-address` */
  readonly urls: Promise<readonly string[]>;
  /** Ends every connection, once its clients have heard how their actions ended, or do not ask. An
   * `init` that waits is answered. */
  close(): Promise<void>;
}

/** Clients come and go, and nothing is ever sent to one that is gone: all of it has one origin. */
export const SCENARIO_ORIGIN = "scenario-execution";
/** `init` waits so long for the plugin: a stock client for 10 s, and then hears no reason. */
const LOAD_WITHIN_MS = 9_000;
/** At the end so long for clients to ask once more, in milliseconds: ten ticks of a scenario. One that has
 * heard its action's end says `terminate` next, and stands still for 30 s where nobody answers that. */
const GOODBYE_WITHIN_MS = 1_000;
/** While the plugin loads. */
const NOTHING: ReadonlySet<string> = new Set();
/** Nonsense that comes is told once in so long, in milliseconds. */
const TELL_EVERY_MS = 1_000;

/** Listens at once, while the plugin still loads. */
export function scenarioBackend(options: ScenarioOptions): ScenarioServer {
  return new ScenarioBackend(options);
}

class ScenarioBackend implements ScenarioServer {
  readonly origin = SCENARIO_ORIGIN;
  readonly heedsRoom = true;
  readonly urls: Promise<readonly string[]>;
  readonly #options: ScenarioOptions & ClientOptions;
  readonly #bell = new Bell();
  /** Rings when a client has terminated or reset an action, or is gone. */
  readonly #parted = new Bell();
  readonly #rounds: Rounds;
  readonly #clients = new Map<Peer["id"], Client>();
  readonly #leases: Sweeper;
  readonly #server: Promise<RepServer>;
  /** The plugin's, or the end of waiting for it. */
  readonly #loaded = Promise.withResolvers<void>();
  readonly #inits = new Set<Promise<void>>();
  #isClosing = false;
  #offered: ReadonlySet<string> | undefined;
  #refused = 0;
  #refusedToldUntilMs = 0;

  constructor(options: ScenarioOptions) {
    const { bus, clock, endpoints, leaseMs, socketMode } = options;
    this.#options = { ...options, onWaiting: (round) => this.#tellWaiting(round) };
    this.#rounds = new Rounds(() => this.#bell.ring());
    this.#leases = new Sweeper(clock, leaseMs);
    this.#server = serveRep({
      ...{ endpoints, clock, ...(socketMode === undefined ? {} : { socketMode }) },
      onRequest: (request) => this.#take(request),
      onGone: (peer) => this.#gone(peer),
      onRefused: (address, reason) => this.#tellRefused(address, reason.message),
    });
    this.urls = this.#server.then(({ urls }) => {
      const isExposed = endpoints.some(isOpenToOthers);
      bus.publish({ type: "link.listening", urls, isExposed });
      return urls;
    });
    this.urls.catch(() => {}); // registering tells
  }

  async register({ transitions }: Offer): Promise<string> {
    const name = await this.#name();
    this.#offered = new Set(transitions);
    this.#loaded.resolve();
    return name;
  }

  async *directives(intake: Intake, signal: AbortSignal): AsyncIterable<Directive> {
    this.#rounds.open(await this.#name());
    try {
      yield* atEachRing(this.#bell, intake, signal, () => this.#rounds.next(intake));
    } finally {
      if (signal.aborted) this.#rounds.close("Cannot do it: the agent is stopping");
    }
  }

  /** Taken once whoever asks next is told. */
  async deliver({ result }: Delivery): Promise<void> {
    this.#rounds.ended(result);
  }

  async close(): Promise<void> {
    const server = await this.#server.catch(() => undefined); // registering has told it
    this.#isClosing = true;
    this.#loaded.resolve();
    await Promise.all(this.#inits);
    await this.#untilAllParted();
    server?.close();
  }

  async #untilAllParted(): Promise<void> {
    const over = new AbortController();
    void this.#options.clock.sleep(GOODBYE_WITHIN_MS, over.signal).then(() => over.abort());
    const isAwaited = () => [...this.#clients.values()].some(({ isExpected }) => isExpected);
    while (isAwaited() && !over.signal.aborted) await this.#parted.rung(over.signal);
    over.abort();
  }

  /** There is no registration but where it is found. */
  async #name(): Promise<string> {
    return (await this.urls).join(" and ");
  }

  #take(request: Request): void {
    const client = this.#clientOf(request.peer);
    client.heard();
    let asked: Asked;
    try {
      asked = readRequest(request.frames);
    } catch (cause) {
      const reason = messageOf(cause);
      this.#tellRefused(request.peer.address, reason);
      request.answer([errorAnswer(reason)]);
      return;
    }
    const bytes = request.frames[0]?.byteLength ?? 0;
    if (asked.cmd === "init" && this.#offered === undefined) {
      const init = this.#initLater(request, client, asked, bytes);
      this.#inits.add(init);
      void init.finally(() => this.#inits.delete(init));
    } else request.answer([this.#answer(client, asked, bytes)]);
  }

  #answer(client: Client, asked: Asked, bytes: number): Uint8Array {
    const answer = immediateAnswer(asked, {
      offered: this.#offered ?? NOTHING,
      stateOf: (id) => client.stateOf(id),
    });
    if (asked.cmd === "terminate") client.terminate(asked);
    if (asked.cmd === "reset") client.reset(asked);
    if (asked.cmd === "terminate" || asked.cmd === "reset") this.#parted.ring();
    if (answer !== undefined) return answer;
    if (asked.cmd === "init") client.init(asked, bytes);
    if (asked.cmd === "execute") client.execute(asked, bytes);
    return OK;
  }

  /** The plugin's own `setup` is done once it is registered. */
  async #initLater(request: Request, client: Client, asked: Asked, bytes: number): Promise<void> {
    const late = new AbortController();
    const patience = this.#options.clock.sleep(LOAD_WITHIN_MS, late.signal);
    await Promise.race([this.#loaded.promise, patience]);
    late.abort();
    if (!request.peer.isOpen) return;
    const isLoaded = this.#offered !== undefined;
    const why = this.#isClosing
      ? "the agent ends, and its log says why"
      : `after ${LOAD_WITHIN_MS / 1_000} s it is still being set up`;
    const problem = errorAnswer(`The plugin is not ready: ${why}`);
    request.answer([isLoaded ? this.#answer(client, asked, bytes) : problem]);
  }

  #clientOf({ id }: Peer): Client {
    const known = this.#clients.get(id);
    if (known !== undefined) return known;
    const client = new Client(this.#rounds, this.#options);
    this.#clients.set(id, client);
    this.#leases.add(client);
    return client;
  }

  #gone({ id }: Peer): void {
    const client = this.#clients.get(id);
    if (client === undefined) return;
    this.#clients.delete(id);
    this.#leases.delete(client);
    client.gone();
    this.#parted.ring();
  }

  #tellWaiting({ auditId, transition, params, waitedMs }: Round): void {
    const what = describeAssignment({ kind: "action", auditId, transition, params });
    this.#options.bus.publish({ type: "assignment.waiting", auditId, what, waitedMs });
  }

  /** Not each time: a fool may send it a thousand times a second. */
  #tellRefused(address: string, reason: string): void {
    const { bus, clock } = this.#options;
    this.#refused += 1;
    if (clock.monotonic() < this.#refusedToldUntilMs) return;
    this.#refusedToldUntilMs = clock.monotonic() + TELL_EVERY_MS;
    bus.publish({ type: "link.refused", address, reason, count: this.#refused });
  }
}
