/**
 * Who serves a machine id: a value in a bucket that names its owner, renewed with the heartbeat. It is
 * taken where there is none, where it is ours, or where its owner has fallen silent, by the server's
 * clock; the bucket lets one of two win (W16). Python machines keep none: a ping finds them.
 */
import * as z from "zod/mini";
import { ServantError, toServantError } from "../../core/errors.ts";
import { Bucket } from "../../nats/bucket.ts";
import { timestampOf } from "../../wire/puda.ts";
import { LEASE_BUCKET, pingSubject } from "../../wire/puda-subjects.ts";
import { PING, Pong } from "../../wire/puda-told.ts";
import type { Desk } from "./desk.ts";

/** An owner that is silent for longer has gone, in milliseconds. */
export const LEASE_MS = 15_000;
/** How long somebody may take to say that the id is theirs, in milliseconds. */
const PING_WITHIN_MS = 500;

/** Who we are: the same agent, restarted, takes its id back at once. */
export interface Owner {
  readonly host: string;
  /** The state folder. */
  readonly folder: string;
  /** Made with that folder: a copy of its path elsewhere is somebody else. */
  readonly token: string;
}

const LeaseValue = z.looseObject({
  owner: z.looseObject({ host: z.string(), folder: z.string(), token: z.string() }),
  since: z.string(),
});

type Held = z.infer<typeof LeaseValue>;

export class Lease {
  readonly #desk: Desk;
  readonly #owner: Owner;
  readonly #bucket: Bucket;
  #since: string | undefined;
  /** 0 while it is not ours. */
  #revision = 0;
  /** When we asked for it, the last time that we got it: a moment before it was stored. */
  #askedAtMs = { monotonic: Number.NEGATIVE_INFINITY, wall: 0 };

  constructor(desk: Desk, owner: Owner) {
    this.#desk = desk;
    this.#owner = owner;
    this.#bucket = new Bucket(desk.js, LEASE_BUCKET);
  }

  /**
   * True while nobody else can have taken it. A machine that stood still for longer, process or
   * computer, hears old commands first when it goes on, and another may have carried them out. What
   * only grows stands still with a computer that sleeps, so the wall clock counts too.
   */
  get isSure(): boolean {
    const { clock } = this.#desk;
    const { monotonic, wall } = this.#askedAtMs;
    return clock.monotonic() - monotonic < LEASE_MS && Math.abs(clock.now() - wall) < LEASE_MS;
  }

  /** @throws {ServantError} `machine.taken`, and what asking throws */
  async take(): Promise<void> {
    await this.#bucket.ensure();
    const found = await this.#bucket.get(this.#desk.id);
    const other = this.#otherOf(found);
    if (other !== undefined) throw this.#taken(other);
    await this.#put(found?.sequence ?? 0);
  }

  /** @throws {ServantError} `machine.taken` when another took it while we were silent */
  async renew(): Promise<void> {
    if (this.#revision === 0) return;
    try {
      await this.#put(this.#revision);
    } catch (cause) {
      // What was sent last may have been stored, though its answer was lost: look who has it.
      if (toServantError(cause).code !== "machine.taken") throw cause;
      await this.take();
    }
  }

  async release(): Promise<void> {
    const revision = this.#revision;
    this.#revision = 0;
    if (revision === 0 || !this.#desk.link.isUp) return;
    await this.#bucket.remove(this.#desk.id, revision).catch(() => {}); // else it expires
  }

  /** Finds one that keeps no lease. @throws {ServantError} `machine.taken` */
  async askAround(): Promise<void> {
    const { id, link, seal } = this.#desk;
    const subject = pingSubject(id);
    let description: string;
    try {
      const options = { timeoutMs: PING_WITHIN_MS };
      const answer = await link.request(subject, seal.close(subject, PING), options);
      const data = seal.open(answer.subject, answer.data);
      const pong = Pong.parse(JSON.parse(new TextDecoder().decode(data)));
      if (pong.lease === this.#owner.token) return; // it was us, and is about to end
      description = pong.description ?? `its version is ${pong.sdk_version ?? "unknown"}`;
    } catch (cause) {
      const { code } = toServantError(cause);
      if (code === "payload.refused") description = "it answers with another key";
      else return; // nobody answers
    }
    const other = await this.#other(); // one of ours says more of itself there
    if (other !== undefined) throw this.#taken(other);
    const problem = `Cannot be machine "${id}": another one answers to that id (${description})`;
    throw new ServantError("machine.taken", problem);
  }

  async #other(): Promise<Held | undefined> {
    return this.#otherOf(await this.#bucket.get(this.#desk.id).catch(() => undefined));
  }

  /** Who has it by a value that has not expired and is not ours. */
  #otherOf(found: Awaited<ReturnType<Bucket["get"]>>): Held | undefined {
    const held = found?.data === undefined ? undefined : this.#read(found.data);
    const isFresh = found !== undefined && this.#desk.time.now() - found.atMs < LEASE_MS;
    return held !== undefined && isFresh && !this.#isOurs(held.owner) ? held : undefined;
  }

  async #put(revision: number): Promise<void> {
    const { clock, id, time } = this.#desk;
    const askedAtMs = { monotonic: clock.monotonic(), wall: clock.now() };
    this.#since ??= timestampOf(time.now());
    const value = JSON.stringify({ owner: this.#owner, since: this.#since });
    const put = await this.#bucket.replace(id, revision, value);
    if (put !== undefined) {
      this.#revision = put;
      this.#askedAtMs = askedAtMs;
      return;
    }
    throw this.#taken(await this.#other());
  }

  #read(data: Uint8Array): Held | undefined {
    try {
      return LeaseValue.parse(JSON.parse(new TextDecoder().decode(data)));
    } catch {
      return undefined; // none of ours wrote it: it binds nobody
    }
  }

  #isOurs({ host, folder, token }: Owner): boolean {
    return (
      host === this.#owner.host && folder === this.#owner.folder && token === this.#owner.token
    );
  }

  #taken(held: Held | undefined): ServantError {
    const by =
      held === undefined
        ? "by another one"
        : `by the agent of ${held.owner.folder} on ${held.owner.host} since ${held.since}`;
    const problem = `Cannot be machine "${this.#desk.id}": that id is taken ${by}`;
    return new ServantError("machine.taken", problem);
  }
}
