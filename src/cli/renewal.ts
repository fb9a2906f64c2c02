/** A certificate that is renewed on disk is used from then on; nothing that is open is cut off. */
import { messageOf } from "../core/errors.ts";
import { readTls } from "../local/listener.ts";
import { systemClock } from "../system/clock.ts";
import { fileMark } from "../system/file-mark.ts";
import type { Listening } from "./gateway-listen.ts";
import type { HostLog } from "./host-log.ts";
import type { HostOptions } from "./options.ts";

/** How often the files are looked at, in milliseconds. */
const LOOK_MS = 1_000;

/** Until the abort. What cannot be used is told once, and the certificate before goes on. */
export async function keepRenewed(
  { tlsCert, tlsKey }: Pick<HostOptions, "tlsCert" | "tlsKey">,
  { renew }: Pick<Listening, "renew">,
  log: HostLog,
  signal: AbortSignal,
): Promise<void> {
  if (tlsCert === undefined || tlsKey === undefined) return;
  const look = () => `${fileMark(tlsCert)} ${fileMark(tlsKey)}`;
  let used = look();
  let last = used;
  while (!signal.aborted) {
    await systemClock.sleep(LOOK_MS, signal);
    const before = last;
    last = look();
    // There are two files, and one comes before the other: both must have come to rest.
    if (last === used || last !== before) continue;
    used = last;
    try {
      const tls = readTls({ tlsCert, tlsKey });
      if (tls !== undefined) renew(tls);
      log("info", `uses the renewed certificate "${tlsCert}"`, {});
    } catch (cause) {
      log("error", `${messageOf(cause)}; the certificate before goes on`, {});
    }
  }
}
