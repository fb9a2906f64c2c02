/** Finds the agent of this machine by its state folder. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { LocalAgent } from "../../client/local-agent.ts";
import { messageOf, ServantError } from "../../core/errors.ts";
import { readSecret } from "../../system/secret-file.ts";
import { textFile } from "../../system/snapshot.ts";
import { holderOf, stateDirectory } from "../../system/state-dir.ts";
import { LocalFile } from "../../wire/local.ts";
import { LOCAL_FILE, TOKEN_FILE } from "../../wire/local-files.ts";

export interface LocalCommandOptions {
  readonly stateDir?: string;
  readonly json?: boolean;
}

/**
 * The running agent of a state folder, by default that of `agent connect`.
 *
 * @throws {ServantError} `state.absent`, `local.absent`, `state.unwritable`
 */
export function findAgent(options: LocalCommandOptions): LocalAgent {
  const stateDir = stateFolder(options);
  const pid = holderOf(stateDir);
  if (pid === undefined) {
    throw new ServantError("local.absent", `Cannot ask an agent: none runs with "${stateDir}"`);
  }
  const place = readPlace(stateDir);
  if (place?.pid !== pid) {
    throw new ServantError("local.absent", `Cannot ask agent ${pid}: it has no local door`);
  }
  return new LocalAgent({ ...place, token: tokenOf(stateDir) });
}

/** The folder that the options name. @throws {ServantError} `state.absent` */
export function stateFolder(options: LocalCommandOptions): string {
  const stateDir = stateDirectory(options.stateDir, process.env);
  if (existsSync(stateDir)) return stateDir;
  throw new ServantError("state.absent", `Cannot find an agent's state in "${stateDir}"`);
}

/** Where the door was last; undefined when nobody wrote it down. */
function readPlace(stateDir: string): LocalFile | undefined {
  try {
    const text = textFile(join(stateDir, LOCAL_FILE)).load();
    return text === undefined ? undefined : LocalFile.parse(JSON.parse(text));
  } catch {
    return undefined; // of another version, or torn: as if it were not there
  }
}

function tokenOf(stateDir: string): string {
  const path = join(stateDir, TOKEN_FILE);
  try {
    const token = readSecret(path);
    if (token !== undefined) return token;
  } catch (cause) {
    const reason = `Cannot read "${path}": ${messageOf(cause)}`;
    throw new ServantError("local.unauthorized", reason, { cause });
  }
  throw new ServantError("local.unauthorized", `Cannot read "${path}": there is no token in it`);
}
