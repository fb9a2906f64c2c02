/** Which programs `run_process` may start: found once, so that nothing later leads elsewhere. */
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { ServantError } from "../../core/errors.ts";

/** The file that each allowed command stands for, by the word that a scenario writes. */
export type AllowedCommands = Readonly<Record<string, string>>;

export interface Where {
  /** As `PATH`; an entry that is empty or relative is no place to look in. */
  readonly path: string;
  /** What a command with a slash starts from. */
  readonly folder: string;
}

/**
 * Each word exactly as it was given, with its file behind all links.
 *
 * @throws {ServantError} `usage.invalid`: there is no such program
 */
export function findCommands(words: readonly string[], where: Where): AllowedCommands {
  return Object.fromEntries(words.map((word) => [word, fileOf(word, where)]));
}

function fileOf(word: string, { path, folder }: Where): string {
  const isPath = word.includes("/");
  const folders = path.split(":").filter((each) => each.startsWith("/"));
  const candidates = isPath ? [resolve(folder, word)] : folders.map((each) => resolve(each, word));
  const found = candidates.find(isProgram);
  if (found !== undefined) return realpathSync(found);
  const places = isPath ? `"${candidates[0]}" is no program` : "PATH has no such program";
  throw new ServantError("usage.invalid", `Cannot allow to run "${word}": ${places}`);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // there is nothing, or nothing that this user may run
  }
}
