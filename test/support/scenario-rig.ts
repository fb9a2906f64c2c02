/** The adapter of scenarios on a real socket, its time moved by the test, and clients with our own REQ. */
import { type ScenarioServer, scenarioBackend } from "../../src/adapters/scenario-zmq.ts";
import { parseEndpoint } from "../../src/adapters/zmtp/endpoint.ts";
import { ReqSocket } from "../../src/adapters/zmtp/req.ts";
import { type Assignment, emptyResult, type Result } from "../../src/core/assignment.ts";
import { keyOf } from "../../src/core/entry.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Directive } from "../../src/core/ports.ts";
import { systemClock } from "../../src/system/clock.ts";
import { decodeMap, encodeMap } from "../../src/wire/scenario-msgpack.ts";
import { offer as anyOffer, until } from "../contract/dialects/dialect.ts";
import { FakeClock } from "./fake-clock.ts";
import { TestIntake } from "./test-intake.ts";

const offer = { ...anyOffer, transitions: ["move", "arm.pick", "run_process"] };
export const LEASE_MS = 10_000;

export class ScenarioRig {
  readonly clock = new FakeClock();
  readonly events: AgentEvent[] = [];
  readonly intake = new TestIntake();
  readonly seen: Directive[] = [];
  readonly server: ScenarioServer;
  readonly #stop = new AbortController();
  readonly #reqs: ReqSocket[] = [];
  #ended: Promise<void> = Promise.resolve();

  constructor({ assignmentMaxBytes = 1_000, builtins = [] as readonly string[] } = {}) {
    this.server = scenarioBackend({
      endpoints: [parseEndpoint("tcp://127.0.0.1:0")],
      clock: this.clock,
      bus: { publish: (event) => void this.events.push(event), listen: () => () => {} },
      leaseMs: LEASE_MS,
      builtins: new Set(builtins),
      assignmentMaxBytes,
    });
  }

  async register(): Promise<void> {
    await this.server.register(offer, this.#stop.signal);
    this.#ended = this.#follow();
  }

  async #follow(): Promise<void> {
    for await (const each of this.server.directives(this.intake, this.#stop.signal)) {
      this.seen.push(each);
    }
  }

  async client(): Promise<RigClient> {
    const [url = ""] = await this.server.urls;
    const req = await ReqSocket.connect(parseEndpoint(url), { clock: systemClock });
    this.#reqs.push(req);
    return new RigClient(req);
  }

  async assigned(nth: number) {
    const all = () => this.seen.flatMap((each) => (each.type === "assign" ? [each] : []));
    await until(`assignment ${nth}`, () => all().length >= nth);
    const { assignment } = all()[nth - 1] as Extract<Directive, { type: "assign" }>;
    return assignment as Extract<Assignment, { kind: "action" }>;
  }

  async cancelled(nth = 1) {
    const all = () => this.seen.flatMap((each) => (each.type === "cancel" ? [each] : []));
    await until(`cancel ${nth}`, () => all().length >= nth);
    return all()[nth - 1] as Extract<Directive, { type: "cancel" }>;
  }

  async finish(auditId: Result["auditId"], more: Partial<Result> = {}): Promise<void> {
    const result = { ...emptyResult(auditId, true), ...more };
    const delivery = { key: keyOf(auditId), kind: "action", result, via: "x" } as const;
    await this.server.deliver(delivery, this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async close(): Promise<void> {
    for (const req of this.#reqs) req.close();
    await this.stop();
    await this.server.close();
  }
}

export class RigClient {
  readonly req: ReqSocket;
  constructor(req: ReqSocket) {
    this.req = req;
  }

  async ask(cmd: string, payload: JsonObject = {}): Promise<JsonObject> {
    const [body = new Uint8Array()] = await this.req.ask([encodeMap({ cmd, payload })]);
    return decodeMap(body);
  }

  init(action_id: string, init_args: JsonObject = {}, plugin_key = "move") {
    return this.ask("init", { action_id, plugin_key, init_args, output_dir: null });
  }

  execute(action_id: string, exec_args: JsonObject = {}) {
    return this.ask("execute", { action_id, exec_args });
  }

  update(action_id: string) {
    return this.ask("update", { action_id });
  }
}
