/** The missions in a folder: `NAME.json` each. What is no plain file, such as a link, is none. */
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { MissionFiles } from "../backend/missions.ts";
import { messageOf, ServantError } from "../core/errors.ts";

/** Longer files are not read, in bytes. */
const FILE_MAX_BYTES = 16 * 1024 * 1024;
const SUFFIX = ".json";

/** @throws {ServantError} `usage.invalid` when the folder cannot be read */
export function missionFiles(folder: string): MissionFiles {
  const names = () => {
    if (!existsSync(folder)) return []; // it went away since
    const files = readdirSync(folder, { withFileTypes: true });
    return files.flatMap((file) =>
      file.isFile() && file.name.endsWith(SUFFIX) ? [file.name.slice(0, -SUFFIX.length)] : [],
    );
  };
  try {
    readdirSync(folder);
  } catch (cause) {
    const problem = `Cannot use --missions "${folder}": ${messageOf(cause)}`;
    throw new ServantError("usage.invalid", problem, { cause });
  }
  return {
    names,
    read(name) {
      const path = join(folder, `${name}${SUFFIX}`);
      const file = lstatSync(path, { throwIfNoEntry: false });
      if (file === undefined || !file.isFile() || file.size > FILE_MAX_BYTES) return undefined;
      return readFileSync(path, "utf8");
    },
  };
}
