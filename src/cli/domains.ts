/** The vocabularies that `--domain` names: first-party ones by name, others by file. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { suggestion } from "../backend/nearest.ts";
import type { Domain } from "../core/domain.ts";
import { messageOf, ServantError } from "../core/errors.ts";
import { warehouse } from "../domains/warehouse.ts";
import { provide } from "../runner/load.ts";
import { DomainFile } from "../wire/domain.ts";
import { providedModules } from "./provided-modules.ts";

const firstParty: readonly Domain[] = [warehouse];

/**
 * The domains by their names or files; every first-party one when none is named.
 *
 * @throws {ServantError} `domain.not-found`, `domain.invalid`
 */
export function openDomains(wanted: readonly string[]): Promise<Domain[]> {
  return Promise.all(wanted.length === 0 ? firstParty : wanted.map(openDomain));
}

async function openDomain(wanted: string): Promise<Domain> {
  if (/\.(json|ts)$/.test(wanted)) return await readDomain(resolve(wanted));
  const found = firstParty.find(({ name, modules }) => [name, ...modules].includes(wanted));
  if (found !== undefined) return found;
  const names = firstParty.map(({ name }) => name);
  const hint = `${suggestion(wanted, names)}, or name a .json or .ts file`;
  throw new ServantError("domain.not-found", `Cannot find domain "${wanted}"${hint}`);
}

async function readDomain(path: string): Promise<Domain> {
  const invalid = (reason: string, cause?: unknown) =>
    new ServantError("domain.invalid", `Cannot use domain "${path}": ${reason}`, { cause });
  if (!existsSync(path)) {
    throw new ServantError("domain.not-found", `Cannot find domain file "${path}"`);
  }
  let content: unknown;
  try {
    content = path.endsWith(".json")
      ? JSON.parse(await Bun.file(path).text())
      : await defaultExport(path);
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
  const parsed = DomainFile.safeParse(content);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error).replaceAll("\n", " "));
  return parsed.data;
}

/** A TypeScript vocabulary imports `servant-agent`, which this program provides. */
async function defaultExport(path: string): Promise<unknown> {
  provide(providedModules);
  const module: { default?: unknown } = await import(path);
  if (module.default === undefined) throw new Error("it has no default export");
  return module.default;
}
