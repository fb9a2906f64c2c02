/** What machines tell as it comes: their state from its bucket, their telemetry and events. */

import { Bell } from "../core/bell.ts";
import { messageOf } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import type { NatsLink } from "../nats/connect.ts";
import { type JetStream, jetStreamCodes } from "../nats/jetstream.ts";
import { readJson } from "../wire/puda-payload.ts";
import { bucketPlace, type Seal } from "../wire/puda-seal.ts";
import { machineId, readToldSubject, STATE_BUCKET, toldSubjects } from "../wire/puda-subjects.ts";
import type { Ears } from "./ears.ts";
import type { Seen, WatchOptions } from "./told.ts";

/** Of more that nobody has read yet the oldest is dropped. */
const BEHIND_MAX = 10_000;

export interface WatchPorts {
  readonly link: NatsLink;
  readonly js: JetStream;
  readonly ears: Ears;
  readonly seal: Seal;
}

/** The state that each machine has now comes first. Ends at the abort, or when the service closes. */
export async function* watch(
  ports: WatchPorts,
  { machine, signal, closing }: WatchOptions & { readonly closing: AbortSignal },
): AsyncGenerator<Seen> {
  const { ears, seal } = ports;
  const id = machine === undefined ? "*" : machineId(machine);
  const ended = signal === undefined ? closing : AbortSignal.any([signal, closing]);
  const seen: Seen[] = [];
  const bell = new Bell();
  const see = (each: Seen | undefined) => {
    if (each === undefined) return;
    if (seen.length >= BEHIND_MAX) seen.shift();
    seen.push(each);
    bell.ring();
  };
  const subjects = [...toldSubjects(id), `$KV.*.${id}`];
  const listening = subjects.map((subject) =>
    ears.listen(subject, ({ subject: on, data }) => see(read(seal, on, data))),
  );
  void followStates(ports, id, ended, (subject, data) => see(read(seal, subject, data)));
  try {
    while (!ended.aborted) {
      const next = seen.shift();
      if (next === undefined) await bell.rung(ended);
      else yield next;
    }
  } finally {
    for (const end of listening) end();
  }
}

/** Changes come by themselves; what is there already is read at the start and after each cut. */
async function followStates(
  { link, js }: WatchPorts,
  id: string,
  ended: AbortSignal,
  hear: (subject: string, data: Uint8Array) => void,
): Promise<void> {
  for (let nth = 0; !ended.aborted; await link.changed(ended)) {
    if (!link.isUp || link.nth === nth) continue;
    nth = link.nth;
    await readStates(js, id, hear).catch(() => {
      // Without JetStream there are no states; what is told beside them still comes.
    });
  }
}

async function readStates(
  js: JetStream,
  id: string,
  hear: (subject: string, data: Uint8Array) => void,
): Promise<void> {
  const { streams } = await js.ask("STREAM.NAMES", { subject: "$KV.>" });
  const names = Array.isArray(streams) ? streams.map(String) : [];
  for (const stream of names.filter((name) => isStateBucket(name.slice("KV_".length)))) {
    const filter = { subjects_filter: `$KV.${stream.slice("KV_".length)}.${id}` };
    const info = await js.find(`STREAM.INFO.${stream}`, jetStreamCodes.noStream, filter);
    const subjects = isJsonObject(info?.state) ? Object.keys(info.state.subjects ?? {}) : [];
    for (const subject of subjects) {
      const last = await js.last(stream, subject);
      if (last?.data !== undefined) hear(subject, last.data);
    }
  }
}

/** The shared bucket, or one of the older machines' own. */
function isStateBucket(bucket: string): boolean {
  return bucket === STATE_BUCKET || bucket.startsWith(`${STATE_BUCKET}_`);
}

function read(seal: Seal, subject: string, data: Uint8Array): Seen | undefined {
  const state = /^\$KV\.([^.]+)\.([^.]+)$/.exec(subject);
  const [, bucket = "", key = ""] = state ?? [];
  if (state !== null && !isStateBucket(bucket)) return undefined;
  const told = state === null ? readToldSubject(subject) : undefined;
  const machine = told?.machine ?? key;
  if (machine === "" || (state !== null && data.length === 0)) return undefined; // it was removed
  try {
    const place = state === null ? subject : bucketPlace(bucket, key);
    const payload = readJson(seal.open(place, data));
    if (!isJsonObject(payload)) return { kind: "lost", machine, reason: "it is no object" };
    if (told === undefined) {
      return { kind: "state", machine, name: String(payload.state ?? "unknown"), payload };
    }
    return { kind: told.kind, machine, name: told.name, payload };
  } catch (cause) {
    return { kind: "lost", machine, reason: messageOf(cause) };
  }
}
