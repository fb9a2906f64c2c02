/** `agent call geojson`: the map of the objects and the track, printed or written to a file. */
import { lstatSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { messageOf, ServantError } from "../../core/errors.ts";
import { printable } from "../output.ts";
import { type CallOptions, withBackend } from "./context.ts";

export type GeojsonOptions = CallOptions & {
  /** A file under the current folder. */
  readonly output?: string;
  /** `output` may be anywhere. */
  readonly allowAnywhere?: boolean;
};

export async function geojson(options: GeojsonOptions): Promise<number> {
  const { output, allowAnywhere = false } = options;
  const path = output === undefined ? undefined : checkedPath(output, allowAnywhere);
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const map = await orchestrator.getGeojson();
    if (path === undefined) out.json(map);
    else {
      writeWhole(path, `${JSON.stringify(map, null, 2)}\n`);
      if (json) out.json({ path });
      else out.line(`Wrote ${printable(path)}`);
    }
    return 0;
  });
}

/**
 * Where to write. A link would lead to a place that nobody typed: it is never followed, neither as the
 * file nor as a folder on the way there.
 *
 * @throws {ServantError} `usage.invalid`
 */
function checkedPath(output: string, mayBeAnywhere: boolean): string {
  const bad = (reason: string) =>
    new ServantError("usage.invalid", `Cannot write "${output.slice(0, 200)}": ${reason}`);
  const here = realpathSync(".");
  const path = resolve(here, output);
  const isUnder = !/^\.\.(?:[\\/]|$)/.test(relative(here, path)) && path !== here;
  if (!isUnder && !mayBeAnywhere) {
    throw bad(`it is outside of the current folder; --allow-anywhere lets it`);
  }
  let folder: string;
  try {
    folder = realpathSync(dirname(path));
  } catch (cause) {
    throw bad(messageOf(cause));
  }
  if (folder !== dirname(path)) throw bad(`a folder on the way is a link; it leads to "${folder}"`);
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there?.isSymbolicLink()) throw bad("it is a link");
  if (there !== undefined && !there.isFile()) throw bad("it is there and no file");
  return path;
}

/** All or nothing; what takes the file's place meanwhile is replaced, not followed. */
function writeWhole(path: string, text: string): void {
  const aside = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`);
  try {
    writeFileSync(aside, text, { flag: "wx" });
    renameSync(aside, path);
  } catch (cause) {
    rmSync(aside, { force: true });
    const problem = `Cannot write "${path}": ${messageOf(cause)}`;
    throw new ServantError("usage.invalid", problem, { cause });
  }
}
