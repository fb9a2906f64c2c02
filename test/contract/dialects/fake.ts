/** The fake in memory that the tests of the servant use, as a dialect: its wire is a flag. */
import { ServantError } from "../../../src/core/errors.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import type { Backend, Directive } from "../../../src/core/ports.ts";
import { FakeBackend, id, ORIGIN } from "../../support/fake-ports.ts";
import type { Dialect, Peer, Wire } from "./dialect.ts";

export const fake: Dialect = {
  name: "a fake in memory",
  cannot: {},
  module: "fake.ts",
  takesOnce: false,
  start: async () => new FakePeer(),
};

const unreachable = () => new ServantError("backend.unreachable", "Cannot reach it: it is down");

class FakeWire implements Wire {
  isMute = false;
  isDown = false;
  readonly port = undefined;
  readonly #backend: FakeBackend;
  #broken = Promise.withResolvers<never>();

  constructor(backend: FakeBackend) {
    this.#backend = backend;
    this.#broken.promise.catch(() => {});
  }

  get connections(): number {
    return this.#backend.isPolled ? 1 : 0;
  }

  async down(): Promise<void> {
    this.isDown = true;
    if (this.#backend.isPolled) this.#backend.failPoll(unreachable());
    this.#broken.reject(unreachable());
  }

  async up(): Promise<void> {
    this.isDown = false;
    this.#broken = Promise.withResolvers<never>();
    this.#broken.promise.catch(() => {});
  }

  check(): void {
    if (this.isDown) throw unreachable();
  }

  /** What the other side says arrives, or the wire breaks. */
  async hear(): Promise<void> {
    if (this.isMute) await this.#broken.promise;
  }
}

class FakePeer implements Peer {
  readonly #fake = new FakeBackend();
  readonly wire = new FakeWire(this.#fake);
  readonly #out = new Map<string, Directive>();

  constructor() {
    this.#fake.tellsCancels = true;
    this.#fake.heedsRoom = true;
  }

  async open() {
    const { wire } = this;
    const inner = this.#fake;
    const backend: Backend = {
      origin: ORIGIN,
      heedsRoom: true,
      async register() {
        wire.check();
        return await inner.register();
      },
      async *directives(intake, signal) {
        wire.check();
        yield* inner.directives(intake, signal);
      },
      async deliver(delivery, signal) {
        wire.check();
        await inner.deliver(delivery, signal);
        await wire.hear();
      },
    };
    return { backend, close: async () => {} };
  }

  async assign(params: JsonObject = {}) {
    const auditId = `a${this.#out.size + 1}`;
    const assignment = {
      kind: "action",
      auditId: id(auditId),
      transition: "move",
      params,
    } as const;
    this.#send(auditId, { type: "assign", assignment, via: this.#via });
    return auditId;
  }

  async repeat(ticket: string) {
    const directive = this.#out.get(ticket);
    if (directive !== undefined) this.#fake.send(directive);
  }

  async answers(ticket: string) {
    return this.#fake.results(ticket);
  }

  async sendUnreadable() {
    const assignment = {
      kind: "invalid",
      auditId: id("broken"),
      code: "assignment.malformed",
      problem: "Cannot read it",
    } as const;
    this.#fake.send({ type: "assign", assignment, via: this.#via });
  }

  async sendNonsense() {
    this.#fake.send({ type: "malformed", reason: "not JSON" });
  }

  async ask() {
    this.#fake.assign({ kind: "belief", auditId: id("asked"), fluent: "robot_at" });
  }

  async cancel(ticket: string) {
    this.#fake.send({ type: "cancel", auditId: id(ticket), reason: "asked to" });
  }

  async pause() {
    this.#fake.send({ type: "pause", reason: "asked to" });
  }

  async resume() {
    this.#fake.send({ type: "resume" });
  }

  forget() {
    this.#fake.failPoll(new ServantError("servant.unknown", "Cannot poll: it is unknown"));
  }

  refuse(kind: "permanent" | "transient") {
    const code = kind === "permanent" ? "backend.rejected" : "backend.unavailable";
    this.#fake.onDeliver = () => {
      this.#fake.onDeliver = () => {};
      throw new ServantError(code, "Cannot deliver: refused");
    };
  }

  async [Symbol.asyncDispose]() {}

  get #via(): string {
    return `servant-${this.#fake.registrations}`;
  }

  #send(auditId: string, directive: Directive): void {
    this.#out.set(auditId, directive);
    this.#fake.send(directive);
  }
}
