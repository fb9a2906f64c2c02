/**
 * scenario-execution: a client as its remote modifier is, on libzmq. It connects to the adapter and asks
 * each action how it goes; one connection here carries them all.
 */
import { scenarioBackend } from "../../../src/adapters/scenario-zmq.ts";
import { openBus } from "../../../src/agent/bus.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { decodeMap, encodeMap } from "../../../src/wire/scenario-msgpack.ts";
import { type Sent, ZmqPeer } from "../../support/zmq-peer.ts";
import type { Answer, Dialect, Opened, Peer, Wire } from "./dialect.ts";

/** Between two looks at what runs; a scenario's is 100. */
const TICK_MS = 20;

/** `python` has pyzmq. */
export function scenarioBy(python: string): Dialect {
  return {
    name: "scenario-execution over ZeroMQ",
    cannot: {
      belief: "it has no word for it",
      details: "an action ends in one of three words: `agent logs` and the journal tell more",
      forget: "nobody keeps a list of servers",
      json: "a member of an enumeration comes as its name, and what is nil is left out",
      link: "its clients connect to it: one that is gone has called off what it began",
      pause: "it has no word for it: a person pauses the agent where it runs",
      refuse: "nothing is sent: whoever asks is told",
      repeat: "each `execute` is a round of its own",
    },
    module: "scenario.ts",
    takesOnce: true,
    start: async () => new ScenarioPeer(python),
  };
}

/** The adapter as `agent serve --port 0` opens it. */
export async function adapterTo(): Promise<Opened & { readonly url: string }> {
  const backend = scenarioBackend({
    endpoints: [{ transport: "tcp", hostname: "127.0.0.1", port: 0 }],
    clock: systemClock,
    bus: openBus(),
    leaseMs: 60_000,
    builtins: new Set(),
    assignmentMaxBytes: 1_048_576,
  });
  const [url = ""] = await backend.urls;
  return { backend, url, close: () => backend.close() };
}

class ScenarioPeer implements Peer {
  readonly #client: ZmqPeer;
  #url = "";
  #isConnected = false;
  #actions = 0;
  #last: Promise<unknown> = Promise.resolve();
  readonly #answers = new Map<string, Answer>();
  readonly #looks = new Map<string, Promise<void>>();

  constructor(python: string) {
    this.#client = new ZmqPeer(python);
  }

  get wire(): Wire {
    return {
      down: () => this.#hangUp(),
      up: async () => {},
      isMute: false,
      connections: this.#isConnected ? 1 : 0,
      port: 0, // it is the one that others find
    };
  }

  async open() {
    const { url, ...opened } = await adapterTo();
    await this.#hangUp();
    this.#url = url;
    await this.#ask("heartbeat");
    return opened;
  }

  async assign(params: JsonObject = {}) {
    this.#actions += 1;
    const action_id = `action-${this.#actions}`;
    await this.#ask("init", { action_id, plugin_key: "move", init_args: {}, output_dir: null });
    await this.#ask("setup", { action_id, tick_period: 0.1, output_dir: null });
    await this.#ask("execute", { action_id, exec_args: params });
    void this.#tick(action_id);
    return action_id;
  }

  /** One look at a time: what the one before it has seen need not be asked again. */
  async answers(ticket: string): Promise<Answer[]> {
    const before = this.#looks.get(ticket) ?? Promise.resolve();
    const look = before.then(() => this.#look(ticket));
    const ended = look.then(
      () => {},
      () => {},
    );
    this.#looks.set(ticket, ended);
    return await look;
  }

  async #look(ticket: string): Promise<Answer[]> {
    const known = this.#answers.get(ticket);
    if (known !== undefined || !this.#isConnected) return known === undefined ? [] : [known];
    const {
      status,
      action_status,
      message = "",
    } = await this.#asked("update", {
      action_id: ticket,
    });
    if (action_status === "running") return [];
    const success = status === "ok" && action_status === "success";
    const answer = { success, message: String(message), telemetry: {} };
    this.#answers.set(ticket, answer);
    const new_status = success ? "SUCCESS" : "FAILURE"; // a stock client says it at once
    await this.#asked("terminate", { action_id: ticket, new_status });
    return [answer];
  }

  /** As a scenario is ticked: asks of what runs, until it has ended. */
  async #tick(ticket: string): Promise<void> {
    try {
      while (this.#isConnected && (await this.answers(ticket)).length === 0) {
        await Bun.sleep(TICK_MS);
      }
    } catch {
      // Nobody is there any more: whoever asks next is told so.
    }
  }

  async sendUnreadable() {
    await this.#asked("execute", { action_id: "action-1", exec_args: 7 });
  }

  async sendNonsense() {
    await this.#exchange("<html>");
  }

  async cancel(ticket: string) {
    await this.#ask("terminate", { action_id: ticket, new_status: "INVALID" });
  }

  async [Symbol.asyncDispose]() {
    this.#client[Symbol.dispose]();
  }

  async #hangUp(): Promise<void> {
    if (this.#isConnected) await this.#client.close("req");
    this.#isConnected = false;
  }

  async #ask(cmd: string, payload: JsonObject = {}): Promise<void> {
    const { status, message } = await this.#asked(cmd, payload);
    if (status !== "ok") throw new Error(`${cmd}: ${String(message)}`);
  }

  async #asked(cmd: string, payload: JsonObject): Promise<JsonObject> {
    return await this.#exchange({ hex: Buffer.from(encodeMap({ cmd, payload })).toString("hex") });
  }

  /** One request at a time, as a REQ has it. */
  #exchange(body: Sent): Promise<JsonObject> {
    const answer = this.#last.then(() => this.#sent(body));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #sent(body: Sent): Promise<JsonObject> {
    if (!this.#isConnected) await this.#client.open("req", { type: "REQ", url: this.#url });
    this.#isConnected = true;
    await this.#client.send("req", body);
    const [answer] = (await this.#client.receive("req")) ?? [];
    if (typeof answer !== "string") throw new Error(`no answer, or a long one: ${answer?.sha256}`);
    return decodeMap(Buffer.from(answer, "latin1"));
  }
}
