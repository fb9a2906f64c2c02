/** `agent host --sessions`: the gateway, listening on a port, and a process for each session. */
import { hostname } from "node:os";
import { join } from "node:path";
import { ServantError } from "../core/errors.ts";
import { openStateDir, stateDirectory } from "../system/state-dir.ts";
import { isLoopback } from "../wire/connection.ts";
import { listenForGateway } from "./gateway-listen.ts";
import { hostLog } from "./host-log.ts";
import { openGateway, openUsers } from "./open-gateway.ts";
import type { HostOptions } from "./options.ts";
import { keepRenewed } from "./renewal.ts";
import { aborted, stopSignals } from "./stop-signals.ts";

/**
 * Runs until SIGTERM or SIGINT; resolves to the exit code.
 *
 * @throws {ServantError} `gateway.*`, `local.*`, `state.*`, `usage.invalid`
 */
export async function gateway(options: HostOptions, version: string): Promise<number> {
  refuseStray(options);
  const log = hostLog(options, "gateway");
  const users = openUsers(options, log);
  const stateDir = openStateDir(gatewayDirectory(options, process.env), { isPrivate: true });
  try {
    const { stop: stopping } = stopSignals();
    const open = openGateway(options, { users, log, version, folder: stateDir.path });
    try {
      const { audit, door } = open;
      const listening = listenForGateway(door, options);
      const { url, port, stop } = listening;
      const { sessions } = door;
      audit.note({ what: "start", detail: `${version} on ${url}` });
      if (url.startsWith("http:") && !isLoopback(options.bind)) {
        log("warn", `passwords and tokens travel in clear to ${url}: --insecure-http`, {});
      }
      tellReady(options, { url, port, users: users.count, sessions, state_dir: stateDir.path });
      await Promise.all([aborted(stopping), keepRenewed(options, listening, log, stopping)]);
      log("info", "stopping", {});
      audit.note({ what: "stop" });
      // What sessions hold they answer as they end, and that goes out before the lines are cut.
      await Promise.all([stop(), open.close()]);
    } catch (cause) {
      await open.close();
      throw cause;
    }
    return 0;
  } finally {
    stateDir.release();
  }
}

/** As asked for, else beside what this account's agent keeps; absolute, for records name files in it. */
function gatewayDirectory({ stateDir }: HostOptions, env: NodeJS.ProcessEnv): string {
  const path = stateDirectory(stateDir, env);
  return stateDir === undefined ? join(path, "sessions") : path;
}

/** @throws {ServantError} `usage.invalid` */
function refuseStray({ robot }: HostOptions): void {
  if (robot === undefined) return;
  const reason = `each session has its own: agent session create --robot ${robot}`;
  throw new ServantError("usage.invalid", `Cannot run a robot for a gateway: ${reason}`);
}

interface Ready {
  readonly url: string;
  readonly port: number;
  readonly users: number;
  /** Of an earlier life. */
  readonly sessions: number;
  readonly state_dir: string;
}

function tellReady({ json, users: file }: HostOptions, ready: Ready): void {
  const { sessions, state_dir: folder, url, users } = ready;
  if (json) {
    process.stdout.write(`${JSON.stringify({ type: "ready", mode: "sessions", ...ready })}\n`);
    return;
  }
  // Of all its addresses none is the one to be asked for.
  const shown = url.replace(/\/\/(?:0\.0\.0\.0|\[::\])(?=:)/, `//${hostname()}`);
  const nobody = `nobody yet: agent hash-password --json NAME --role admin --into "${file}"`;
  process.stderr.write(`gateway ready on ${url}
  may log in   ${users === 0 ? nobody : `${users}, by "${file}"`}
  log in       agent login ${shown} && agent session create
  sessions     ${sessions} from before, in ${folder}
  audit log    ${join(folder, "audit.log")}
`);
}
