/**
 * What one process of the plugin tells whoever follows the machine. Its streams end with it, and
 * what it says of a stream that is not open is not told: there is a limit to what it can claim.
 */
import type { ChildTelling } from "../core/child.ts";
import type { AgentEvent } from "../core/events.ts";
import { STREAMS_MAX } from "../core/telemetry.ts";

export class Telling {
  readonly #publish: (event: AgentEvent) => void;
  /** The intervals of those that are open, by name. */
  readonly #streams = new Map<string, number>();

  constructor(publish: (event: AgentEvent) => void) {
    this.#publish = publish;
  }

  hear(told: ChildTelling): void {
    switch (told.type) {
      case "event":
        this.#publish({ ...told, type: "plugin.event" });
        break;
      case "sample":
        if (this.#streams.has(told.name)) this.#publish({ ...told, type: "plugin.sample" });
        break;
      case "stream":
        if (told.isOpen) this.#opened(told.name, told.intervalMs);
        else this.#closed(told.name);
    }
  }

  /** The process is gone. */
  end(): void {
    for (const name of [...this.#streams.keys()]) this.#closed(name);
  }

  #opened(name: string, intervalMs: number): void {
    if (!this.#streams.has(name) && this.#streams.size >= STREAMS_MAX) return;
    this.#streams.set(name, intervalMs);
    this.#publish({ type: "plugin.stream", name, intervalMs, isOpen: true });
  }

  #closed(name: string): void {
    const intervalMs = this.#streams.get(name);
    if (intervalMs === undefined) return;
    this.#streams.delete(name);
    this.#publish({ type: "plugin.stream", name, intervalMs, isOpen: false });
  }
}
