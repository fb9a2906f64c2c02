/**
 * `agent logs`: what the agent of this machine logged, and goes on to log. Of a running agent
 * through its door; where none runs, or it does not answer, from the files it left.
 */
import { join } from "node:path";
import type { LocalAgent } from "../../client/local-agent.ts";
import { failureOf } from "../../client/local-agent.ts";
import type { AuditId } from "../../core/assignment.ts";
import { ServantError } from "../../core/errors.ts";
import type { Level, Source } from "../../core/events.ts";
import { canonicalFilter, linesOf, matches, type NumberedLine } from "../../core/log.ts";
import { sinceMs } from "../../core/since.ts";
import { systemClock } from "../../system/clock.ts";
import { openLogFiles } from "../../system/log-files.ts";
import { findAgent, type LocalCommandOptions, stateFolder } from "./find-agent.ts";
import { follow } from "./follow.ts";
import { LogLines } from "./log-lines.ts";

/** How long a running agent may take to begin its answer, in milliseconds. */
const DOOR_WAIT_MS = 5_000;

export interface LogsOptions extends LocalCommandOptions {
  readonly follow?: boolean;
  readonly since?: string;
  readonly level?: Level;
  readonly source?: readonly Source[];
  readonly audit?: string;
}

/** @throws {ServantError} `state.absent`, `local.*`, `usage.invalid` */
export async function logs(options: LogsOptions): Promise<number> {
  const { since } = options;
  if (since !== undefined) checkStart(since);
  const stateDir = stateFolder(options);
  const lines = new LogLines(options.json === true);
  const agent = options.follow ? findAgent(options) : agentOrNone(options);
  if (agent === undefined) {
    await fromDisk(join(stateDir, "log"), options, lines);
    return 0;
  }
  const query = queryOf(options);
  // Without a wish whoever follows sees what comes from now on.
  if (!options.follow || since !== undefined) {
    const answer = await doorsAnswer(agent, query).catch((cause: unknown) => {
      if (options.follow || !isSilent(cause)) throw cause;
      const note = "what it has not written to the disk is missing";
      process.stderr.write(`agent: agent ${agent.target.pid} does not answer: ${note}\n`);
    });
    if (answer === undefined) await fromDisk(join(stateDir, "log"), options, lines);
    else await fromDoor(answer, lines);
  }
  if (options.follow) await follow(agent, () => findAgent(options), query, lines);
  return 0;
}

/** What an agent without a door has logged lies on the disk, as what one that is gone has. */
function agentOrNone(options: LogsOptions): LocalAgent | undefined {
  try {
    return findAgent(options);
  } catch (cause) {
    if (cause instanceof ServantError && cause.code === "local.absent") return undefined;
    throw cause;
  }
}

function queryOf({ since, level, source = [], audit }: LogsOptions): URLSearchParams {
  const query = new URLSearchParams();
  if (since !== undefined) query.set("since", since);
  if (level !== undefined) query.set("level", level);
  if (audit !== undefined) query.set("auditId", audit);
  for (const each of source) query.append("source", each);
  return query;
}

/** Of an agent that is stuck the log is wanted most: it is not waited for without end. */
async function doorsAnswer(agent: LocalAgent, query: URLSearchParams): Promise<Response> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), DOOR_WAIT_MS);
  try {
    const answer = await agent.fetch("GET", `/v1/logs?${query}`, { signal: patience.signal });
    if (answer.ok) return answer;
    throw refusal(answer.status, await answer.json().catch(() => undefined), query);
  } finally {
    clearTimeout(timer);
  }
}

function isSilent(cause: unknown): boolean {
  return cause instanceof ServantError && cause.code === "local.silent";
}

async function fromDoor(answer: Response, lines: LogLines): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of answer.body ?? []) {
    const texts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = texts.pop() ?? "";
    lines.printTexts(texts);
  }
}

/** What the door does not take of ours, such as a time to come, is the fault of the command line. */
function refusal(status: number, body: unknown, query: URLSearchParams): ServantError {
  const failure = failureOf(status, body);
  const { message } = failure;
  return status === 400 && query.has("since")
    ? new ServantError("usage.invalid", message)
    : failure;
}

async function fromDisk(folder: string, options: LogsOptions, lines: LogLines): Promise<void> {
  const { level, source, audit } = options;
  const filter = canonicalFilter({
    ...(level === undefined ? {} : { level }),
    ...(source === undefined ? {} : { sources: source }),
    ...(audit === undefined ? {} : { auditId: audit as AuditId }),
  });
  const files = openLogFiles(folder, { clock: systemClock, isReadOnly: true });
  try {
    const start = startOf(options.since ?? "0") ?? { seq: 1 };
    let next = "seq" in start ? start.seq : ((await files.seqAt(start.atMs)) ?? Infinity);
    for (;;) {
      const chunk = Number.isFinite(next) ? await files.read(next) : undefined;
      if (chunk === undefined) return;
      // What is before the first line was let go by the quota long ago.
      const isHole = chunk.first > next && lines.lastSeq > 0;
      if (isHole) lines.print([{ gap: { from: next, to: chunk.first - 1 } }]);
      const read = linesOf(new TextDecoder().decode(chunk.bytes)).map(
        (text) => JSON.parse(text) as NumberedLine,
      );
      lines.print(read.filter((line) => matches(filter, line)));
      next = chunk.last + 1;
    }
  } finally {
    await files.close();
  }
}

/** @throws {ServantError} `usage.invalid`: it is none, or nothing can be there yet */
function checkStart(since: string): void {
  const start = startOf(since);
  if (start !== undefined && ("seq" in start || start.atMs <= systemClock.now())) return;
  const reason =
    start === undefined ? "give an age (10m), ISO 8601 or a number" : "it is in the future";
  throw new ServantError("usage.invalid", `Cannot read --since "${since}": ${reason}`);
}

/** The first line's number, or its time; undefined for what is neither. */
function startOf(since: string): { seq: number } | { atMs: number } | undefined {
  if (/^\d{1,15}$/.test(since)) return { seq: Number(since) + 1 };
  const atMs = sinceMs(since, systemClock.now());
  return atMs === undefined ? undefined : { atMs };
}
