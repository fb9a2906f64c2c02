/** A REQ: asks one REP, one question at a time. It does not connect again by itself. */
import { ServantError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import { type Endpoint, endpointUrl } from "./endpoint.ts";
import { encodeMessage } from "./frames.ts";
import type { ZmtpLimits } from "./limits.ts";
import { Line, type LineOwner, Lines, lineEvents } from "./line.ts";
import { type Message, REQ } from "./session.ts";

export interface ReqOptions {
  readonly clock: Pick<Clock, "sleep">;
  readonly limits?: Partial<ZmtpLimits>;
}

const DELIMITER = [new Uint8Array()];

export class ReqSocket implements LineOwner {
  readonly hasRoom = true;
  readonly #url: string;
  readonly #line: Line;
  readonly #isReady = Promise.withResolvers<void>();
  #asked: PromiseWithResolvers<Message> | undefined;

  private constructor(url: string, line: Line) {
    this.#url = url;
    this.#line = line;
    this.#isReady.promise.catch(() => {}); // `connect` tells
  }

  /**
   * Resolves when the handshake is done.
   *
   * @throws {ServantError} `backend.unreachable`, `zmtp.malformed`
   */
  static async connect(endpoint: Endpoint, { clock, limits }: ReqOptions): Promise<ReqSocket> {
    const url = endpointUrl(endpoint);
    const lines = new Lines(clock, limits);
    let req: ReqSocket | undefined;
    const open = (socket: Bun.Socket<Line | undefined>) => {
      if (endpoint.transport === "tcp") socket.setNoDelay(true);
      const line = new Line(socket, REQ, lines);
      socket.data = line;
      req = new ReqSocket(url, line);
      line.start(req);
    };
    const handlers = { ...lineEvents, open };
    try {
      if (endpoint.transport === "ipc") {
        await Bun.connect<Line | undefined>({ unix: endpoint.path, socket: handlers });
      } else await Bun.connect<Line | undefined>({ ...endpoint, socket: handlers });
    } catch (cause) {
      throw new ServantError("backend.unreachable", `Cannot reach "${url}"`, { cause });
    }
    const { promise } = (req as unknown as ReqSocket).#isReady;
    await promise;
    return req as unknown as ReqSocket;
  }

  /**
   * Asks, and resolves to the answer, without its envelope.
   *
   * @throws {ServantError} `backend.unreachable`: the line was closed. `zmtp.malformed`: it had to be.
   * `agent.internal`: another question waits.
   */
  async ask(frames: Message): Promise<Message> {
    if (this.#asked !== undefined) {
      throw new ServantError("agent.internal", `Cannot ask "${this.#url}": a question waits`);
    }
    if (!this.#line.isOpen) throw this.#closed();
    this.#asked = Promise.withResolvers();
    const { promise } = this.#asked;
    this.#line.send(encodeMessage(DELIMITER, frames));
    return await promise;
  }

  close(): void {
    this.#line.close();
  }

  ready(): void {
    this.#isReady.resolve();
  }

  take([delimiter, ...frames]: Message): void {
    const asked = this.#asked;
    this.#asked = undefined;
    if (delimiter?.byteLength === 0) asked?.resolve(frames);
    else asked?.reject(this.#closed());
  }

  closed(reason: ServantError = this.#closed()): void {
    this.#isReady.reject(reason);
    this.#asked?.reject(reason);
    this.#asked = undefined;
  }

  #closed(): ServantError {
    return new ServantError("backend.unreachable", `Cannot ask "${this.#url}": the line is closed`);
  }
}
