/** The machines that `bench/puda.ts` measures: three Python releases and the compiled agent. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { ensureBinary } from "../scripts/binary.ts";
import {
  PUDA_ENVIRONMENT,
  PUDA_VERSIONS,
  type PudaVersion,
  pudaMachineCommand,
  pudaPython,
} from "../test/support/puda-peers.ts";
import type { Writer } from "../test/support/wire-commander.ts";
import { end, nowMs } from "./processes.ts";

export interface Machine {
  readonly name: "ours" | PudaVersion;
  readonly id: string;
  /** How the commanders of its release write. */
  readonly writer: Writer;
  command(): readonly string[];
}

export const NAMES = {
  N: "puda 0.0.21",
  C: "puda-comms 0.0.14",
  S: "puda-comms 0.0.2",
  ours: "ours",
};

/** Those that can be had on this machine; ours keeps its journal in `folder`, on disk. */
export async function machines(url: string, folder: string): Promise<readonly Machine[]> {
  const all: Machine[] = [];
  for (const version of PUDA_VERSIONS) {
    const python = await pudaPython(version);
    if (python === undefined) continue;
    const id = `bench-${version.toLowerCase()}`;
    const command = pudaMachineCommand({ version, python, url }, id);
    all.push({ name: version, id, writer: version === "S" ? "S" : "N", command: () => command });
  }
  const plugin = join(import.meta.dir, "noop-plugin.ts:Noop");
  const own = [await ensureBinary(), "connect", plugin, "--to", url, "--machine-id", "bench-ours"];
  const command = () => [...own, "--state-dir", mkdtempSync(join(folder, "state-"))];
  all.push({ name: "ours", id: "bench-ours", writer: "N", command });
  return all;
}

/** A machine that runs: it has sent its first heartbeat. */
export interface Started {
  readonly child: Bun.Subprocess;
  readonly readyMs: number;
}

export class Starter implements AsyncDisposable {
  readonly #connection: NatsConnection;
  private constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  static async open(url: string): Promise<Starter> {
    return new Starter(await connect({ servers: url }));
  }

  /** From the call that starts the process to the heartbeat's bytes. */
  async start({ command, id, name }: Machine): Promise<Started> {
    const beat = this.#connection.subscribe(`puda.${id}.tlm.heartbeat`, { max: 1 });
    await this.#connection.flush();
    const line = command();
    const startedAtMs = nowMs();
    const child = Bun.spawn([...line], {
      env: { ...process.env, ...PUDA_ENVIRONMENT, RIG: "bare" },
      stdio: ["ignore", "ignore", "ignore"],
    });
    const late = setTimeout(() => beat.unsubscribe(), 30_000);
    for await (const _ of beat) {
      clearTimeout(late);
      return { child, readyMs: nowMs() - startedAtMs };
    }
    child.kill("SIGKILL");
    throw new Error(`no heartbeat of ${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

/** Python machines end on an interrupt only. */
export async function stop({ child }: Started, { name }: Machine): Promise<void> {
  if (name === "ours") return await end(child);
  child.kill("SIGKILL");
  await child.exited;
}
