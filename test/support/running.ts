/** Programs that run beside a test, as their users start them. */
import { ensureBinary, root } from "./binary.ts";

/** How long a condition may take before a test fails: a Python start on a busy machine. */
export const PATIENCE_MS = 20_000;

export interface Running {
  /** Resolves when the output so far matches; rejects when the process ends without it. */
  until(pattern: RegExp): Promise<RegExpMatchArray>;
  output(): string;
  readonly pid: number;
  readonly exited: Promise<number>;
  kill(signal?: NodeJS.Signals): void;
}

export function start(command: readonly string[], env: Record<string, string> = {}): Running {
  const child = Bun.spawn([...command], {
    cwd: root,
    env: { ...process.env, PYTHONUNBUFFERED: "1", DYNOS_CONFIG_PATH: "/nonexistent", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let output = "";
  let changed = Promise.withResolvers<void>();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      output += decoder.decode(bytes, { stream: true });
      changed.resolve();
      changed = Promise.withResolvers<void>();
    }
  };
  const drained = Promise.all([read(child.stdout), read(child.stderr)]);
  const ended = drained.then(() => "ended" as const);
  return {
    pid: child.pid,
    output: () => output,
    exited: drained.then(() => child.exited),
    kill: (signal = "SIGTERM") => child.kill(signal),
    async until(pattern) {
      const late = AbortSignal.timeout(PATIENCE_MS);
      const timeout = new Promise<"late">((resolve) =>
        late.addEventListener("abort", () => resolve("late"), { once: true }),
      );
      for (;;) {
        const found = output.match(pattern);
        if (found !== null) return found;
        const next = await Promise.race([changed.promise, ended, timeout]);
        const last = output.match(pattern);
        if (next !== undefined && last === null)
          throw new Error(`${next}, no ${pattern}: ${output}`);
      }
    },
  };
}

export interface Host extends Disposable {
  readonly host: Running;
  readonly url: string;
}

/** `agent host` on a free port, ready. With `using` it ends with its scope, whatever happens there. */
export async function startHost(...args: string[]): Promise<Host> {
  const host = start([await ensureBinary(), "host", "--port", "0", "--json", ...args]);
  const [, url = ""] = await host.until(/"url":"([^"]+)"/);
  return { host, url, [Symbol.dispose]: () => host.kill("SIGKILL") };
}
