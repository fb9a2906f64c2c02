/**
 * A PUDA commander of bytes: it publishes what it is given and hands back what comes, so that a test
 * sees what is on the wire and a measurement measures the machine.
 */
import { type ConsumerInfo, jetstreamManager } from "@nats-io/jetstream";
import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { PATIENCE_MS } from "./running.ts";

export type Kind = "queue" | "immediate";
const RESPONSES = { queue: "RESPONSE_QUEUE", immediate: "RESPONSE_IMMEDIATE" } as const;

export interface WireResponse {
  readonly kind: Kind;
  readonly text: string;
  readonly header: Record<string, unknown>;
  readonly command: Record<string, unknown>;
  readonly response: {
    readonly status: string;
    readonly code: string | null;
    readonly message: string | null;
    readonly data: unknown;
  };
  readonly atMs: number;
}

/** How the two generations of commanders write the same request. */
export type Writer = "N" | "S";

export interface Request {
  readonly name: string;
  readonly step: number;
  readonly run?: string | null;
  readonly params?: unknown;
  readonly kwargs?: unknown;
}

/** The bytes of a request as that commander writes it, nulls and all. */
export function requestText(machineId: string, writer: Writer, request: Request): string {
  const { name, step, run = null, params = {}, kwargs = {} } = request;
  const timestamp = `${new Date().toISOString().slice(0, 19)}Z`;
  if (writer === "S") {
    return JSON.stringify({
      header: {
        message_type: "command",
        version: "1.0",
        timestamp,
        machine_id: machineId,
        run_id: run,
      },
      command: { name, params, step_number: step, version: "1.0" },
      response: null,
    });
  }
  const who = { user_id: "u-1", username: "ana", machine_id: machineId };
  return JSON.stringify({
    header: { version: "1.0", message_type: "command", ...who, run_id: run, timestamp },
    command: { name, params, kwargs, step_number: step, version: "1.0", machine_id: machineId },
    response: null,
  });
}

/** With `await using` its consumers and its connection end with the scope. */
export class WireCommander implements AsyncDisposable {
  readonly machineId: string;
  /** Everything that came, in order. */
  readonly responses: WireResponse[] = [];
  readonly connection: NatsConnection;
  readonly #writer: Writer;
  readonly #waiting = new Set<{
    fits(response: WireResponse): boolean;
    take(r: WireResponse): void;
  }>();
  #consumers: ConsumerInfo[] = [];

  private constructor(connection: NatsConnection, machineId: string, writer: Writer) {
    this.connection = connection;
    this.machineId = machineId;
    this.#writer = writer;
  }

  /** The streams must be there: a machine makes them. */
  static async open(url: string, machineId: string, writer: Writer = "N"): Promise<WireCommander> {
    const connection = await connect({
      servers: url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    });
    const commander = new WireCommander(connection, machineId, writer);
    await commander.#listen("queue");
    await commander.#listen("immediate");
    return commander;
  }

  /** Publishes and waits for the response with this run and step. */
  send(kind: Kind, request: Request): Promise<WireResponse> {
    const answered = this.response(
      ({ header, command, ...each }) =>
        each.kind === kind &&
        header.run_id === (request.run ?? null) &&
        command.step_number === request.step,
    );
    this.publish(kind, requestText(this.machineId, this.#writer, request));
    return answered;
  }

  /** Publishes these bytes as they are; the stream's confirmation is not waited for. */
  publish(kind: Kind, bytes: string | Uint8Array): void {
    const subject = `puda.${this.machineId}.cmd.${kind}`;
    this.connection.publish(subject, bytes, { reply: `${this.machineId}.confirmed` });
  }

  /** The next response that fits. @throws Error when none comes in time */
  response(fits: (response: WireResponse) => boolean): Promise<WireResponse> {
    const { promise, reject, resolve } = Promise.withResolvers<WireResponse>();
    const late = setTimeout(
      () => reject(new Error(`no such response among ${JSON.stringify(this.responses)}`)),
      PATIENCE_MS,
    );
    const waiting = {
      fits,
      take: (response: WireResponse) => {
        clearTimeout(late);
        this.#waiting.delete(waiting);
        resolve(response);
      },
    };
    this.#waiting.add(waiting);
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const manager = await jetstreamManager(this.connection);
    for (const { name, stream_name } of this.#consumers) {
      await manager.consumers.delete(stream_name, name).catch(() => {}); // the server may be gone
    }
    await this.connection.close();
  }

  /** As the Python commanders do: an ephemeral consumer that is pushed to, each message acknowledged. */
  async #listen(kind: Kind): Promise<void> {
    const inbox = `_INBOX.wire.${crypto.randomUUID()}`;
    this.connection.subscribe(inbox, {
      callback: (_, message) => this.#take(kind, message),
    });
    const manager = await jetstreamManager(this.connection);
    const consumer = await manager.consumers.add(RESPONSES[kind], {
      deliver_subject: inbox,
      ack_policy: "explicit",
      deliver_policy: "all",
      filter_subject: `puda.${this.machineId}.cmd.response.${kind}`,
      inactive_threshold: 60_000_000_000, // survives a restart of the server
    });
    this.#consumers.push(consumer);
  }

  #take(kind: Kind, message: Msg): void {
    const atMs = performance.now();
    message.respond();
    const text = message.string();
    const response: WireResponse = { ...JSON.parse(text), kind, text, atMs };
    this.responses.push(response);
    for (const waiting of [...this.#waiting]) if (waiting.fits(response)) waiting.take(response);
  }
}
