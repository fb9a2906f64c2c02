/** `agent scenario stub`: what a plugin does, as a Python package for whoever writes scenarios. */
import { basename, resolve } from "node:path";
import { schemaOf } from "../../core/catalogue.ts";
import { exitCodes, ServantError } from "../../core/errors.ts";
import { suggestion } from "../../core/nearest.ts";
import { type Plugin, unconstructed } from "../../core/plugin.ts";
import { loadPlugin } from "../../runner/load.ts";
import { captureConsole } from "../../runner/print.ts";
import { type PluginReference, resolveReference } from "../../runner/reference.ts";
import { declare, type LeftOut, type Library, type Source } from "../../stubs/declare.ts";
import { oneLine } from "../../stubs/notes.ts";
import { packageNameOf, packageOf } from "../../stubs/package.ts";
import { nameProblem, snakeCase } from "../../stubs/words.ts";
import { signatureText } from "../../stubs/write-osc.ts";
import { type Output, openOutput, printable, warn } from "../output.ts";
import { providedModules } from "../provided-modules.ts";
import { writeOwnFolder } from "./stub-folder.ts";

export interface StubOptions {
  readonly output: string;
  readonly name?: string;
  /** Actions that are left out. */
  readonly skip: readonly string[];
  readonly force?: boolean;
  readonly json?: boolean;
}

/**
 * Exit code 1 when an action could not be declared.
 *
 * @throws {ServantError} `plugin.*`, `scenario.bad-name`, `scenario.no-actions`,
 * `scenario.foreign-folder`
 */
export async function stub(reference: string, options: StubOptions): Promise<number> {
  const place = resolveReference(reference, process.cwd());
  const name = options.name ?? snakeCase(place.className);
  const problem = nameProblem(name, "library");
  if (problem !== undefined) {
    throw new ServantError("scenario.bad-name", `Cannot call the library "${name}": it ${problem}`);
  }
  const sources = chosen(sourcesOf(await read(place)), options.skip);
  const { library, leftOut } = declare(name, sources);
  if (library.actions.length === 0) throw nothingSaid(reference, leftOut);
  const files = packageOf(library, oneLine(`${basename(place.path)}:${place.className}`));
  const folder = resolve(options.output);
  await writeOwnFolder(folder, files, { force: options.force === true });
  const out = openOutput(process.stdout, process.env);
  if (options.json) out.json(report(folder, library, leftOut, Object.keys(files)));
  else tell(out, options.output, library);
  for (const { action, reasons } of leftOut) {
    warn(`warning: "${printable(action)}" is left out: ${printable(reasons.join("; "))}`);
  }
  return leftOut.length > 0 ? exitCodes.permanent : 0;
}

/** What it prints as it loads is no part of what this command prints. */
async function read(place: PluginReference): Promise<Plugin> {
  const giveBack = captureConsole(
    () => undefined,
    ({ message }) => void process.stderr.write(`${message}\n`),
  );
  try {
    return await loadPlugin(place, providedModules, unconstructed);
  } finally {
    giveBack();
  }
}

function sourcesOf({ actions }: Plugin): Source[] {
  return [...actions.values()].flatMap(({ mark }) => {
    if (mark.kind !== "action") return [];
    const { name, options } = mark;
    return [{ name, description: options.description, schema: schemaOf(mark) }];
  });
}

function chosen(sources: readonly Source[], skip: readonly string[]): Source[] {
  const names = sources.map(({ name }) => name);
  const unknown = skip.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const problem = `Cannot skip "${unknown}": the plugin has no such action`;
    throw new ServantError("usage.invalid", `${problem}${suggestion(unknown, names)}`);
  }
  return sources.filter(({ name }) => !skip.includes(name));
}

function nothingSaid(reference: string, leftOut: readonly LeftOut[]): ServantError {
  const why = leftOut.map(({ action, reasons }) => `"${action}": ${reasons.join("; ")}`);
  const problem = `Cannot declare any action of "${reference}"`;
  return new ServantError("scenario.no-actions", [problem, ...why].join("; "));
}

function report(
  folder: string,
  library: Library,
  leftOut: readonly LeftOut[],
  files: readonly string[],
) {
  return {
    folder,
    library: `osc.${library.name}`,
    package: packageNameOf(library.name),
    actions: library.actions.map(({ name }) => name),
    left_out: leftOut,
    files,
  };
}

function tell({ line, paint }: Output, folder: string, library: Library): void {
  line(`${folder}: osc.${library.name}, in the Python package ${packageNameOf(library.name)}`);
  for (const action of library.actions)
    line(`  ${printable(signatureText(action, library.types))}`);
  line(paint.dim(`${installCommand(folder)} makes it known to scenario-execution`));
}

/** As a shell reads it. A bare `stubs` would be somebody's package on PyPI to pip: a folder has a slash. */
export function installCommand(folder: string): string {
  const path = /^\.{0,2}\//.test(folder) ? folder : `./${folder}`;
  const isPlain = /^[\w./+@%:,=-]+$/.test(path);
  return `pip install ${isPlain ? path : `'${path.replaceAll("'", "'\\''")}'`}`;
}
