/** Imports a plugin's file and finds its class. */
import { dirname } from "node:path";
import { isServantError, messageOf, ServantError } from "../core/errors.ts";
import { type MakeInstance, type Plugin, type PluginClass, readPlugin } from "../core/plugin.ts";
import type { PluginReference } from "./reference.ts";
import { vocabularyFiles } from "./vocabulary-files.ts";

/** What the binary itself provides to plugins, by import name. */
export type ProvidedModules = Readonly<Record<string, () => Promise<object>>>;

/** Loads the class and lets it register. @throws {ServantError} `plugin.*` */
export async function loadPlugin(
  { path, className }: PluginReference,
  modules: ProvidedModules,
  make?: MakeInstance,
): Promise<Plugin> {
  provide(modules);
  const exported = await importPlugin(path);
  const cls = exported[className];
  if (typeof cls !== "function") {
    const classes = Object.keys(exported).filter((name) => typeof exported[name] === "function");
    const has = classes.length === 0 ? "it exports no class" : `it exports ${classes.join(", ")}`;
    throw new ServantError(
      "plugin.class-missing",
      `Cannot find class "${className}" in "${path}": ${has}`,
    );
  }
  const plugin = await readPlugin(cls as PluginClass, className, make);
  const { vocabulary } = plugin.offer;
  const coded = Object.keys(vocabulary.code ?? {});
  const offer = { ...plugin.offer, coded, vocabularyFiles: vocabularyFiles(vocabulary) };
  return { ...plugin, offer };
}

let isProvided = false;

/**
 * Lets files that are imported from now on find `modules` by name. Bare names must be registered
 * before the first such import, each of them by itself; once in a process is enough.
 */
export function provide(modules: ProvidedModules): void {
  if (isProvided) return;
  isProvided = true;
  Bun.plugin({
    name: "servant-agent",
    setup(build) {
      for (const [name, load] of Object.entries(modules)) {
        build.module(name, async () => ({ exports: { ...(await load()) }, loader: "object" }));
      }
    },
  });
}

async function importPlugin(path: string): Promise<Record<string, unknown>> {
  try {
    return (await import(path)) as Record<string, unknown>;
  } catch (cause) {
    const code = isServantError(cause) && cause.code.startsWith("plugin.") ? cause.code : undefined;
    throw new ServantError(
      code ?? "plugin.load-failed",
      `Cannot load "${path}": ${reasonOf(cause)}`,
      { cause },
    );
  }
}

interface BuildProblem {
  readonly message: string;
  readonly position: {
    readonly file: string;
    readonly line: number;
    readonly column: number;
  } | null;
}

/** A syntax error arrives as one BuildMessage or as an AggregateError of several. */
function reasonOf(cause: unknown): string {
  const problems = cause instanceof AggregateError ? cause.errors : [cause];
  return problems.map(problemLine).join("; ");
}

function problemLine(problem: unknown): string {
  const { position, message } = (problem ?? {}) as Partial<BuildProblem>;
  if (position) return `${position.file}:${position.line}:${position.column}: ${message}`;
  const frame = framesOf(problem).find((each) => !OURS.some((folder) => each.startsWith(folder)));
  return frame === undefined ? messageOf(problem) : `${messageOf(problem)} (${frame})`;
}

/** Where our own code lies: in the binary, or beside this room. What failed is the plugin. */
const OURS = ["/$bunfs/", `${dirname(import.meta.dir)}/`];

/** `path:line:column` of each stack frame that has a whole path. */
function framesOf(problem: unknown): string[] {
  const stack: unknown = problem instanceof Error ? problem.stack : undefined;
  if (typeof stack !== "string") return [];
  return [...stack.matchAll(/^\s+at (?:.*\()?(?:file:\/\/)?(\/.+:\d+:\d+)\)?$/gm)].map(
    (match) => match[1] ?? "",
  );
}
