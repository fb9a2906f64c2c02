/** The gateway's proxy before a server that stands for a session, listening as the program listens. */
import { listenForGateway } from "../../src/cli/gateway-listen.ts";
import { addressOf, sessionOf } from "../../src/gateway/address.ts";
import { refuseAmbiguous } from "../../src/gateway/headers.ts";
import { proxy, type Way } from "../../src/gateway/proxy.ts";
import { failureResponse } from "../../src/gateway/status.ts";
import { dial } from "../../src/system/dial.ts";

export const ID = "0b0e7f0e-0000-4000-8000-000000000001";
export const SECRET = "kept between the two";

export interface Proxied extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:PORT/s/ID` */
  readonly url: string;
  /** Requests that have entered and not left. */
  readonly inFlight: number;
  /** The statuses of its answers, also of those that nobody heard. */
  readonly answered: readonly (number | undefined)[];
  /** Ends what the token had opened. */
  logOut(): void;
}

/** Everything under `/s/ID` goes to `http://127.0.0.1:PORT`; nothing else is known. */
export function proxied(
  port: number,
  { keepS = 120, maxBodyBytes = 2 ** 24, patienceMs = 10_000 } = {},
): Proxied {
  const through = proxy({ dial, maxBodyBytes, patienceMs });
  const loggedOut = new AbortController();
  let inFlight = 0;
  const answered: (number | undefined)[] = [];
  const way = (): Way => {
    let isIn = true;
    inFlight += 1;
    return {
      url: `http://127.0.0.1:${port}`,
      secret: SECRET,
      isThere: () => true,
      expiresInS: 4711.9,
      ended: loggedOut.signal,
      leave() {
        if (isIn) inFlight -= 1;
        isIn = false;
      },
    };
  };
  const known = (request: Request) => {
    refuseAmbiguous(request);
    const to = sessionOf(addressOf(request));
    return to?.id === ID ? to : undefined;
  };
  const lost = () => new Response("no such session", { status: 404 });
  const listening = listenForGateway(
    {
      async fetch(request, from) {
        try {
          const to = known(request);
          if (to === undefined) return lost();
          const at = answered.push(undefined) - 1;
          const answer = await through.fetch(request, way(), to, from);
          answered[at] = answer.status;
          return answer;
        } catch (cause) {
          return failureResponse(cause);
        }
      },
      async connect(request, from) {
        const to = known(request);
        return to === undefined ? lost() : await through.connect(request, way(), to, from);
      },
    },
    { port: 0, bind: "127.0.0.1", maxBody: maxBodyBytes, keepS },
  );
  return {
    port: listening.port,
    url: `${listening.url}/s/${ID}`,
    get inFlight() {
      return inFlight;
    },
    answered,
    logOut: () => loggedOut.abort(),
    async [Symbol.asyncDispose]() {
      await listening.stop();
      through.close();
    },
  };
}

/** Waits until it holds; a test's own limit ends it otherwise. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(2);
}
