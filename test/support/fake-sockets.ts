/** The websockets of `Bun.serve` as the stream sees them, with readers that stall when told to. */
import type { Server, ServerWebSocket } from "bun";
import type { LogStream, Visitor } from "../../src/local/stream.ts";
import type { AgentFrame } from "../../src/wire/local.ts";

export class FakeSockets {
  readonly #stream: LogStream;
  readonly sockets = new Set<FakeSocket>();
  #opened: FakeSocket | undefined;

  constructor(stream: LogStream) {
    this.#stream = stream;
  }

  connect(query = ""): FakeSocket {
    this.#opened = undefined;
    const server: Partial<Server<Visitor>> = {
      upgrade: ((_request: Request, options: { data: Visitor }) => {
        this.#opened = new FakeSocket(options.data, this.#stream, this.sockets);
        this.#opened.open();
        return true;
      }) as Server<Visitor>["upgrade"],
      publish: ((topic: string, data: string) => {
        for (const socket of this.sockets) if (socket.topics.has(topic)) socket.send(data);
        return 1;
      }) as Server<Visitor>["publish"],
    };
    const request = new Request(`http://localhost/${query}`);
    const refusal = this.#stream.upgrade(request, server as Server<Visitor>);
    const opened = this.#opened as FakeSocket | undefined;
    if (opened === undefined) throw new Error(`refused with ${refusal?.status}`);
    return opened;
  }
}

export class FakeSocket {
  readonly data: Visitor;
  readonly topics = new Set<string>();
  /** What the client has read. */
  readonly frames: AgentFrame[] = [];
  closedWith: number | undefined;
  isStalled = false;
  /** The most that waited when lines were sent on top of it. */
  waitedMax = 0;
  readonly #stream: LogStream;
  readonly #sockets: Set<FakeSocket>;
  #waiting: string[] = [];

  constructor(data: Visitor, stream: LogStream, sockets: Set<FakeSocket>) {
    this.data = data;
    this.#stream = stream;
    this.#sockets = sockets;
  }

  open(): void {
    this.#sockets.add(this);
    void this.#stream.websocket.open?.(this.#asReal());
  }

  subscribe(topic: string): void {
    this.topics.add(topic);
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
  }

  send(data: string): void {
    if (data.startsWith('{"lines"')) {
      this.waitedMax = Math.max(this.waitedMax, this.getBufferedAmount());
    }
    if (this.isStalled) this.#waiting.push(data);
    else this.frames.push(JSON.parse(data) as AgentFrame);
  }

  getBufferedAmount(): number {
    return this.#waiting.reduce((sum, data) => sum + data.length, 0);
  }

  /** The client reads so many frames of those that wait. */
  read(count: number): void {
    const taken = this.#waiting.splice(0, count);
    this.frames.push(...taken.map((data) => JSON.parse(data) as AgentFrame));
    if (taken.length > 0) void this.#stream.websocket.drain?.(this.#asReal());
  }

  /** The client reads all that waits, and goes on reading. */
  resume(): void {
    this.isStalled = false;
    this.read(this.#waiting.length);
  }

  /** The client sends this. */
  say(frame: unknown): void {
    void this.#stream.websocket.message?.(this.#asReal(), JSON.stringify(frame));
  }

  close(code: number): void {
    this.closedWith ??= code;
    if (!this.#sockets.delete(this)) return;
    void this.#stream.websocket.close?.(this.#asReal(), code, "");
  }

  #asReal(): ServerWebSocket<Visitor> {
    return this as unknown as ServerWebSocket<Visitor>;
  }
}
