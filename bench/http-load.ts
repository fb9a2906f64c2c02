/** Requests over kept connections, with as little of a client's own cost as can be. */

export interface Target {
  readonly port: number;
  /** Speaks TLS, and believes this authority. */
  readonly ca?: string | undefined;
  /** A whole request; its answer is of one length each time, or says its length. */
  readonly request: string;
}

export interface Load {
  /** Of each request. */
  readonly tookMs: readonly number[];
  readonly perS: number;
}

/** Sends the request again and again over so many connections, each one at a time. */
export async function load(
  { port, ca, request }: Target,
  { connections, forMs }: { readonly connections: number; readonly forMs: number },
): Promise<Load> {
  const bytes = Buffer.from(request, "latin1");
  const tookMs: number[] = [];
  const beganAtMs = performance.now();
  const one = () =>
    new Promise<void>((resolve, reject) => {
      let sentAtMs = 0;
      let text = "";
      void Bun.connect({
        hostname: "127.0.0.1",
        port,
        ...(ca === undefined ? {} : { tls: { ca } }),
        socket: {
          // With TLS the first bytes go out after the handshake, by themselves.
          open(socket) {
            sentAtMs = performance.now();
            socket.write(bytes);
          },
          data(socket, piece) {
            text += piece.toString("latin1");
            if (!isWhole(text)) return;
            if (!text.startsWith("HTTP/1.1 200")) return reject(new Error(text.slice(0, 300)));
            text = "";
            const nowMs = performance.now();
            tookMs.push(nowMs - sentAtMs);
            if (nowMs - beganAtMs >= forMs) return void socket.end();
            sentAtMs = nowMs;
            socket.write(bytes);
          },
          close: () => resolve(),
          error: (_, cause) => reject(cause),
        },
      }).catch(reject);
    });
  await Promise.all(Array.from({ length: connections }, one));
  const seconds = (performance.now() - beganAtMs) / 1_000;
  // The first of each connection waited for the handshake.
  return { tookMs: tookMs.slice(connections), perS: tookMs.length / seconds };
}

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /^content-length: (\d+)/im.exec(text.slice(0, end))?.[1];
  if (length !== undefined) return text.length >= end + 4 + Number(length);
  return text.endsWith("0\r\n\r\n");
}
