/** Asks machines who they are. Only the newest generation answers; the others just send heartbeats. */
import { isServantError, ServantError } from "../core/errors.ts";
import type { NatsLink, NatsMessage } from "../nats/connect.ts";
import { readJson } from "../wire/puda-payload.ts";
import type { Seal } from "../wire/puda-seal.ts";
import { FLEET_PING, pingSubject } from "../wire/puda-subjects.ts";
import { PING, Pong } from "../wire/puda-told.ts";
import type { SendOptions } from "./command-service.ts";
import type { Pinged } from "./told.ts";

/** How long answers are waited for, in milliseconds. */
const WAIT_MS = { one: 3_000, fleet: 1_000 } as const;

/** @throws {ServantError} `machine.absent`, `payload.refused`, `backend.unreachable` */
export async function pingMachine(
  link: NatsLink,
  seal: Seal,
  machine: string,
  { timeoutMs = WAIT_MS.one, signal }: SendOptions,
): Promise<Pinged> {
  const subject = pingSubject(machine);
  const answers = await gather(link, seal, subject, { timeoutMs, signal, isEnough: () => true });
  const [first] = answers;
  if (first !== undefined) return first;
  signal?.throwIfAborted();
  throw new ServantError("machine.absent", `Cannot ping "${machine}": it does not answer`);
}

export async function pingFleet(
  link: NatsLink,
  seal: Seal,
  { timeoutMs = WAIT_MS.fleet, signal }: SendOptions,
): Promise<readonly Pinged[]> {
  const options = { timeoutMs, signal, isEnough: () => false };
  const answers = await gather(link, seal, FLEET_PING, options);
  const idOf = ({ pong }: Pinged) => pong.machine_id;
  return [...answers].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

interface GatherOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly isEnough: (answer: Pinged) => boolean;
}

/** An answer is sealed for the inbox it goes to, so that this one asks with its own. */
function gather(
  link: NatsLink,
  seal: Seal,
  subject: string,
  { timeoutMs, signal, isEnough }: GatherOptions,
): Promise<readonly Pinged[]> {
  signal?.throwIfAborted();
  const inbox = link.inbox();
  const startedAtMs = performance.now();
  const answers: Pinged[] = [];
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      link.unsubscribe(inbox);
      resolve(answers);
    };
    const timer = setTimeout(end, timeoutMs);
    signal?.addEventListener("abort", end, { once: true });
    link.subscribe(inbox, (message) => {
      if (isNobodyThere(message)) return end();
      const pong = read(seal, inbox, message.data);
      if (pong === undefined) return;
      const answer = { pong, tookMs: performance.now() - startedAtMs };
      answers.push(answer);
      if (isEnough(answer)) end();
    });
    link.publish(subject, seal.close(subject, PING), { reply: inbox });
  });
}

/** The server's own word that nobody listens: an empty message with status 503. */
function isNobodyThere({ data, headers }: NatsMessage): boolean {
  return data.length === 0 && headers?.code === 503;
}

function read(seal: Seal, inbox: string, payload: Uint8Array): Pong | undefined {
  try {
    const { data } = Pong.safeParse(readJson(seal.open(inbox, payload)));
    return data?.status === "pong" ? data : undefined;
  } catch (cause) {
    if (isServantError(cause)) return undefined; // of another lab, whose key is not known here
    return undefined;
  }
}
