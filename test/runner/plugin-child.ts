/** Real plugin children for tests: source in a temporary folder, run by this program's own entry. */
import { join } from "node:path";
import { root } from "../../scripts/binary.ts";
import { Supervisor, type SupervisorOptions } from "../../src/agent/supervisor.ts";
import type { Assignment, AuditId } from "../../src/core/assignment.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { Ledger } from "../../src/core/ledger.ts";
import type { Runner } from "../../src/core/ports.ts";
import type { Builtins } from "../../src/runner/builtin/builtins.ts";
import { childEnvironment } from "../../src/runner/environment.ts";
import { type ProcessOptions, pluginProcess } from "../../src/runner/plugin-process.ts";
import { systemClock } from "../../src/system/clock.ts";
import { MemoryDisk, MemoryJournal } from "../support/memory-journal.ts";
import { type Project, project } from "../support/project.ts";

export const entry = join(root, "src", "main.ts");
export const never = new AbortController().signal;

/** Imports that most sources need; a line of its own, so that positions are easy to tell. */
export const IMPORTS = `import { action, belief, BeliefResult, objectType, fluent, reconcile, Reconcile, safe, transition, z } from "servant-agent";\n`;

/** A class `P` with these members; `@act("name")` marks a handler that takes any parameters. */
export function pluginSource(members: string): string {
  return `${IMPORTS}const act = (name, options = {}) =>
  action(name, { params: { safeParse: (data) => ({ success: true, data }) }, ...options });
const seen = fluent("seen");
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export class P {
${members}
}
`;
}

export interface OpenChild extends AsyncDisposable {
  readonly runner: Runner;
  readonly events: readonly AgentEvent[];
  readonly folder: string;
  /** The child that was started last. */
  pid(): number;
  logs(): Extract<AgentEvent, { type: "plugin.log" }>[];
  /** Resolves with the first event, past or to come, for which `matches` gives a value. */
  seen<T>(matches: (event: AgentEvent) => T | undefined): Promise<T>;
  close(): Promise<void>;
}

export interface OpenOptions
  extends Partial<Omit<SupervisorOptions & ProcessOptions, "publish" | "clock" | "spawn">> {
  /** What is known of the machine: a fresh journal's unless given. */
  readonly ledger?: Ledger;
  /** Where the child starts. */
  readonly cwd?: string;
  /** Actions of the agent's own beside the plugin's. */
  readonly builtins?: Builtins;
}

/** The child of a file `plugin.ts` that exports `P`, or of several files. */
export async function openChild(
  files: string | Readonly<Record<string, string>>,
  options: OpenOptions = {},
): Promise<OpenChild> {
  const made = await project(typeof files === "string" ? { "plugin.ts": files } : files);
  return await openIn(made, join(made.path, "plugin.ts"), "P", options);
}

/** The child of any file; the folder goes with it. */
export async function openIn(
  folder: Project,
  path: string,
  className: string,
  options: OpenOptions = {},
): Promise<OpenChild> {
  const events: AgentEvent[] = [];
  const waiting = new Set<(event: AgentEvent) => void>();
  const publish = (event: AgentEvent) => {
    events.push(event);
    for (const tell of waiting) tell(event);
  };
  const { builtins, cwd, ...rest } = options;
  const beside = builtins === undefined ? [] : [JSON.stringify(builtins)];
  const command = [process.execPath, entry, "__plugin", path, className, ...beside];
  const spawn = pluginProcess({
    call: () => Promise.resolve(null),
    env: childEnvironment(process.env, []),
    // Bun.spawn has no folder of its own here: the shell steps there and becomes the child.
    command: cwd === undefined ? command : ["sh", "-c", 'cd "$0" && exec "$@"', cwd, ...command],
    ...rest,
    publish,
  });
  const limits = { hangTimeoutMs: 15_000, cancelGraceMs: 10_000, safeTimeoutMs: 10_000 };
  const runner = new Supervisor({ ...limits, ...rest, clock: systemClock, publish, spawn });
  const close = () => runner.close();
  try {
    await runner.open(options.ledger ?? (await freshLedger()));
  } catch (cause) {
    await close();
    await folder[Symbol.asyncDispose]();
    throw cause;
  }
  return {
    runner,
    events,
    folder: folder.path,
    close,
    pid: () => events.findLast((event) => event.type === "child.started")?.pid ?? 0,
    logs: () => events.filter((event) => event.type === "plugin.log"),
    seen: (matches) =>
      new Promise((resolve) => {
        const tell = (event: AgentEvent) => {
          const found = matches(event);
          if (found === undefined) return;
          waiting.delete(tell);
          resolve(found);
        };
        waiting.add(tell);
        for (const event of events) tell(event);
      }),
    async [Symbol.asyncDispose]() {
      await close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export function freshLedger(): Promise<Ledger> {
  return Ledger.open(new MemoryJournal(new MemoryDisk(), "http://fake"));
}

let count = 0;

export function act(transition: string, params: JsonObject = {}): Assignment {
  count += 1;
  return { kind: "action", auditId: `audit-${count}` as AuditId, transition, params };
}

export function ask(fluent: string): Assignment {
  count += 1;
  return { kind: "belief", auditId: `audit-${count}` as AuditId, fluent };
}

/** Matches the log line with this message. */
export function line(message: string) {
  return (event: AgentEvent) =>
    event.type === "plugin.log" && event.message === message ? event : undefined;
}

/** True while a process of this id runs; one that ended and waits for its parent does not. */
export async function isAlive(pid: number): Promise<boolean> {
  const status = Bun.file(`/proc/${pid}/stat`);
  const text = await status.text().catch(() => "");
  return text !== "" && !/\) [ZX] /.test(text);
}

/** Resolves when the process is gone. The test's own time limit ends a wait in vain. */
export async function gone(pid: number): Promise<void> {
  while (await isAlive(pid)) await Bun.sleep(5);
}
