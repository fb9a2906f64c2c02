/**
 * The one place that opens a connection to NATS servers, and its only owner: it reconnects by itself
 * for ever, what was subscribed stays subscribed, and whoever waits for an answer when the line is cut
 * hears so at once.
 */
import { readFileSync } from "node:fs";
import type {
  ConnectionOptions,
  Msg,
  MsgHdrs,
  NatsConnection,
  PermissionViolationError,
  Subscription,
} from "@nats-io/transport-node";
import { backoffMs } from "../core/backoff.ts";
import { Bell } from "../core/bell.ts";
import { messageOf, ServantError } from "../core/errors.ts";
import { Requests } from "./requests.ts";
import type { NatsTarget } from "./target.ts";

/** How long an answer is waited for, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 5_000;
/** How long one try to connect may take, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** The longest wait between two tries to reconnect: someone may stand beside the machine. */
export const RECONNECT_MAX_MS = 2_000;
/** How long an end waits for what was sent, in milliseconds. */
const FLUSH_WITHIN_MS = 1_000;
/** A line that is silent for two of these is cut, in milliseconds. */
const PING_INTERVAL_MS = 10_000;

export type NatsMessage = Pick<Msg, "subject" | "data" | "reply" | "headers" | "respond">;
export type Payload = Uint8Array | string;

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly timeoutMs?: number;
}

type Library = typeof import("@nats-io/transport-node");

/** Begins to load the client, for whoever will connect soon. */
export function loadNats(): Promise<Library> {
  return import("@nats-io/transport-node");
}

export class NatsLink {
  readonly #target: NatsTarget;
  readonly #name: string;
  readonly #inboxes: string;
  readonly #library: Promise<Library>;
  #lib: Library | undefined;
  #nc: NatsConnection | undefined;
  #opening: Promise<void> | undefined;
  #isUp = false;
  #isClosed = false;
  /** Counts connections: what belonged to an earlier one is gone. */
  #nth = 0;
  /** Tries in a row that have begun. */
  #tries = 0;
  #retryInMs = 0;
  readonly #bell = new Bell();
  readonly #requests = new Requests();
  /** Where they are answered. */
  #answers = "";
  /** The server's permissions keep its answers from this connection. */
  #deaf: ServantError | undefined;
  readonly #subscriptions = new Map<string, Subscription>();
  #failure: ServantError | undefined;

  /**
   * `name` is what the server's own lists call this connection; `inboxes` begins the subjects that
   * it is answered on: its own, where a server's permissions are to tell them apart.
   */
  constructor(target: NatsTarget, name: string, inboxes = "_INBOX") {
    this.#target = target;
    this.#name = name;
    this.#inboxes = inboxes;
    this.#library = loadNats();
    this.#library.catch(() => {}); // `open` tells
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Which connection this is, from 1. */
  get nth(): number {
    return this.#nth;
  }

  /** The largest message that the server takes, in bytes. */
  get maxPayload(): number {
    return this.#nc?.info?.max_payload ?? 1_048_576;
  }

  /** This machine's address as the server sees it. */
  get clientIp(): string | undefined {
    return this.#nc?.info?.client_ip;
  }

  /** Every address of the cluster that is known by now, `host:port`. */
  get addresses(): readonly string[] {
    return [...new Set([...this.#target.servers, ...(this.#nc?.info?.connect_urls ?? [])])];
  }

  /**
   * Connects, once. A later call joins it, or tries again where that failed.
   *
   * @throws {ServantError} `backend.unreachable`, `backend.unauthorized`, `nats.bad-servers`
   */
  async open(): Promise<void> {
    this.#opening ??= this.#connect().catch((cause) => {
      this.#opening = undefined;
      throw this.#failed(cause);
    });
    await this.#opening;
  }

  /** Resolves when it goes up or down, or at the abort. */
  changed(signal?: AbortSignal): Promise<void> {
    return this.#bell.rung(signal);
  }

  /**
   * Resolves while it is up, at the abort, or after `withinMs`: look at `isUp`.
   *
   * @throws {ServantError} what ended it for good
   */
  async up(signal?: AbortSignal, withinMs?: number): Promise<void> {
    let isLate = false;
    const timer =
      withinMs === undefined
        ? undefined
        : setTimeout(() => {
            isLate = true;
            this.#bell.ring();
          }, withinMs);
    try {
      while (!this.#isUp && !isLate && !signal?.aborted) {
        if (this.#failure !== undefined) throw this.#failure;
        await this.#bell.rung(signal);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  publish(subject: string, data: Payload, options: { reply?: string } & RequestOptions = {}): void {
    if (!this.#isUp) return; // a core message that nobody stores is worth nothing later
    const { reply, headers } = options;
    this.#nc?.publish(subject, data, {
      ...(reply === undefined ? {} : { reply }),
      ...(headers === undefined ? {} : { headers: this.#headers(headers) }),
    });
  }

  /**
   * Asks and waits for the one answer.
   *
   * @throws {ServantError} `backend.unreachable`: no answer in time, or the line was cut meanwhile;
   * `nats.no-responders`: nobody listens there; `nats.forbidden`.
   */
  request(subject: string, data: Payload = "", options: RequestOptions = {}): Promise<NatsMessage> {
    const nc = this.#nc;
    if (nc === undefined || !this.#isUp) return Promise.reject(this.#cut());
    if (this.#deaf !== undefined) return Promise.reject(this.#deaf);
    const { headers, timeoutMs = REQUEST_TIMEOUT_MS } = options;
    return this.#requests.ask(subject, timeoutMs, (token) => {
      const reply = `${this.#answers}.${token}`;
      nc.publish(subject, data, {
        reply,
        ...(headers === undefined ? {} : { headers: this.#headers(headers) }),
      });
    });
  }

  /** Listens until `close`; a second listener of one subject takes the first one's place. */
  subscribe(subject: string, hear: (message: NatsMessage) => void): void {
    this.#subscriptions.get(subject)?.unsubscribe();
    const subscription = this.#nc?.subscribe(subject, {
      callback: (cause, message) => {
        if (cause === null) hear(message);
      },
    });
    if (subscription !== undefined) this.#subscriptions.set(subject, subscription);
  }

  unsubscribe(subject: string): void {
    this.#subscriptions.get(subject)?.unsubscribe();
    this.#subscriptions.delete(subject);
  }

  /** A subject of its own to be answered on. */
  inbox(): string {
    if (this.#lib === undefined) throw this.#cut();
    return this.#lib.createInbox(this.#inboxes);
  }

  /** What was sent goes out first. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const nc = this.#nc;
    if (nc === undefined) return;
    if (this.#isUp) await this.#flush(nc);
    await nc.close();
  }

  /** What was sent has arrived, or will not: the line was cut, or nobody reads at its other end. */
  async #flush(nc: NatsConnection): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_WITHIN_MS);
    });
    await Promise.race([nc.flush().catch(() => {}), late]);
    clearTimeout(timer);
  }

  async #connect(): Promise<void> {
    this.#lib = await this.#library;
    const nc = await this.#lib.connect(this.#options(this.#lib));
    if (this.#isClosed) return await nc.close();
    this.#nc = nc;
    this.#answers = this.inbox();
    this.subscribe(this.#answersTo, (message) => this.#requests.hear(message));
    this.#goesUp();
    void this.#follow(nc);
    void nc.closed().then((cause) => this.#ended(cause));
  }

  async #follow(nc: NatsConnection): Promise<void> {
    for await (const status of nc.status()) {
      if (status.type === "reconnect") this.#goesUp();
      else if (status.type === "disconnect") this.#goesDown();
      else if (status.type === "reconnecting") this.#triesAgain();
      else if (status.type === "error") this.#isForbidden(status.error);
    }
  }

  /** The server tells it beside, and never answers what was asked. */
  #isForbidden(cause: Error): void {
    if (nameOf(cause) !== "PermissionViolationError") return;
    const { operation, subject } = cause as PermissionViolationError;
    const isDeaf = operation === "subscription" && subject === this.#answersTo;
    if (operation !== "publish" && !isDeaf) return;
    const problem = `Cannot ${isDeaf ? "hear answers at" : "ask"} "${subject}": ${messageOf(cause)}`;
    const forbidden = new ServantError("nats.forbidden", problem, { cause });
    if (isDeaf) this.#deaf = forbidden;
    this.#requests.fail(forbidden, isDeaf ? undefined : subject);
  }

  get #answersTo(): string {
    return `${this.#answers}.*`;
  }

  #triesAgain(): void {
    this.#tries += 1;
    this.#retryInMs = Math.min(backoffMs(this.#tries, Math.random), RECONNECT_MAX_MS);
  }

  #goesUp(): void {
    this.#nth += 1;
    this.#tries = 0;
    this.#retryInMs = 0;
    this.#deaf = undefined; // it may be allowed by now
    this.#isUp = true;
    this.#bell.ring();
  }

  #goesDown(): void {
    this.#isUp = false;
    this.#requests.fail(this.#cut());
    this.#bell.ring();
  }

  #ended(cause: unknown): void {
    if (!this.#isClosed) this.#failure = this.#failed(cause ?? new Error("the connection ended"));
    this.#goesDown();
  }

  #options(lib: Library): ConnectionOptions {
    const { isTls, servers, user, password, token, credsFile, caFile, certFile, keyFile } =
      this.#target;
    const files = Object.entries({ caFile, certFile, keyFile }).filter(
      ([, file]) => file !== undefined,
    );
    return {
      servers: [...servers],
      name: this.#name,
      inboxPrefix: this.#inboxes,
      maxReconnectAttempts: -1,
      // Asked many times between two tries: only a try counts.
      reconnectDelayHandler: () => this.#retryInMs,
      timeout: CONNECT_TIMEOUT_MS,
      pingInterval: PING_INTERVAL_MS,
      // Null: no upgrade behind one's back to a TLS that nobody has set up here.
      tls: isTls ? Object.fromEntries(files) : null,
      ...(user === undefined ? {} : { user, pass: password ?? "" }),
      ...(token === undefined ? {} : { token }),
      ...(credsFile === undefined
        ? {}
        : { authenticator: lib.credsAuthenticator(readCreds(credsFile)) }),
    };
  }

  #headers(members: Readonly<Record<string, string>>): MsgHdrs {
    const headers = (this.#lib as Library).headers();
    for (const [name, value] of Object.entries(members)) headers.set(name, value);
    return headers;
  }

  #cut(): ServantError {
    if (this.#failure !== undefined) return this.#failure;
    const reason = this.#isClosed ? "the connection was closed" : "the connection is cut";
    return new ServantError("backend.unreachable", `Cannot reach ${this.#names}: ${reason}`);
  }

  get #names(): string {
    const scheme = this.#target.isTls ? "tls" : "nats";
    return this.#target.servers.map((server) => `"${scheme}://${server}"`).join(", ");
  }

  #failed(cause: unknown): ServantError {
    if (cause instanceof ServantError) return cause;
    const isRefusal = ["AuthorizationError", "UserAuthenticationExpiredError"].includes(
      nameOf(cause),
    );
    const code = isRefusal ? "backend.unauthorized" : "backend.unreachable";
    const verb = isRefusal ? "log in at" : "reach";
    return new ServantError(code, `Cannot ${verb} ${this.#names}: ${reasonOf(cause)}`, { cause });
  }
}

/** Says why, in a way that leads out. */
function reasonOf(cause: unknown): string {
  const text = messageOf(cause);
  const inner = cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : "";
  const all = `${text} ${inner}`;
  if (/altname/i.test(all)) return `${text}; its certificate is for other names than this one`;
  if (/certificate|self.signed|issuer/i.test(all)) {
    return `${text}; name the file of its authority with --nats-ca or NATS_CA`;
  }
  if (/does not support 'tls'/.test(all)) return "it speaks no TLS: is it nats://?";
  return /certFile|null is not an object|tls/i.test(all)
    ? `${text}; it asks for TLS: is it tls://?`
    : text;
}

function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : "";
}

function readCreds(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const problem = `Cannot read the credentials "${path}": ${messageOf(cause)}`;
    throw new ServantError("nats.bad-servers", problem, { cause });
  }
}
