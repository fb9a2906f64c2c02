/** Streams of requests as no client of a scenario should send them, and somebody who sends them. */
import { encode } from "@msgpack/msgpack";
import { FrameReader } from "../../src/adapters/zmtp/frame-reader.ts";
import { encodeMessage } from "../../src/adapters/zmtp/frames.ts";
import { DEFAULT_LIMITS } from "../../src/adapters/zmtp/limits.ts";
import { readAnswer } from "../../src/wire/scenario-answers.ts";
import captured from "../fixtures/scenario/captures.json" with { type: "json" };
import { Dice } from "../planner/dice.ts";
import { hex, RawZmtp, READY_DEALER } from "../support/raw-zmtp.ts";

const EMPTY = new Uint8Array();
const IDS = ["a", "b", "57312a6d-da83-4554-9559-4e7cfcebb3bf", "", "x".repeat(200), "__proto__"];
const COMMANDS = ["init", "setup", "execute", "update", "terminate", "reset", "heartbeat", "nope"];
const STATUSES = ["SUCCESS", "FAILURE", "INVALID", "invalid"];
const RECORDED = captured.requests.map(({ hex: bytes }) => hex(bytes));
/** The connection goes with it. */
const LAST_WORDS = ["f8", "02ffffffffffffffff", "0100", "01000018ff", "0405064552524f5200"].map(
  hex,
);
const ON_ONE_CONNECTION = 200;
/** So many are on their way at once: what is executed twice in one turn begins once. */
const AHEAD = 10;

export class Streams {
  readonly #dice: Dice;

  /** `keys`: what an `init` asks for. */
  constructor(
    seed: number,
    private readonly keys: readonly string[],
  ) {
    this.#dice = new Dice(seed);
  }

  /** One to four messages, and how many. */
  next(): { readonly bytes: Uint8Array; readonly messages: number } {
    const messages = this.#dice.int(1, 4);
    const all = Array.from({ length: messages }, () => encodeMessage([EMPTY], this.#frames()));
    return { bytes: Buffer.concat(all), messages };
  }

  /** Bytes that are no message. */
  lastWords(): Uint8Array {
    return this.#dice.pick(LAST_WORDS);
  }

  #frames(): Uint8Array[] {
    const parts = this.#dice.int(1, 20) === 1 ? 2 : 1;
    return Array.from({ length: parts }, () => this.#body());
  }

  #body(): Uint8Array {
    const dice = this.#dice;
    let body = dice.int(1, 5) > 2 ? this.#written() : dice.pick(RECORDED);
    // Half of them are spoilt, once or more.
    for (let left = dice.int(-2, 3); left > 0; left -= 1) body = this.#spoilt(body);
    return body;
  }

  #spoilt(body: Uint8Array): Uint8Array {
    const at = this.#dice.int(0, body.length);
    const noise = Uint8Array.from(this.#dice.many(0, 8, () => this.#dice.int(0, 255)));
    const how = this.#dice.int(0, 3);
    if (how === 0) return body.subarray(0, at);
    if (how === 1) return Buffer.concat([body, body.subarray(at)]);
    const rest = body.subarray(how === 2 ? at : at + noise.length);
    return Buffer.concat([body.subarray(0, at), noise, rest]);
  }

  #written(): Uint8Array {
    const dice = this.#dice;
    const args = () => ({ mark: dice.pick(IDS), seconds: dice.int(-1, 1) });
    const payload = {
      action_id: dice.pick(IDS),
      plugin_key: dice.pick(this.keys),
      init_args: args(),
      exec_args: args(),
      new_status: dice.pick(STATUSES),
      tick_period: dice.int(-1, 1),
    };
    return encode({ cmd: dice.pick(COMMANDS), payload });
  }
}

/**
 * Sends so many streams, hundreds on one connection before it does something worse there.
 *
 * @throws Error when a request is not answered, or with what is no answer
 */
export async function send(url: string, streams: Streams, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += ON_ONE_CONNECTION) {
    using raw = await RawZmtp.ready(url, READY_DEALER);
    for (let on = 0; on < ON_ONE_CONNECTION; on += AHEAD) {
      const all = Array.from({ length: AHEAD }, () => streams.next());
      raw.send(...all.map(({ bytes }) => bytes));
      const messages = all.reduce((sum, each) => sum + each.messages, 0);
      await answers(raw, messages);
    }
    raw.send(streams.lastWords());
  }
}

/** So many bodies, each an answer, and none more. */
export async function answers(raw: RawZmtp, count: number): Promise<void> {
  const reader = new FrameReader(DEFAULT_LIMITS);
  reader.takesMessages = true;
  for (let seen = 0; seen < count; ) {
    await raw.until(() => raw.waiting > 0 || raw.isClosed, `answer ${seen} of ${count}`);
    if (raw.isClosed) throw new Error(`Closed after ${seen} of ${count} answers`);
    reader.push(await raw.take(raw.waiting));
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      const [envelope, body, ...more] = next.isCommand ? [] : next.frames;
      if (envelope?.length !== 0 || body === undefined || more.length > 0) {
        throw new Error(`Answer ${seen} is no answer`);
      }
      read(body);
      seen += 1;
    }
    if (seen > count) throw new Error(`${seen} answers to ${count} requests`);
  }
}

/** Those that were read, as text: most come again and again. */
const known = new Set<string>();
function read(body: Uint8Array): void {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1");
  if (known.has(text)) return;
  readAnswer(body);
  known.add(text);
}
