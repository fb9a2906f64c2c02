/** pyzmq's sockets in a process of their own: libzmq, as every stock client has it. */
import { join } from "node:path";
import { PythonLines } from "./python-lines.ts";

/** Text, bytes in hexadecimal, or so many bytes of one kind. */
export type Sent =
  | string
  | { readonly hex: string }
  | { readonly fill: number; readonly size: number };
/** Text of latin-1; of more than 1,000 bytes only what tells it from others. */
export type Told = string | { readonly size: number; readonly sha256: string };

export interface OpenOptions {
  readonly type: "REQ" | "REP" | "DEALER" | "PUB";
  readonly url?: string;
  readonly bind?: string;
  /** By the name that libzmq gives them. */
  readonly options?: readonly (readonly [string, number])[];
}

export class ZmqPeer extends PythonLines {
  constructor(python: string) {
    super([python, join(import.meta.dir, "zmq_peer.py")]);
  }

  /** Resolves to the endpoint that it is bound to, if it is. */
  async open(name: string, options: OpenOptions): Promise<string> {
    return await this.do<string>({ do: "open", name, ...options });
  }

  async send(name: string, ...frames: Sent[]): Promise<void> {
    await this.do({ do: "send", name, frames });
  }

  /** Undefined when nothing comes in time. */
  async receive(name: string, within_ms = 20_000): Promise<Told[] | undefined> {
    return (await this.do<Told[] | null>({ do: "receive", name, within_ms })) ?? undefined;
  }

  /** Answers so many requests with what they asked. */
  async echo(name: string, times: number): Promise<void> {
    await this.do({ do: "echo", name, times });
  }

  async close(name: string): Promise<void> {
    await this.do({ do: "close", name });
  }

  /** How many answers of `clients` times `rounds` were right. */
  async storm(url: string, clients: number, rounds: number): Promise<number> {
    return await this.do<number>({ do: "storm", url, clients, rounds });
  }
}
