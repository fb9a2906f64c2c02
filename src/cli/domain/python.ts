/**
 * Reads the vocabulary of a Python module: runs `exporter.py` in the Python that has it. That runs
 * the module's own code, so it only ever happens because a person asked for it.
 */
import { z } from "zod";
import { messageOf, ServantError } from "../../core/errors.ts";
import exporter from "./exporter.py" with { type: "text" };

/** The longest answer that is read. */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024;

const Answer = z.union([
  z.object({ domain: z.unknown(), notes: z.array(z.string()) }),
  z.object({ error: z.string() }),
]);

export interface ExportOptions {
  readonly module: string;
  /** The program; found on the path unless it is one. */
  readonly python: string;
  readonly timeoutMs: number;
  /** The modules of each vocabulary that is used rather than repeated, by its name. */
  readonly known: Readonly<Record<string, readonly string[]>>;
  readonly signal: AbortSignal;
}
export interface Exported {
  /** As it came: to be checked. */
  readonly domain: unknown;
  /** What could not be taken over, for people. */
  readonly notes: readonly string[];
}

/**
 * What the module prints goes to this program's own standard error.
 *
 * @throws {ServantError} `domain.no-python`, `domain.import-failed`
 */
export async function exportModule(options: ExportOptions): Promise<Exported> {
  const { module, timeoutMs, signal } = options;
  const child = start(options);
  const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const end = () => kill(child.pid);
  over.addEventListener("abort", end);
  if (over.aborted) end();
  try {
    const stopped = Promise.withResolvers<undefined>();
    over.addEventListener("abort", () => stopped.resolve(undefined), { once: true });
    const text = await Promise.race([answerOf(child.stdout), stopped.promise]);
    if (signal.aborted) throw failed(module, "it was interrupted");
    if (text === undefined) throw failed(module, `it took over ${timeoutMs / 1_000} s`);
    const code = await child.exited;
    return read(module, text, code);
  } finally {
    over.removeEventListener("abort", end);
    end(); // what the module started beside itself
  }
}

function start({ module, python, known }: ExportOptions) {
  const program = Bun.which(python);
  if (program === null) {
    throw new ServantError(
      "domain.no-python",
      `Cannot import "${module}": there is no "${python}"`,
    );
  }
  return Bun.spawn([program, "-c", exporter, module, JSON.stringify(known)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    detached: true, // a group of its own: it ends with all that the module started
  });
}

async function answerOf(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > ANSWER_MAX_BYTES) break;
  }
  return text;
}

function read(module: string, text: string, code: number): Exported {
  let answer: z.infer<typeof Answer>;
  try {
    answer = Answer.parse(JSON.parse(text));
  } catch (cause) {
    const ended =
      text === "" ? `python ended with ${code}` : `it cannot be read: ${messageOf(cause)}`;
    throw failed(module, ended);
  }
  if ("error" in answer) throw failed(module, answer.error);
  return answer;
}

function kill(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== "ESRCH") throw cause; // nobody is left
  }
}

function failed(module: string, reason: string): ServantError {
  return new ServantError("domain.import-failed", `Cannot import "${module}": ${reason}`);
}
