/** What every `agent call` subcommand starts from. */
import { RemoteOrchestrator } from "../../client/orchestrator.ts";
import { exitCodes, ServantError } from "../../core/errors.ts";
import { Connection, isLoopback } from "../../wire/connection.ts";
import { namedTarget } from "../named-target.ts";
import { type Output, openOutput } from "../output.ts";

export interface CallOptions {
  readonly to?: string;
  readonly session?: string;
  /** Print JSON, for programs. */
  readonly json?: boolean;
  /** Seconds to wait for an answer; for the end of what is carried out, no limit unless given. */
  readonly timeout?: number;
}

export interface CallContext {
  readonly orchestrator: RemoteOrchestrator;
  readonly out: Output;
  readonly json: boolean;
  readonly notices: Notices;
}

/** What a person is told beside the answer, on stderr. */
export class Notices {
  #above: ((text: string) => void) | undefined;

  readonly tell = (line: string): void => {
    const text = `agent: ${line}\n`;
    if (this.#above === undefined || !process.stderr.isTTY) process.stderr.write(text);
    else this.#above(text);
  };

  /** While something is drawn at the foot of the terminal, it prints them: it would draw over them. */
  leaveTo(above: ((text: string) => void) | undefined): void {
    this.#above = above;
  }
}

/** Runs one subcommand against the backend its options name; resolves to the exit code. */
export async function withBackend(
  options: CallOptions,
  run: (context: CallContext) => Promise<number>,
): Promise<number> {
  const { to, session, json = false, timeout } = options;
  const target = await namedTarget({ to, session }, process.env);
  const notices = new Notices();
  const orchestrator = new RemoteOrchestrator(new Connection(target), {
    ...(timeout === undefined ? {} : { timeoutMs: timeout * 1_000 }),
    warn: notices.tell,
  });
  try {
    const out = openOutput(process.stdout, process.env);
    return await run({ orchestrator, out, json, notices });
  } catch (cause) {
    const isOurs = cause instanceof ServantError && cause.code === "backend.unreachable";
    if (!isOurs || !isLoopback(new URL(target.url).hostname)) throw cause;
    // The table's hint speaks to a servant that waits; a person at a prompt wants a way out.
    process.stderr.write(
      `agent: ${cause.message}\nhint: start one with \`agent host\`, or name another with --to\n`,
    );
    return exitCodes[cause.kind];
  }
}
