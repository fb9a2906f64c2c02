/** A websocket of a client, told and heard by a session through one of the gateway's own. */
import { ServantError } from "../core/errors.ts";
import { GATEWAY_SECRET_HEADER } from "../core/gateway.ts";
import type { SessionAddress } from "./address.ts";
import type { Way } from "./proxy.ts";

/** What waits for a side that reads slowly, in bytes; beyond it both are sent away. */
export const RELAY_AHEAD_BYTES = 2 ** 20;

/** The client's end of a websocket that is open. */
export interface ClientSocket {
  /** False: it was dropped, for want of room. */
  send(data: string | Uint8Array): boolean;
  close(code?: number, reason?: string): void;
}

export interface Tunnel {
  /** The subprotocol that the session chose; "" for none. */
  readonly protocol: string;
  /** Connects the two ends; returns what is to be called with what the client says and does. */
  join(client: ClientSocket): {
    message(data: string | Uint8Array): void;
    close(code: number, reason: string): void;
  };
  /** The client's end came to nothing. */
  abandon(): void;
}

const NORMAL = 1000;
const NO_CODE = 1005;
const ABNORMAL = 1006;
const POLICY = 1008;
const TRY_LATER = 1013;
const BAD_GATEWAY = 1014;

/** Undefined when the session does not open it. Leaves the way when the session's end closes. */
export async function openTunnel(
  request: Request,
  way: Way,
  to: SessionAddress,
): Promise<Tunnel | undefined> {
  const socket = await opened(request, way, to);
  if (socket === undefined) return undefined;
  let client: ClientSocket | undefined;
  /** What happens before the client's end is open. */
  const early: ((to: ClientSocket) => void)[] = [];
  const tell = (what: (to: ClientSocket) => void) => {
    if (client === undefined) early.push(what);
    else what(client);
  };
  const part = (code: number, reason: string) => {
    if (socket.readyState === WebSocket.OPEN) socket.close(NORMAL);
    tell((end) => end.close(code, reason));
  };
  const loggedOut = () => part(POLICY, "logged out");
  way.ended.addEventListener("abort", loggedOut);
  socket.onmessage = ({ data }: MessageEvent<string | Buffer>) =>
    tell((end) => {
      if (!end.send(data)) part(TRY_LATER, "the client reads too slowly");
    });
  socket.onclose = ({ code, reason }) => {
    way.ended.removeEventListener("abort", loggedOut);
    way.leave();
    tell((end) => closeAs(end, code, reason));
  };
  if (way.ended.aborted) loggedOut();
  return {
    protocol: socket.protocol,
    join(end) {
      client = end;
      for (const what of early.splice(0)) what(end);
      return {
        message(data) {
          if (socket.readyState !== WebSocket.OPEN) return;
          socket.send(data as string | Uint8Array<ArrayBuffer>);
          const isBehind = socket.bufferedAmount > RELAY_AHEAD_BYTES;
          if (isBehind) part(TRY_LATER, "the session reads too slowly");
        },
        close: (code, reason) => closeSession(socket, code, reason),
      };
    },
    abandon: () => closeSession(socket, NORMAL, ""),
  };
}

/** Closes the client's end as the session closed its own. */
function closeAs(client: ClientSocket, code: number, reason: string): void {
  if (code === NO_CODE) client.close();
  else if (code === ABNORMAL) client.close(BAD_GATEWAY, "the session ended");
  else client.close(code, reason);
}

/** A client's program may close with these codes only; others are said by its system. */
function closeSession(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  const isSayable = code === NORMAL || (code >= 3_000 && code < 5_000);
  socket.close(isSayable ? code : NORMAL, isSayable ? reason : "");
}

async function opened(
  { headers, signal }: Request,
  { url, secret }: Way,
  { rest }: SessionAddress,
): Promise<WebSocket | undefined> {
  const protocols = (headers.get("sec-websocket-protocol") ?? "").split(/[\s,]+/).filter(Boolean);
  const isToken = (name: string) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name);
  if (!protocols.every(isToken) || new Set(protocols).size < protocols.length) {
    throw new ServantError(
      "request.ambiguous",
      "Cannot open a websocket: its protocols are unclear",
    );
  }
  const socket = new WebSocket(`${url.replace("http", "ws")}${rest}`, {
    headers: { [GATEWAY_SECRET_HEADER]: secret },
    protocols,
    perMessageDeflate: false,
  });
  socket.binaryType = "nodebuffer";
  // A session that is busy may take its time; its client need not wait for it.
  signal.addEventListener("abort", () => {
    if (socket.readyState === WebSocket.CONNECTING) socket.close();
  });
  return await new Promise((resolve) => {
    socket.onopen = () => resolve(socket);
    socket.onerror = () => resolve(undefined);
    socket.onclose = () => resolve(undefined);
  });
}
