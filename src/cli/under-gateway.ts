/**
 * `agent host` as the process of a gateway's session: it answers nobody but its gateway, which
 * shows a secret, and ends by itself when no gateway has come for long. A gateway that crashes does
 * not end it: a mission goes on, and the next gateway takes it over.
 */
import { ServantError, toServantError } from "../core/errors.ts";
import { GATEWAY_SECRET_HEADER } from "../core/gateway.ts";
import type { Clock } from "../core/ports.ts";
import type { StartReport } from "../core/session-process.ts";
import { receiveSecret, reportStart } from "../system/gateway-pipe.ts";

export interface GatewayOptions {
  /** The end of the pipe that the gateway has left open in this process. */
  readonly gatewayFd: number;
  /** Seconds. */
  readonly orphanAfter: number;
}

export interface UnderGateway {
  /** Whether a request comes from the gateway. */
  admits(request: Request): boolean;
  ready(): void;
  failed(cause: unknown): void;
  /** Resolves when no gateway has come for long, or at the abort. */
  orphaned(signal: AbortSignal): Promise<void>;
}

/** @throws {ServantError} `agent.draining` when the gateway is gone already */
export function underGateway(options: GatewayOptions, clock: Clock): UnderGateway {
  const { gatewayFd, orphanAfter } = options;
  const secret = receiveSecret(gatewayFd);
  if (secret === undefined) {
    throw new ServantError("agent.draining", "Cannot start: the gateway is gone");
  }
  const wanted = Buffer.from(secret);
  let heardAtMs = clock.monotonic();
  let isTold = false;
  const tell = (report: StartReport) => {
    if (!isTold) reportStart(gatewayFd, report); // afterwards the number may belong to another file
    isTold = true;
  };
  return {
    admits({ headers }) {
      const shown = Buffer.from(headers.get(GATEWAY_SECRET_HEADER) ?? "");
      if (shown.length !== wanted.length || !crypto.timingSafeEqual(shown, wanted)) return false;
      heardAtMs = clock.monotonic();
      return true;
    },
    ready: () => tell({ type: "ready" }),
    failed(cause) {
      const { code, message } = toServantError(cause);
      tell({ type: "failed", code, message });
    },
    async orphaned(signal) {
      for (;;) {
        const leftMs = heardAtMs + orphanAfter * 1_000 - clock.monotonic();
        if (leftMs <= 0 || signal.aborted) return;
        await clock.sleep(leftMs, signal);
      }
    },
  };
}
