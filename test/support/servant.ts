/** A long-running `agent connect`, as a user starts it, against a backend of the test's. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBinary, root } from "./binary.ts";

export const WORKER = join(root, "test", "fixtures", "servant", "worker.ts:Worker");

/** A folder for one test: the agent's state and the plugin's effects; gone afterwards. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "servant-test-"));
  readonly state = join(this.path, "state");
  readonly effectsFile = join(this.path, "effects");

  /** The effects that handlers left, in order: `auditId what`. */
  effects(): string[] {
    try {
      return readFileSync(this.effectsFile, "utf8").trim().split("\n");
    } catch {
      return []; // no handler ran yet
    }
  }

  /** Ends what a handler of `test/fixtures/puda` holds. */
  release(): void {
    writeFileSync(`${this.effectsFile}.release`, "");
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface LogLine {
  readonly level: string;
  readonly source: string;
  readonly message: string;
  readonly auditId?: string;
  readonly fields: { readonly event?: string };
}

export class RunningServant {
  readonly process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly lines: LogLine[] = [];
  /** Everything it printed that is no log line. */
  readonly stray: string[] = [];
  readonly #read: Promise<void>;

  private constructor(process: Bun.Subprocess<"ignore", "pipe", "pipe">) {
    this.process = process;
    this.#read = this.#follow(process.stderr);
  }

  static async start(
    url: string,
    folder: Folder,
    options: {
      /** A command that runs what stands behind it. */
      readonly under?: readonly string[];
      readonly reference?: string;
      readonly args?: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<RunningServant> {
    const command = [
      ...(options.under ?? []),
      await ensureBinary(),
      "connect",
      options.reference ?? WORKER,
      ...["--to", url, "--state-dir", folder.state, "--log-format", "json"],
      ...["--log-level", "debug", ...(options.args ?? [])],
    ];
    const env = { ...process.env, EFFECTS_FILE: folder.effectsFile, ...options.env };
    return new RunningServant(Bun.spawn(command, { env, stdout: "pipe", stderr: "pipe" }));
  }

  /** Resolves to its exit code, once all it printed is read. */
  async ended(): Promise<number> {
    const code = await this.process.exited;
    await this.#read;
    return code;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    this.process.kill(signal);
    return await this.ended();
  }

  /** The lines of one event. */
  events(name: string): LogLine[] {
    return this.lines.filter(({ fields }) => fields.event === name);
  }

  async #follow(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.startsWith("{")) this.lines.push(JSON.parse(line));
        else this.stray.push(line);
      }
    }
  }
}
