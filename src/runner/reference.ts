/** Finds the file behind `module:Class`. */
import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, resolve } from "node:path";
import { messageOf, ServantError } from "../core/errors.ts";

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
  const isFile = /^[.~]|\.[cm]?[jt]sx?$/.test(module) || isAbsolute(module);
  if (!isFile) return resolvePackage(module, from);
  const path = resolve(from, module.replace(/^~(?=\/)/, homedir()));
  if (existsSync(path) && statSync(path).isFile()) return path;
  throw new ServantError("plugin.not-found", `Cannot find plugin file "${path}"`);
}

function resolvePackage(name: string, from: string): string {
  try {
    return Bun.resolveSync(name, from);
  } catch (cause) {
    const file = resolve(from, name);
    const likely = [".ts", ".js"].find((extension) => existsSync(file + extension));
    const advice = likely === undefined ? "" : `; did you mean "./${name}${likely}"?`;
    throw new ServantError(
      "plugin.not-found",
      `Cannot find package "${name}" from "${from}"${advice || `: ${messageOf(cause)}`}`,
      { cause },
    );
  }
}
