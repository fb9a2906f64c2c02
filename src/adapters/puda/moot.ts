/**
 * Whether an acknowledgement that nobody answers is needed any more. A stream or a consumer that was
 * made anew, because its server lost its disk or somebody deleted it, says nothing to what belonged to
 * its predecessor: who waited for its word would wait for ever.
 */
import * as z from "zod/mini";
import { JetStreamRefusal, jetStreamCodes } from "../../nats/jetstream.ts";
import type { Desk } from "./desk.ts";

const Place = z.looseObject({ consumer_seq: z.number(), stream_seq: z.number() });
const ConsumerInfo = z.looseObject({
  num_ack_pending: z.number(),
  delivered: Place,
  ack_floor: Place,
});

/** True when the consumer, asked by name, waits for no acknowledgement such as this one. */
export async function isMoot({ js, link }: Desk, ack: string): Promise<boolean> {
  if (!link.isUp) return false;
  const tokens = ack.split(".");
  // Newer servers name a domain and an account before the stream.
  const last = tokens.length === 9 ? 9 : 11;
  const [stream, consumer] = tokens.slice(last - 7, last - 5);
  const [streamSeq, consumerSeq] = tokens.slice(last - 4, last - 2).map(Number);
  const { noConsumer, noStream } = jetStreamCodes;
  const asked = js.find(`CONSUMER.INFO.${stream}.${consumer}`, noConsumer).catch((cause) => {
    if (cause instanceof JetStreamRefusal && cause.serverCode === noStream) return undefined;
    throw cause;
  });
  const found = await asked;
  if (found === undefined) return true;
  const { ack_floor, delivered, num_ack_pending } = ConsumerInfo.parse(found);
  return (
    num_ack_pending === 0 ||
    ack_floor.stream_seq >= (streamSeq ?? 0) ||
    delivered.consumer_seq < (consumerSeq ?? 0)
  );
}
