/** DYNOS over HTTP before the backend of this program: `agent host`. */

import type { JsonObject } from "../../../src/core/json.ts";
import { domain, fluent } from "../../../src/core/vocabulary.ts";
import { type Harness, harness } from "../../backend/harness.ts";
import { Link } from "../../support/faults/link.ts";
import type { Answer, Dialect, Peer } from "./dialect.ts";
import { adapterTo } from "./dynos-plain.ts";

export const dynosOurs: Dialect = {
  name: "DYNOS over HTTP, our backend",
  cannot: {
    forget: "it forgets nobody while there is room",
    json: "its parameters are names of objects",
    pause: "it has no word for it: a person pauses the agent where it runs",
    refuse: "it takes every answer",
    repeat: "it hands out again only what it hears is not there",
    unreadable: "it sends nothing of the kind",
  },
  module: "dynos-plain.ts",
  takesOnce: true,
  async start() {
    // Without "move": what no vocabulary declares can be triggered with any parameters.
    const server = harness({ domains: [domain("contract", { fluents: [fluent("robot_at")] })] });
    return new OurPeer(server, await Link.to(Number(new URL(server.url).port)));
  },
};

class OurPeer implements Peer {
  readonly #server: Harness;
  readonly wire: Link;
  readonly #asked: Promise<unknown>[] = [];

  constructor(server: Harness, wire: Link) {
    this.#server = server;
    this.wire = wire;
  }

  async open() {
    return await adapterTo(this.wire.port);
  }

  async assign(params: JsonObject = {}) {
    const { status, body } = await this.#server.post("/trigger?wait=false", {
      action: "move",
      params,
    });
    if (status !== 202) throw new Error(`not triggered: ${status} ${JSON.stringify(body)}`);
    return String(body.run_id);
  }

  async answers(ticket: string): Promise<Answer[]> {
    const { body } = await this.#server.get(`/runs/${ticket}`);
    const results = body.results as unknown as { success: boolean | null }[];
    return results
      .filter(({ success }) => success !== null)
      .map((each) => ({ telemetry: {}, ...(each as object) }) as unknown as Answer);
  }

  async ask() {
    // It is answered when the backend closes, at the latest.
    this.#asked.push(this.#server.post("/belief/query", { fluent: "robot_at" }));
  }

  async cancel() {
    await this.#server.post("/cancel");
  }

  async [Symbol.asyncDispose]() {
    await this.wire.down();
    await this.#server[Symbol.asyncDispose]();
    await Promise.allSettled(this.#asked);
  }
}
