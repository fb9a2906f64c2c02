/** The measurements that a plugin has asked for: each goes on by itself until it is closed. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildTelling } from "../core/child.ts";
import { ServantError } from "../core/errors.ts";
import {
  checkStream,
  type Read,
  readingProblem,
  STREAMS_MAX,
  sampleOf,
  type Telemetry,
} from "../core/telemetry.ts";

export interface StreamPorts {
  tell(telling: ChildTelling): void;
  /** A stream cannot be read: told once, until it can be again. */
  warn(problem: string): void;
}

interface Stream {
  readonly name: string;
  readonly read: Read;
  readonly intervalMs: number;
  readonly end: AbortController;
}

export class Streams implements Telemetry {
  readonly #ports: StreamPorts;
  readonly #open = new Map<string, Stream>();
  /** What a stream prints is not the work of the handler that opened it. */
  readonly #outside = AsyncLocalStorage.snapshot();

  constructor(ports: StreamPorts) {
    this.#ports = ports;
  }

  // An arrow function: `const { stream } = ctx.telemetry` works too.
  readonly stream = (name: string, read: Read, intervalMs: number): (() => void) => {
    checkStream(name, read, intervalMs);
    const before = this.#open.get(name);
    if (before === undefined && this.#open.size >= STREAMS_MAX) {
      const problem = `Cannot stream "${name}": there are ${STREAMS_MAX} streams already`;
      throw new ServantError("usage.invalid", problem);
    }
    before?.end.abort();
    const stream = { name, read, intervalMs, end: new AbortController() };
    this.#open.set(name, stream);
    this.#ports.tell({ type: "stream", name, intervalMs, isOpen: true });
    this.#outside(() => void this.#measure(stream));
    return () => this.#close(stream);
  };

  closeAll(): void {
    for (const stream of [...this.#open.values()]) this.#close(stream);
  }

  #close({ name, intervalMs, end }: Stream): void {
    if (end.signal.aborted) return;
    end.abort();
    this.#open.delete(name);
    this.#ports.tell({ type: "stream", name, intervalMs, isOpen: false });
  }

  async #measure({ name, read, intervalMs, end: { signal } }: Stream): Promise<void> {
    let dueAtMs = performance.now();
    let isFailing = false;
    for (;;) {
      await timeUntil(dueAtMs, signal);
      if (signal.aborted) return;
      try {
        const value = sampleOf(await read());
        if (signal.aborted) return;
        isFailing = false;
        if (value !== undefined) this.#ports.tell({ type: "sample", name, value });
      } catch (cause) {
        if (!(isFailing || signal.aborted)) this.#ports.warn(readingProblem(name, cause));
        isFailing = true;
      }
      // What was missed while it measured is left out.
      dueAtMs = Math.max(dueAtMs + intervalMs, performance.now());
    }
  }
}

/** Never at once: whoever opened the stream goes on first, and a slow reading leaves room for others. */
function timeUntil(atMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, Math.max(atMs - performance.now(), 0));
    timer.unref(); // a stream is no reason for a process to live on
    signal.addEventListener("abort", end, { once: true });
  });
}
