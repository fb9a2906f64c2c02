/** pyzmq's sockets in a process of their own: libzmq, as every stock client has it. */
import { join } from "node:path";

/** Text, or so many bytes of one kind. */
export type Sent = string | { readonly fill: number; readonly size: number };
/** Text of latin-1; of more than 1,000 bytes only what tells it from others. */
export type Told = string | { readonly size: number; readonly sha256: string };

export interface OpenOptions {
  readonly type: "REQ" | "REP" | "DEALER" | "PUB";
  readonly url?: string;
  readonly bind?: string;
  /** By the name that libzmq gives them. */
  readonly options?: readonly (readonly [string, number])[];
}

export class ZmqPeer implements Disposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<string, void>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(python: string) {
    this.#child = Bun.spawn([python, join(import.meta.dir, "zmq_peer.py")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = linesOf(this.#child.stdout);
  }

  /** Resolves to the endpoint that it is bound to, if it is. */
  async open(name: string, options: OpenOptions): Promise<string> {
    return (await this.#do("open", { name, ...options })) as string;
  }

  async send(name: string, ...frames: Sent[]): Promise<void> {
    await this.#do("send", { name, frames });
  }

  /** Undefined when nothing comes in time. */
  async receive(name: string, within_ms = 20_000): Promise<Told[] | undefined> {
    return ((await this.#do("receive", { name, within_ms })) as Told[] | null) ?? undefined;
  }

  /** Answers so many requests with what they asked. */
  async echo(name: string, times: number): Promise<void> {
    await this.#do("echo", { name, times });
  }

  async close(name: string): Promise<void> {
    await this.#do("close", { name });
  }

  /** How many answers of `clients` times `rounds` were right. */
  async storm(url: string, clients: number, rounds: number): Promise<number> {
    return (await this.#do("storm", { url, clients, rounds })) as number;
  }

  /** The process ends as by a power cut. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }

  /** One order after the other; each has its answer. */
  #do(work: string, order: object): Promise<unknown> {
    const done = this.#last.then(async () => {
      this.#child.stdin.write(`${JSON.stringify({ do: work, ...order })}\n`);
      this.#child.stdin.flush();
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`pyzmq has ended during "${work}"`);
      const { answer, error } = JSON.parse(value) as { answer?: unknown; error?: string };
      if (error !== undefined) throw new Error(error);
      return answer;
    });
    this.#last = done.catch(() => {});
    return done;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of stream) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
