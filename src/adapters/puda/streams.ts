/**
 * The streams and consumers of a machine. What is missing is made; of what is there only the member
 * that is wrong is changed, for an operator has set the rest (W28); what cannot be changed is refused
 * with a way out.
 */
import * as z from "zod/mini";
import { ServantError } from "../../core/errors.ts";
import { type JetStream, JetStreamRefusal, jetStreamCodes } from "../../nats/jetstream.ts";
import {
  COMMAND_STREAMS,
  commandSubject,
  durableOf,
  STREAMS,
  type StreamPlace,
  type Way,
} from "../../wire/puda-subjects.ts";

const StreamInfo = z.looseObject({
  config: z.looseObject({
    subjects: z._default(z.array(z.string()), []),
    retention: z.optional(z.string()),
  }),
});
const ConsumerInfo = z.looseObject({
  num_ack_pending: z._default(z.number(), 0),
  config: z.looseObject({
    ack_wait: z.optional(z.number()),
    ack_policy: z.optional(z.string()),
    deliver_policy: z.optional(z.string()),
    deliver_subject: z.optional(z.string()),
    filter_subject: z.optional(z.string()),
  }),
});
type ConsumerConfig = z.infer<typeof ConsumerInfo>["config"];

/** What a server takes when nothing is said, in milliseconds. */
const ACK_WAIT_MS = 30_000;

/** @throws {ServantError} `nats.bad-stream`, and what `JetStream.ask` throws */
export async function ensureStreams(js: JetStream): Promise<void> {
  await Promise.all(STREAMS.map((place) => ensureStream(js, place)));
}

async function ensureStream(js: JetStream, place: StreamPlace): Promise<void> {
  const { name, subject, retention } = place;
  const found = await js.find(`STREAM.INFO.${name}`, jetStreamCodes.noStream);
  if (found === undefined) {
    const config = { name, subjects: [subject], retention, storage: "file" };
    await refusedWithAdvice(
      place,
      js.find(`STREAM.CREATE.${name}`, jetStreamCodes.nameInUse, config),
    );
    return;
  }
  const { config } = StreamInfo.parse(found);
  if (config.retention !== retention) {
    throw badStream(place, `its retention is "${config.retention}" and must be "${retention}"`);
  }
  if (config.subjects.includes(subject)) return;
  const mended = { ...(found.config as object), subjects: [...config.subjects, subject] };
  await refusedWithAdvice(place, js.ask(`STREAM.UPDATE.${name}`, mended));
}

async function refusedWithAdvice(place: StreamPlace, asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (cause) {
    if (cause instanceof JetStreamRefusal && cause.code === "nats.refused") {
      throw badStream(place, cause.message);
    }
    throw cause;
  }
}

function badStream({ name, subject, retention }: StreamPlace, reason: string): ServantError {
  const way = `\`nats stream add ${name} --subjects '${subject}' --retention ${retention === "workqueue" ? "work" : "interest"}\``;
  return new ServantError(
    "nats.bad-stream",
    `Cannot use the stream ${name}: ${reason}; ${way} makes it`,
  );
}

/**
 * The machine's durable consumer, to be pulled from; resolves to how long a message may be worked on
 * without a word, in milliseconds. One that Python left is replaced where it would starve (W18), and
 * one that holds immediate commands back, so that they come at once and in their order.
 */
export async function ensureConsumer(js: JetStream, id: string, way: Way): Promise<number> {
  const place = COMMAND_STREAMS[way];
  const stream = place.name;
  const name = durableOf(id, way);
  const wanted = {
    durable_name: name,
    name,
    ack_policy: "explicit",
    deliver_policy: "all",
    replay_policy: "instant",
    filter_subject: commandSubject(id, way),
  };
  const found = await js.find(`CONSUMER.INFO.${stream}.${name}`, jetStreamCodes.noConsumer);
  if (found !== undefined) {
    const { config, num_ack_pending } = ConsumerInfo.parse(found);
    // Lost with the last line: a pause would come after `ack_wait`, and behind what was sent later.
    const isStuck = way === "immediate" && num_ack_pending > 0;
    if (fits(config, wanted) && !isStuck) return ackWaitMs(config);
    await js.find(`CONSUMER.DELETE.${stream}.${name}`, jetStreamCodes.noConsumer);
  }
  const request = { stream_name: stream, config: wanted };
  // With the filter in the subject, so that a server's permissions can hold a machine to its own.
  const made = js.ask(`CONSUMER.CREATE.${stream}.${name}.${wanted.filter_subject}`, request);
  await refusedWithAdvice(place, made);
  return ackWaitMs(ConsumerInfo.parse(await made).config);
}

function fits(config: ConsumerConfig, wanted: ConsumerConfig): boolean {
  const isPulled = config.deliver_subject === undefined || config.deliver_subject === "";
  const members = ["ack_policy", "deliver_policy", "filter_subject"] as const;
  return isPulled && members.every((member) => config[member] === wanted[member]);
}

function ackWaitMs({ ack_wait }: ConsumerConfig): number {
  return ack_wait === undefined || ack_wait <= 0 ? ACK_WAIT_MS : ack_wait / 1e6;
}
