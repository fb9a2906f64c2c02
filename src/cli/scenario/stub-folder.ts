/**
 * A folder that this program writes again and again, and nobody else. A list in it says what is its
 * own: whatever else lies there is never touched, but for what pip leaves of building it.
 */
import { mkdir, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { ServantError } from "../../core/errors.ts";
import type { Files } from "../../stubs/package.ts";

const LIST = ".agent-stub";
/** pip's copies of the files, which would come along in the next build though they are gone. */
const BUILT = /^(?:build|.+\.egg-info)$/;

/**
 * Writes the files, and takes away what an earlier call wrote and this one does not.
 *
 * @throws {ServantError} `scenario.foreign-folder`, unless forced: then what is there stays
 */
export async function writeOwnFolder(
  folder: string,
  files: Files,
  { force }: { readonly force: boolean },
): Promise<void> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException): string[] => {
    if (cause.code === "ENOENT") return [];
    throw new ServantError("scenario.foreign-folder", `Cannot write "${folder}"`, { cause });
  });
  const isOwn = names.includes(LIST);
  if (!isOwn && names.length > 0 && !force) {
    const problem = `Cannot write "${folder}": it holds what is not of this command`;
    throw new ServantError("scenario.foreign-folder", problem);
  }
  if (isOwn) await takeAway(folder, names, files);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  // A folder that it was forced into stays whose it was.
  const list = `${Object.keys(files).sort().join("\n")}\n`;
  if (isOwn || names.length === 0) await writeFile(join(folder, LIST), list);
}

async function takeAway(folder: string, names: readonly string[], files: Files): Promise<void> {
  for (const name of names.filter((each) => BUILT.test(each))) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
  const listed = (await readFile(join(folder, LIST), "utf8")).split("\n");
  const gone = listed.filter((path) => isWithin(path) && !(path in files));
  for (const path of gone) await rm(join(folder, path), { force: true });
  // The innermost first; one that holds anything else stays.
  const folders = new Set(gone.flatMap(foldersOf).sort((a, b) => b.length - a.length));
  for (const path of folders) await rmdir(join(folder, path)).catch(() => {});
}

function isWithin(path: string): boolean {
  return path !== "" && normalize(path) === path && !path.startsWith("/") && !path.startsWith("..");
}

function foldersOf(path: string): string[] {
  const above = dirname(path);
  return above === "." ? [] : [above, ...foldersOf(above)];
}
