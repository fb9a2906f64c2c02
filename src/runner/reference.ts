/** Finds the file behind `module:Class`. */
import { statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, resolve } from "node:path";
import { ServantError } from "../core/errors.ts";

export interface PluginReference {
  /** Absolute. */
  readonly path: string;
  readonly className: string;
}

/**
 * Resolves `./file.ts:Class`, `/abs/file.js:Class`, or `package:Class` and `package/sub:Class`
 * from the folder `from`.
 *
 * @throws {ServantError} `plugin.bad-reference`, `plugin.not-found`
 */
export function resolveReference(reference: string, from: string): PluginReference {
  const colon = reference.lastIndexOf(":");
  const module = reference.slice(0, Math.max(colon, 0));
  const className = reference.slice(colon + 1);
  if (module === "" || !/^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(className)) {
    throw new ServantError(
      "plugin.bad-reference",
      `Cannot use "${reference}": a plugin is written module:Class`,
    );
  }
  return { path: resolveModule(module, from), className };
}

function resolveModule(module: string, from: string): string {
  const path = resolve(from, module.replace(/^~(?=\/)/, homedir()));
  const isPath = /^[.~]/.test(module) || isAbsolute(module);
  const looksLikeFile = /\.[cm]?[jt]sx?$/.test(module);
  if ((isPath || looksLikeFile) && isFile(path)) return path;
  if (!isPath && !looksLikeFile) return resolvePackage(module, from);
  // A package or a file in one may end like a file, as "chart.js" does.
  const found = isPath ? undefined : packageFile(module, from);
  if (found !== undefined) return found;
  const likely = [".ts", ".js"].find((extension) => isFile(path + extension));
  const advice = likely === undefined ? "" : `; did you mean "${module}${likely}"?`;
  throw new ServantError("plugin.not-found", `Cannot find plugin file "${path}"${advice}`);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function packageFile(name: string, from: string): string | undefined {
  try {
    return Bun.resolveSync(name, from);
  } catch {
    return undefined;
  }
}

function resolvePackage(name: string, from: string): string {
  try {
    return Bun.resolveSync(name, from);
  } catch (cause) {
    const file = resolve(from, name);
    const likely = [".ts", ".js"].find((extension) => isFile(file + extension));
    const advice = likely === undefined ? "" : `; did you mean "./${name}${likely}"?`;
    throw new ServantError(
      "plugin.not-found",
      `Cannot find package "${name}" from "${from}"${advice}`,
      { cause },
    );
  }
}
