/** The log over a websocket: every line from some point on, again and again over restarts. */
import type { NumberedLine } from "../../core/log.ts";
import type { AgentFrame } from "../../wire/local.ts";
import type { Gap } from "./log-book.ts";

/** The code with which an agent that stops closes its stream. */
const GOING_AWAY = 1001;

export interface StreamListener {
  /** From which line on, when the agent's last one has this number. */
  readonly since: (lastSeq: number) => number;
  readonly lines: (lines: readonly NumberedLine[]) => void;
  readonly gap: (gap: Gap) => void;
  /** What comes up to this line is of the past. */
  readonly opened: (lastSeq: number) => void;
  /** `isOver`: the agent stops, and said so. */
  readonly closed: (isOver: boolean) => void;
}

export class LogStream {
  readonly #url: string;
  readonly #protocols: () => string[];
  readonly #listener: StreamListener;
  #socket: WebSocket | undefined;
  /** Before that, lines of now come: they would stand in front of those of before. */
  #isSubscribed = false;

  /** `protocols`: what to offer, asked for with each connection. */
  constructor(url: string, protocols: () => string[], listener: StreamListener) {
    this.#url = url;
    this.#protocols = protocols;
    this.#listener = listener;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  /** Connects, unless it is or is about to be. */
  open(): void {
    if (this.#socket !== undefined) return;
    const socket = new WebSocket(this.#url, this.#protocols());
    this.#socket = socket;
    this.#isSubscribed = false;
    socket.addEventListener("message", ({ data }) => {
      if (socket === this.#socket) this.#hear(JSON.parse(data) as AgentFrame);
    });
    socket.addEventListener("close", ({ code }) => this.#forget(socket, code === GOING_AWAY));
  }

  /** Asks for everything anew, from where the listener says. */
  reopen(): void {
    const socket = this.#socket;
    if (socket !== undefined) {
      this.#socket = undefined; // what it still says is not heard
      socket.close();
    }
    this.open();
  }

  #forget(socket: WebSocket, isOver: boolean): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    this.#listener.closed(isOver);
  }

  #hear(frame: AgentFrame): void {
    if ("hello" in frame) {
      const since = Math.max(0, this.#listener.since(frame.hello.seq));
      this.#socket?.send(JSON.stringify({ subscribe: { since } }));
    } else if ("subscribed" in frame) {
      this.#isSubscribed = true;
      this.#listener.opened(frame.subscribed.seq);
    } else if (!this.#isSubscribed) return;
    else if ("lines" in frame) {
      this.#listener.lines(frame.lines as unknown as readonly NumberedLine[]);
    } else if ("gap" in frame) this.#listener.gap(frame.gap);
  }
}
