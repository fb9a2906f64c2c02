/**
 * JetStream by its own requests: few of them are needed, and the way through the client's library for
 * them costs a machine a good part of its start.
 */
import * as z from "zod/mini";
import { ServantError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { NatsLink, Payload } from "./connect.ts";

const API = "$JS.API";

/** Error codes of the server's own table that decide something here. */
export const jetStreamCodes = {
  noMessage: 10_037,
  notEnabled: 10_076,
  notEnabledForAccount: 10_039,
  noConsumer: 10_014,
  noStream: 10_059,
  wrongLastSequence: 10_071,
  nameInUse: 10_058,
} as const;

/** The server answered, and refused. */
export class JetStreamRefusal extends ServantError {
  /** Of the server's table, 0 when it gave none. */
  readonly serverCode: number;

  constructor(what: string, serverCode: number, description: string) {
    const { notEnabled, notEnabledForAccount } = jetStreamCodes;
    const isOff = serverCode === notEnabled || serverCode === notEnabledForAccount;
    const reason = isOff ? "the server runs without JetStream (`nats-server -js`)" : description;
    super(isOff ? "nats.no-jetstream" : "nats.refused", `Cannot ${what}: ${reason}`);
    this.serverCode = serverCode;
  }
}

const Refused = z.optional(
  z.object({ err_code: z.optional(z.number()), description: z.optional(z.string()) }),
);
const Answer = z.object({
  /** The server's own time, since 2.10. */
  ts: z.optional(z.string()),
  error: Refused,
});
/** It has a sequence, or an error. */
const Published = z.object({
  seq: z.optional(z.number()),
  duplicate: z.optional(z.boolean()),
  error: Refused,
});
const StoredMessage = z.looseObject({
  message: z.looseObject({
    seq: z.number(),
    time: z.string(),
    data: z.optional(z.string()),
    hdrs: z.optional(z.string()),
  }),
});

export interface Stored {
  readonly sequence: number;
  /** By the server's clock, in epoch milliseconds. */
  readonly atMs: number;
  /** Undefined for the mark of a deletion. */
  readonly data: Uint8Array | undefined;
}

export interface PublishOptions {
  /** The stream takes the same id once within its window. */
  readonly messageId?: string;
  /** Only when the subject's last message is this one; 0: only when it has none. */
  readonly expectLast?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export class JetStream {
  readonly #link: NatsLink;
  /** Told the server's own time with each answer that has it, in epoch milliseconds. */
  readonly #onTime: (atMs: number) => void;
  /** Told each subject that no stream takes: it was deleted, or is not there yet. */
  readonly #onUntaken: (subject: string) => void;

  constructor(
    link: NatsLink,
    onTime: (atMs: number) => void = () => {},
    onUntaken: (subject: string) => void = () => {},
  ) {
    this.#link = link;
    this.#onTime = onTime;
    this.#onUntaken = onUntaken;
  }

  /**
   * One request of the management's: `STREAM.INFO.name` and so on.
   *
   * @throws {ServantError} `backend.unreachable`, `nats.no-jetstream`, `nats.refused`
   */
  async ask(verb: string, body?: JsonObject): Promise<JsonObject> {
    const what = `ask for ${verb}`;
    const answer = await this.#link
      .request(`${API}.${verb}`, body === undefined ? "" : JSON.stringify(body))
      .catch((cause) => {
        if (!(cause instanceof ServantError) || cause.code !== "nats.no-responders") throw cause;
        throw new JetStreamRefusal(what, jetStreamCodes.notEnabled, "");
      });
    const read = this.#read(answer.data, what);
    const { error, ts } = Answer.parse(read);
    if (ts !== undefined) this.#onTime(Date.parse(ts));
    if (error === undefined) return read;
    throw new JetStreamRefusal(what, error.err_code ?? 0, error.description ?? "it says no more");
  }

  /** The same, and undefined where the server says with this code that there is none. */
  async find(verb: string, absentCode: number, body?: JsonObject): Promise<JsonObject | undefined> {
    try {
      return await this.ask(verb, body);
    } catch (cause) {
      if (cause instanceof JetStreamRefusal && cause.serverCode === absentCode) return undefined;
      throw cause;
    }
  }

  /**
   * Resolves when the stream has stored it.
   *
   * @throws {ServantError} `backend.unreachable`, `nats.no-responders` (no stream has this subject),
   * `nats.refused`
   */
  async publish(subject: string, data: Payload, options: PublishOptions = {}) {
    const { expectLast, messageId } = options;
    const headers = {
      ...options.headers,
      ...(messageId === undefined ? {} : { "Nats-Msg-Id": messageId }),
      ...(expectLast === undefined
        ? {}
        : { "Nats-Expected-Last-Subject-Sequence": String(expectLast) }),
    };
    const given = Object.keys(headers).length === 0 ? {} : { headers };
    const answer = await this.#link.request(subject, data, given).catch((cause) => {
      const isUntaken = cause instanceof ServantError && cause.code === "nats.no-responders";
      if (isUntaken) this.#onUntaken(subject);
      throw cause;
    });
    const what = `publish to "${subject}"`;
    const read = this.#read(answer.data, what);
    const { error, seq, duplicate = false } = Published.parse(read);
    if (error !== undefined) {
      throw new JetStreamRefusal(what, error.err_code ?? 0, error.description ?? "");
    }
    if (seq === undefined) {
      const problem = `Cannot ${what}: the answer names no sequence`;
      throw new ServantError("backend.malformed-answer", problem);
    }
    return { sequence: seq, isDuplicate: duplicate };
  }

  /** The last message of a subject. */
  async last(stream: string, subject: string): Promise<Stored | undefined> {
    const { noMessage } = jetStreamCodes;
    const found = await this.find(`STREAM.MSG.GET.${stream}`, noMessage, { last_by_subj: subject });
    if (found === undefined) return undefined;
    const { seq, time, data, hdrs } = StoredMessage.parse(found).message;
    const isMark = hdrs !== undefined && /KV-Operation: (DEL|PURGE)/.test(atob(hdrs));
    const bytes = isMark || data === undefined ? undefined : Buffer.from(data, "base64");
    return { sequence: seq, atMs: Date.parse(time), data: bytes };
  }

  #read(data: Uint8Array, what: string): JsonObject {
    try {
      return JSON.parse(decoder.decode(data)) as JsonObject;
    } catch (cause) {
      const problem = `Cannot ${what}: the answer is no JSON`;
      throw new ServantError("backend.malformed-answer", problem, { cause });
    }
  }
}

const decoder = new TextDecoder();
