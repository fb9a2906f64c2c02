/**
 * DYNOS over HTTP before a backend as the public one is: it hands out once, holds no poll, knows
 * neither what a servant can take nor a cancel.
 */
import { dynosBackend } from "../../../src/adapters/dynos-http.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { Connection } from "../../../src/wire/connection.ts";
import { Link } from "../../support/faults/link.ts";
import { HostileBackend } from "../../support/hostile-backend.ts";
import type { Answer, Dialect, Opened, Peer } from "./dialect.ts";

export const dynosPlain: Dialect = {
  name: "DYNOS over HTTP, a plain backend",
  cannot: {
    cancel: "it has no word for it",
    drain: "it has no word for a cancel",
    pause: "it has no word for it: a person pauses the agent where it runs",
  },
  module: "dynos-plain.ts",
  takesOnce: false,
  async start() {
    const server = new HostileBackend();
    return new PlainPeer(server, await Link.to(server.port));
  },
};

/** The adapter as `agent connect` opens it on this machine. */
export async function adapterTo(port: number): Promise<Opened> {
  const backend = dynosBackend(new Connection({ url: `http://127.0.0.1:${port}` }), {
    clock: systemClock,
    pollIntervalMs: 20,
    quickPoll: true,
    assignmentMaxBytes: 1_048_576,
  });
  return { backend, close: async () => {} };
}

class PlainPeer implements Peer {
  readonly #server: HostileBackend;
  readonly wire: Link;
  readonly #params = new Map<string, JsonObject>();

  constructor(server: HostileBackend, wire: Link) {
    this.#server = server;
    this.wire = wire;
  }

  async open() {
    return await adapterTo(this.wire.port);
  }

  async assign(params: JsonObject = {}) {
    const auditId = `a${this.#params.size + 1}`;
    this.#params.set(auditId, params);
    await this.repeat(auditId);
    return auditId;
  }

  async repeat(ticket: string) {
    this.#server.assign(ticket, this.#params.get(ticket), "move");
  }

  async answers(ticket: string): Promise<Answer[]> {
    return this.#server.taken
      .filter(({ audit_id }) => audit_id === ticket)
      .map(({ success, message, telemetry = {} }) => ({ success, message, telemetry }) as Answer);
  }

  async sendUnreadable() {
    this.#server.polls.push(Response.json({ audit_id: "broken", transition_name: 7 }));
  }

  async sendNonsense() {
    this.#server.polls.push(new Response("<html>"));
  }

  async ask() {
    this.#server.ask("asked", "robot_at");
  }

  forget() {
    this.#server.polls.push(Response.json({ detail: "unknown servant" }, { status: 404 }));
  }

  refuse(kind: "permanent" | "transient") {
    const status = kind === "permanent" ? 400 : 503;
    this.#server.results.push(Response.json({ detail: "refused" }, { status }));
  }

  async [Symbol.asyncDispose]() {
    await this.wire.down();
    await this.#server.stop();
  }
}
