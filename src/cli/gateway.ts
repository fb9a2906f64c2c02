/** `agent host --sessions`: the gateway, listening on a port, and a process for each session. */
import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import { ServantError } from "../core/errors.ts";
import type { BackendStore } from "../core/store.ts";
import { Audit } from "../gateway/audit.ts";
import { createGateway, type Gateway } from "../gateway/door.ts";
import { Guesses } from "../gateway/guesses.ts";
import { type IsTrusted, trusted } from "../gateway/peer.ts";
import { proxy } from "../gateway/proxy.ts";
import { Sessions } from "../gateway/sessions.ts";
import { Tally } from "../gateway/tally.ts";
import { Tokens } from "../gateway/tokens.ts";
import { Users } from "../gateway/users.ts";
import { auditFile } from "../system/audit-file.ts";
import { openBackendStore } from "../system/backend-store.ts";
import { systemClock } from "../system/clock.ts";
import { dial } from "../system/dial.ts";
import { passwordsAtOnce, verifyPassword } from "../system/passwords.ts";
import { sessionFolders } from "../system/session-folder.ts";
import { sessionProcesses } from "../system/session-process.ts";
import { openStateDir, stateDirectory } from "../system/state-dir.ts";
import { UsersFileOnDisk } from "../system/users-file.ts";
import { aborted, stopSignals } from "./compose.ts";
import { listenForGateway } from "./gateway-listen.ts";
import { type HostLog, hostLog } from "./host-log.ts";
import type { HostOptions } from "./options.ts";
import { robots } from "./robot.ts";
import { selfCommand } from "./self-command.ts";
import { sessionArgs } from "./session-args.ts";

/** Of the secret by which a session knows its gateway. */
const SECRET_BYTES = 32;

/**
 * Runs until SIGTERM or SIGINT; resolves to the exit code.
 *
 * @throws {ServantError} `gateway.*`, `local.*`, `state.*`
 */
export async function gateway(options: HostOptions, version: string): Promise<number> {
  refuseStray(options);
  const log = hostLog(options);
  const isTrusted = trusted(options.trustProxy);
  const users = openUsers(options, log);
  const path = options.stateDir ?? join(stateDirectory(undefined, process.env), "sessions");
  const stateDir = openStateDir(path);
  try {
    const audit = openAudit(stateDir.path, log);
    const door = open(options, { users, audit, isTrusted, log, version, folder: stateDir.path });
    try {
      const { url, port, stop } = listenForGateway(door, options);
      const sessions = door.sessions;
      tellReady(options, { url, port, users: users.count, sessions, state_dir: stateDir.path });
      audit.note({ what: "start", detail: `${version} on ${url}` });
      await aborted(stopSignals().stop);
      log("info", "stopping", {});
      audit.note({ what: "stop" });
      // What sessions hold they answer as they end, and that goes out before the lines are cut.
      await Promise.all([stop(), door.close()]);
    } catch (cause) {
      await door.close();
      throw cause;
    }
    return 0;
  } finally {
    stateDir.release();
  }
}

/** @throws {ServantError} `usage.invalid` */
function refuseStray({ robot }: HostOptions): void {
  if (robot === undefined) return;
  const reason = `each session has its own: agent session create --robot ${robot}`;
  throw new ServantError("usage.invalid", `Cannot run a robot for a gateway: ${reason}`);
}

function openUsers({ users: path }: HostOptions, log: HostLog): Users {
  if (path === undefined) {
    throw new ServantError("gateway.no-users", "Cannot let anybody in: no users file is given");
  }
  const onLoose = (_path: string, mode: string) =>
    log("warn", `everybody on this machine may read "${path}" (mode ${mode}): chmod 600`, {});
  return new Users(new UsersFileOnDisk(path, { onLoose }));
}

function openAudit(folder: string, log: HostLog): Audit {
  const path = join(folder, "audit.log");
  const onTrouble = (reason: string) => log("error", `cannot write "${path}": ${reason}`, {});
  return new Audit({ clock: systemClock, write: auditFile(path, { onTrouble }) });
}

interface Opening {
  readonly audit: Audit;
  readonly isTrusted: IsTrusted;
  readonly users: Users;
  readonly log: HostLog;
  readonly version: string;
  readonly folder: string;
}

function open(
  options: HostOptions,
  { users, audit, isTrusted, log, version, folder }: Opening,
): Gateway {
  const clock = systemClock;
  const store = openBackendStore(join(folder, "gateway.sqlite"), {
    onDamaged: ({ setAside, reason }) =>
      log("error", `cannot read the sessions, kept as ${setAside}: ${reason}`, {}),
  });
  const { maxBody, tokenMax } = options;
  return createGateway({
    users,
    tokens: new Tokens({ store, clock, users, lifeMaxMs: tokenMax * 1_000 }),
    passwords: { atOnce: passwordsAtOnce(), verify: verifyPassword },
    guesses: new Guesses(clock),
    audit,
    tally: new Tally(),
    isTrusted,
    sessions: openSessions(options, { store, log, folder }),
    proxy: proxy({ maxBodyBytes: maxBody, dial }),
    clock,
    log,
    version,
  });
}

function openSessions(
  options: HostOptions,
  { store, log, folder }: Pick<Opening, "folder" | "log"> & { readonly store: BackendStore },
): Sessions {
  const folders = sessionFolders(folder);
  const { orphanAfter: orphanAfterS, sessionPorts, sessionsPerUser } = options;
  const args = sessionArgs(options);
  return new Sessions({
    ...{ store, folders, clock: systemClock, ports: sessionPorts, perUser: sessionsPerUser },
    processes: sessionProcesses({ command: selfCommand(), args, folders, orphanAfterS }),
    robots: Object.keys(robots),
    log: (level, message) => log(level, message, {}),
    random: {
      uuid: () => crypto.randomUUID(),
      secret: () => randomBytes(SECRET_BYTES).toString("base64url"),
      below: (limit) => randomInt(limit),
    },
  });
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
  const nobody = `nobody yet: agent hash-password --json NAME prints an entry for "${file}"`;
  process.stderr.write(`gateway ready on ${url}
  may log in   ${users === 0 ? nobody : `${users}, by "${file}"`}
  log in       agent login ${url} && agent session create
  sessions     ${sessions} from before, in ${folder}
  audit log    ${join(folder, "audit.log")}
`);
}
