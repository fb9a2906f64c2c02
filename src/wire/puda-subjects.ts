/**
 * Where PUDA's messages are: subjects, streams, consumers and buckets, by machine id. All of them
 * are named by the peers' released code, so none of these texts may change.
 */
import { ServantError } from "../core/errors.ts";

/** Commands go one after another through the queue, or at once beside whatever runs. */
export type Way = "queue" | "immediate";
export const WAYS = ["queue", "immediate"] as const satisfies readonly Way[];

/** Longer ones make no durable name that a server takes, with what goes before it. */
const ID_MAX_CHARS = 128;
/** One token of a subject that is also a key of a bucket and part of a durable name. */
const ID = /^[A-Za-z0-9_=-]+$/;
/** The name of a telemetry stream, likewise. */
const STREAM_NAME = /^[A-Za-z0-9_-]+$/;

/**
 * The machine id, as it is. One with a dot is refused: a Python machine replaces the dot and its
 * commander does not, so that they would never meet.
 *
 * @throws {ServantError} `machine.bad-id`
 */
export function machineId(text: string): string {
  const problem = problemOfId(text);
  if (problem === undefined) return text;
  throw new ServantError("machine.bad-id", `Cannot use the machine id "${text}": ${problem}`);
}

function problemOfId(text: string): string | undefined {
  if (text === "") return "it is empty";
  if (text.length > ID_MAX_CHARS) return `it is longer than ${ID_MAX_CHARS} characters`;
  if (text.includes(".")) return "a dot ends a part of a subject";
  return ID.test(text) ? undefined : "it has a character that no subject or key may have";
}

/** True for what may be the name of a telemetry stream. */
export function isStreamName(text: string): boolean {
  return text.length <= ID_MAX_CHARS && STREAM_NAME.test(text);
}

export interface StreamPlace {
  readonly name: string;
  readonly subject: string;
  readonly retention: "workqueue" | "interest";
}

/** The streams of commands, and of what answers them. Machines make those that are missing. */
export const COMMAND_STREAMS = {
  queue: { name: "COMMAND_QUEUE", subject: "puda.*.cmd.queue", retention: "workqueue" },
  immediate: { name: "COMMAND_IMMEDIATE", subject: "puda.*.cmd.immediate", retention: "workqueue" },
} as const satisfies Record<Way, StreamPlace>;
export const RESPONSE_STREAMS = {
  queue: { name: "RESPONSE_QUEUE", subject: "puda.*.cmd.response.queue", retention: "interest" },
  immediate: {
    name: "RESPONSE_IMMEDIATE",
    subject: "puda.*.cmd.response.immediate",
    retention: "interest",
  },
} as const satisfies Record<Way, StreamPlace>;
export const STREAMS: readonly StreamPlace[] = [
  COMMAND_STREAMS.queue,
  COMMAND_STREAMS.immediate,
  RESPONSE_STREAMS.queue,
  RESPONSE_STREAMS.immediate,
];

export const commandSubject = (id: string, way: Way) => `puda.${id}.cmd.${way}`;
export const responseSubject = (id: string, way: Way) => `puda.${id}.cmd.response.${way}`;
/** Where a machine is answered: nobody who may listen for others' answers needs to hear its own. */
export const machineInboxes = (id: string) => `_INBOX.${id}`;
export const pingSubject = (id: string) => `puda.${id}.cmd.ping`;
/** Every machine answers it. */
export const FLEET_PING = "puda.cmd.ping";
export const heartbeatSubject = (id: string) => `puda.${id}.tlm.heartbeat`;
export const healthSubject = (id: string) => `puda.${id}.tlm.health`;
export const streamSubject = (id: string, name: string) => `puda.${id}.tlm.stream.${name}`;
export type EventKind = "log" | "alert" | "media";
export const eventSubject = (id: string, kind: EventKind) => `puda.${id}.evt.${kind}`;
export const updateSubject = (id: string) => `puda.${id}.update`;
export const updateResponseSubject = (id: string) => `puda.${id}.update.response`;
/** What one machine tells, `*` for all of them: telemetry and events. */
export const toldSubjects = (id: string) => [`puda.${id}.tlm.>`, `puda.${id}.evt.*`] as const;

/** What a subject of `toldSubjects` tells; undefined for any other. */
export function readToldSubject(
  subject: string,
): { machine: string; kind: "telemetry" | "event"; name: string } | undefined {
  const [puda, machine, kind, ...name] = subject.split(".");
  if (puda !== "puda" || machine === undefined || name.length === 0) return undefined;
  if (kind === "evt") return { machine, kind: "event", name: name.join(".") };
  if (kind !== "tlm") return undefined;
  // The older machines tell their position outside of the streams.
  const plain = name.length > 1 && name[0] === "stream" ? name.slice(1) : name;
  return { machine, kind: "telemetry", name: plain.join(".") };
}

/** The durable consumers of a machine: the Python machines' own names, so that one replaces them. */
export const durableOf = (id: string, way: Way) =>
  way === "queue" ? `cmd_queue_${id}` : `cmd_immed_${id}`;

/** The shared buckets of today; the key is the machine id. */
export const STATE_BUCKET = "MACHINE_STATE";
export const COMMANDS_BUCKET = "MACHINE_COMMANDS";
/** Ours: who serves a machine id. */
export const LEASE_BUCKET = "MACHINE_LEASE";
/** Where a lab's key is exchanged, under `KEYRING_KEY`. */
export const KEYRING_BUCKET = "E2E_KEYRING";
export const KEYRING_KEY = "current";
/** Older machines had buckets of their own: `MACHINE_STATE_rig1`. */
export const stateBucketOf = (id: string) => `${STATE_BUCKET}_${id}`;
export const commandsBucketOf = (id: string) => `${COMMANDS_BUCKET}_${id}`;
