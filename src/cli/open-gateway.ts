/** A gateway made of its rooms: users and tokens, sessions and their processes, the proxy, the audit log. */
import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import { ServantError } from "../core/errors.ts";
import type { BackendStore } from "../core/store.ts";
import { Audit } from "../gateway/audit.ts";
import { createGateway, type Gateway } from "../gateway/door.ts";
import { Guesses } from "../gateway/guesses.ts";
import { trusted } from "../gateway/peer.ts";
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
import { UsersFileOnDisk } from "../system/users-file.ts";
import type { HostLog } from "./host-log.ts";
import type { HostOptions } from "./options.ts";
import { robots } from "./robots.ts";
import { selfCommand } from "./self-command.ts";
import { sessionArgs } from "./session-args.ts";

/** Of the secret by which a session knows its gateway. */
const SECRET_BYTES = 32;

export interface OpenGateway {
  readonly door: Gateway;
  readonly users: Users;
  readonly audit: Audit;
  close(): Promise<void>;
}

export interface Opening {
  readonly users: Users;
  readonly log: HostLog;
  readonly version: string;
  /** The gateway's own. */
  readonly folder: string;
}

/**
 * Begins with what an earlier life has kept in its folder.
 *
 * @throws {ServantError} `usage.invalid`, `state.*`, `journal.*`
 */
export function openGateway(options: HostOptions, opening: Opening): OpenGateway {
  const { users, log, version, folder } = opening;
  const isTrusted = trusted(options.trustProxy);
  const clock = systemClock;
  const audit = openAudit(folder, log);
  const store = openBackendStore(join(folder, "gateway.sqlite"), {
    onDamaged: ({ setAside, reason }) =>
      log("error", `cannot read the sessions, kept as ${setAside}: ${reason}`, {}),
  });
  const { maxBody, requestsPerUser, tokenMax } = options;
  const door = createGateway({
    users,
    tokens: new Tokens({ store, clock, users, lifeMaxMs: tokenMax * 1_000 }),
    passwords: { atOnce: passwordsAtOnce(), verify: verifyPassword },
    guesses: new Guesses(clock),
    audit,
    tally: new Tally(),
    isTrusted,
    requestsPerUser,
    sessions: openSessions(options, { store, audit, log, folder }),
    proxy: proxy({ maxBodyBytes: maxBody, dial }),
    clock,
    log,
    version,
    page: async (name) => (await import("../page/answer.ts")).pageAnswer(name),
  });
  const close = async () => {
    await door.close();
    await store.close();
  };
  return { door, users, audit, close };
}

/** @throws {ServantError} `gateway.no-users`, `gateway.bad-users` */
export function openUsers({ users: path }: HostOptions, log: HostLog): Users {
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

interface Kept {
  readonly store: BackendStore;
  readonly audit: Audit;
  readonly log: HostLog;
  readonly folder: string;
}

function openSessions(options: HostOptions, { store, audit, log, folder }: Kept): Sessions {
  const folders = sessionFolders(folder);
  const { orphanAfter: orphanAfterS, sessionPorts, sessionsPerUser } = options;
  const args = sessionArgs(options);
  return new Sessions({
    ...{ store, folders, clock: systemClock, ports: sessionPorts, perUser: sessionsPerUser },
    processes: sessionProcesses({ command: selfCommand(), args, folders, orphanAfterS }),
    robots: Object.keys(robots),
    log: (level, message) => log(level, message, {}),
    onEnd: ({ id: session, owner }, how) =>
      audit.note({ what: how === "expired" ? "session.expire" : "session.die", session, owner }),
    random: {
      uuid: () => crypto.randomUUID(),
      secret: () => randomBytes(SECRET_BYTES).toString("base64url"),
      below: (limit) => randomInt(limit),
    },
  });
}
