/**
 * Finds the files in which the words of a plugin were written: data crosses to the agent's process,
 * costs and scripts that are code do not, and are read there from the file itself.
 */
import type { Domain } from "../core/domain.ts";
import { isJsonObject } from "../core/json.ts";

/** The files that were loaded here whose default export has one of these very transitions. */
export function vocabularyFiles({ transitions }: Domain): string[] {
  const own = new Set<unknown>(transitions);
  return Object.entries(require.cache).flatMap(([path, module]) => {
    if (!/^\/.*\.ts$/.test(path) || path.includes("/node_modules/")) return [];
    const exported: unknown = module?.exports?.default;
    const listed = isJsonObject(exported) ? exported.transitions : undefined;
    return Array.isArray(listed) && listed.some((each) => own.has(each)) ? [path] : [];
  });
}
