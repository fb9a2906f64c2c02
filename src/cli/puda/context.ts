/** What every `agent puda` subcommand starts from. */
import { readFileSync } from "node:fs";
import { exitCodes, messageOf, ServantError } from "../../core/errors.ts";
import { CommandService, type Notice, noticeText } from "../../puda/index.ts";
import { type Output, openOutput, printable, warn } from "../output.ts";
import { stopSignals } from "../stop-signals.ts";

export interface PudaCommandOptions {
  readonly to?: string;
  readonly natsUser?: string;
  readonly natsCreds?: string;
  readonly natsCa?: string;
  /** A file. */
  readonly payloadKey?: string;
  /** Seconds. */
  readonly timeout?: number;
  /** Print JSON, for programs. */
  readonly json?: boolean;
}

export interface PudaContext {
  readonly service: CommandService;
  readonly out: Output;
  readonly json: boolean;
  /** The first Ctrl-C. A second one ends the command at once. */
  readonly stop: AbortSignal;
  readonly timeoutMs: number | undefined;
  /** Takes the place of stderr for what is told meanwhile; undefined: it is stderr again. */
  readonly leaveNoticesTo: (above: ((text: string) => void) | undefined) => void;
}

/** The exit code of what a person interrupted. */
export const INTERRUPTED = 130;
const HERE = /^nats:\/\/(?:127\.|localhost\b|\[::1\])/;

/** Runs one subcommand on the servers that its options name; resolves to the exit code. */
export async function withService(
  options: PudaCommandOptions,
  run: (context: PudaContext) => Promise<number>,
): Promise<number> {
  const { to, timeout, json = false } = options;
  const { stop, hurry } = stopSignals();
  hurry.addEventListener("abort", () => process.exit(INTERRUPTED), { once: true });
  let above: ((text: string) => void) | undefined;
  const tell = (notice: Notice) => {
    if (notice.type === "response.unclaimed") return; // another commander's, who shares the machine
    const line = printable(noticeText(notice));
    if (above === undefined) warn(line);
    else above(`agent: ${line}\n`);
  };
  const timeoutMs = timeout === undefined ? undefined : timeout * 1_000;
  let service: CommandService;
  try {
    service = await CommandService.connect({
      servers: to === undefined ? undefined : [to],
      user: options.natsUser,
      credsFile: options.natsCreds,
      caFile: options.natsCa,
      labKey: keyIn(options.payloadKey ?? process.env.PUDA_KEY_FILE),
      onNotice: tell,
    });
  } catch (cause) {
    return notConnected(cause, to);
  }
  try {
    const out = openOutput(process.stdout, process.env);
    const leaveNoticesTo = (place: typeof above) => {
      above = place;
    };
    return await run({ service, out, json, stop, timeoutMs, leaveNoticesTo });
  } catch (cause) {
    if (cause !== stop.reason) throw cause;
    warn("stopped");
    return INTERRUPTED;
  } finally {
    await service.close();
  }
}

function keyIn(path: string | undefined): string | undefined {
  if (path === undefined || path === "") return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const problem = `Cannot read the key file "${path}": ${messageOf(cause)}`;
    throw new ServantError("key.invalid", problem, { cause });
  }
}

/** The table's hint speaks to a servant that waits; a person at a prompt wants a way out. */
function notConnected(cause: unknown, to: string | undefined): number {
  const isAway = cause instanceof ServantError && cause.code === "backend.unreachable";
  const where = to ?? process.env.NATS_SERVERS;
  if (!isAway || (where && !HERE.test(where))) throw cause;
  const hint = "Start one with `nats-server -js`, or name another with --to";
  process.stderr.write(`agent: ${cause.message}\nhint: ${hint}\n`);
  return exitCodes[cause.kind];
}
