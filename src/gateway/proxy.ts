/**
 * Carries requests to sessions and their answers back. Bodies stream both ways, as fast as the slower
 * side reads; there is no limit in time, for an execution may take hours.
 */
import { isServantError, ServantError } from "../core/errors.ts";
import type { SessionAddress } from "./address.ts";
import { stayAwake } from "./awake.ts";
import { type Answer, Exchange } from "./exchange.ts";
import { EXPIRES_HEADER, expiresText, inward, outward } from "./headers.ts";
import { type Dial, type Line, Lines } from "./line.ts";
import { openTunnel, type Tunnel } from "./relay.ts";
import {
  abandoned,
  lengthOf,
  PATIENCE_MS,
  partsOf,
  SMALL_BYTES,
  tooLarge,
  within,
} from "./request-body.ts";
import type { Place } from "./sessions.ts";
import { failureResponse } from "./status.ts";

/** A request's way through: whoever gets it calls `leave` once all is over, or more than once. */
export interface Way extends Place {
  /** Aborts when the token that opened it is revoked or has come to its end. */
  readonly ended: AbortSignal;
}

export interface SessionProxy {
  /**
   * Sends a request on, once, and answers with what the session says. What fails before anything is
   * answered is told; what fails later cuts the answer off. `from` is the client's address.
   */
  fetch(request: Request, way: Way, to: SessionAddress, from: string): Promise<Response>;
  /** For a request that asks for a websocket; a Response is the refusal. */
  connect(request: Request, way: Way, to: SessionAddress, from: string): Promise<Tunnel | Response>;
  close(): void;
}

const streamed = new WeakSet<Response>();

/** Whether an answer comes bit by bit, with pauses of any length. */
export function isStreamed(answer: Response): boolean {
  return streamed.has(answer);
}

export interface ProxyOptions {
  readonly dial: Dial;
  readonly maxBodyBytes: number;
  /** Instead of `PATIENCE_MS`. */
  readonly patienceMs?: number;
}

export function proxy({
  dial,
  maxBodyBytes,
  patienceMs = PATIENCE_MS,
}: ProxyOptions): SessionProxy {
  const lines = new Lines();
  const limits = { maxBytes: maxBodyBytes, patienceMs };

  const ask: Ask = async (request, way, to, from, more = "") => {
    const { headers, method } = request;
    const length = lengthOf(headers);
    if (length !== undefined && length > maxBodyBytes) throw tooLarge(maxBodyBytes);
    const port = portOf(way.url);
    const inside = { id: to.id, port, secret: way.secret };
    const lead = `${method} ${to.rest} HTTP/1.1\r\n${inward(headers, inside, from)}${more}`;
    const isSmall = length !== undefined && length <= SMALL_BYTES;
    const small = isSmall ? await within(request.bytes(), patienceMs) : undefined;
    const line = lines.waiting(port) ?? (await dialled(dial, port, way));
    const exchange = begun(line, request, way, (isLineGood) => {
      if (isLineGood) lines.keep(port, line);
    });
    if (small !== undefined) {
      exchange.send(bytesOf(`${lead}content-length: ${small.byteLength}\r\n\r\n`, small));
    } else if (length === undefined && !headers.has("transfer-encoding")) {
      exchange.send(bytesOf(`${lead}${BODILESS.has(method) ? "" : EMPTY}\r\n`));
    } else {
      const framing = length === undefined ? CHUNKED : `content-length: ${length}\r\n`;
      const parts = partsOf(request, limits);
      void exchange.stream(bytesOf(`${lead}${framing}\r\n`), parts, length === undefined);
    }
    stayAwake();
    return responseOf(await exchange.answer, method, way.expiresInS);
  };

  return {
    async fetch(request, way, to, from) {
      try {
        return await ask(request, way, to, from);
      } catch (cause) {
        return refusal(cause, way);
      }
    },
    async connect(request, way, to, from) {
      try {
        refuseAbsent(way);
        const isAsked = request.method === "GET"; // by any other, the way could be one that acts
        const tunnel = isAsked ? await openTunnel(request, way, to) : undefined;
        if (tunnel !== undefined) return tunnel;
        // What it says to the same request tells why. Without the upgrade it would do what is asked there:
        // hand out an assignment, move a machine.
        const answer = await ask(request, way, to, from, UPGRADE);
        if (answer.status >= 400) return answer;
        await answer.body?.cancel();
        throw new ServantError("local.too-many", "Cannot open a websocket: the session opens none");
      } catch (cause) {
        return refusal(cause, way);
      }
    },
    close: () => lines.close(),
  };
}

/** `more`: lines of headers beside the client's own. */
type Ask = (
  request: Request,
  way: Way,
  to: SessionAddress,
  from: string,
  more?: string,
) => Promise<Response>;

const BODILESS = new Set(["GET", "HEAD", "OPTIONS"]);
const EMPTY = "content-length: 0\r\n";
const UPGRADE = "connection: upgrade\r\nupgrade: websocket\r\n";
const CHUNKED = "transfer-encoding: chunked\r\n";

async function dialled(dial: Dial, port: number, way: Way): Promise<Line> {
  const line = await dial(port).catch((cause) => {
    const problem = `Cannot ask the session: nobody listens on its port ${port}`;
    throw new ServantError("session.dead", problem, { cause });
  });
  try {
    refuseAbsent(way);
    return line;
  } catch (cause) {
    line.end();
    throw cause;
  }
}

/** Another account of the machine may listen there as soon as the process has ended. */
function refuseAbsent(way: Way): void {
  if (way.isThere()) return;
  throw new ServantError("session.dead", "Cannot ask the session: its process has just ended");
}

/** An exchange that ends with its client, and with what let the client in. */
function begun(
  line: Line,
  { method, signal }: Request,
  way: Way,
  over: (isLineGood: boolean) => void,
): Exchange {
  const gone = () => exchange.end(abandoned());
  const ended = () => exchange.end(new ServantError("login.needed", "Cannot go on: logged out"));
  const exchange = new Exchange(line, method, (isLineGood) => {
    signal.removeEventListener("abort", gone);
    way.ended.removeEventListener("abort", ended);
    over(isLineGood);
    way.leave();
  });
  signal.addEventListener("abort", gone);
  way.ended.addEventListener("abort", ended);
  if (signal.aborted) gone();
  if (way.ended.aborted) ended();
  return exchange;
}

function refusal(cause: unknown, way: Way): Response {
  way.leave();
  if (!isServantError(cause)) throw cause; // a fault of ours: the door logs it
  const response = failureResponse(cause);
  response.headers.set(EXPIRES_HEADER, expiresText(way.expiresInS));
  return response;
}

function portOf(url: string): number {
  return Number(url.slice(url.lastIndexOf(":") + 1));
}

function bytesOf(head: string, body?: Uint8Array): Uint8Array {
  const start = Buffer.from(head, "latin1");
  return body === undefined ? start : Buffer.concat([start, body]);
}

function responseOf(
  { status, headers, body }: Answer,
  method: string,
  expiresInS: number,
): Response {
  const isBodiless = method === "HEAD" || status === 204 || status === 205 || status === 304;
  const response = new Response(isBodiless ? null : (body as Uint8Array<ArrayBuffer>), {
    status,
    headers: outward(headers, expiresInS, isBodiless && status !== 204),
  });
  if (!isBodiless && body instanceof ReadableStream) streamed.add(response);
  return response;
}
