/** The servers that `bench/scenario.ts` measures: two of pyzmq, and the compiled agent. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { encodeMessage } from "../src/adapters/zmtp/frames.ts";
import type { JsonObject } from "../src/core/json.ts";
import { encodeMap } from "../src/wire/scenario-msgpack.ts";
import { ensureBinary, root } from "../test/support/binary.ts";
import { RawZmtp } from "../test/support/raw-zmtp.ts";
import { PROBE } from "../test/support/scenario-server.ts";
import { nowMs } from "./processes.ts";

/** The floor, a server that does as little as one can, and ours. */
export type ServerName = "echo" | "dict" | "ours";

export interface Server {
  readonly name: ServerName;
  readonly tcp: string;
  readonly ipc: string;
  command(): readonly string[];
}

const FIRST_PORT = 17_640;

/** Ours keeps its journal in `folder`, on disk. */
export async function servers(python: string, folder: string): Promise<readonly Server[]> {
  const plain = [python, join(root, "test", "peer", "scenario_server.py")];
  const agent = await ensureBinary();
  return (["echo", "dict", "ours"] as const).map((name, nth) => {
    const tcp = `tcp://127.0.0.1:${FIRST_PORT + nth}`;
    const ipc = `ipc://${folder}/${name}.sock`;
    const own = () => [
      ...[agent, "serve", PROBE, "--listen", tcp, "--listen", ipc, "--concurrency", "64"],
      ...["--no-local", "--state-dir", mkdtempSync(join(folder, "state-"))],
    ];
    return { name, tcp, ipc, command: name === "ours" ? own : () => [...plain, name, tcp, ipc] };
  });
}

export interface Started {
  readonly child: Bun.Subprocess;
  /** From the call that starts the process to the answer of a heartbeat over TCP. */
  readonly listeningMs: number;
  /** The same to the answer of an `init`: it can do something. */
  readonly readyMs: number;
}

/** @throws Error when it does not answer */
export async function startServer({ name, tcp, command }: Server): Promise<Started> {
  const line = command();
  const startedAtMs = nowMs();
  const child = Bun.spawn([...line], { stdio: ["ignore", "ignore", "ignore"] });
  try {
    using raw = await connected(tcp);
    // Not before the handshake is done: libzmq closes on what comes before it has sent its READY.
    raw.send(request("heartbeat", {}));
    await answer(raw);
    const listeningMs = nowMs() - startedAtMs;
    const action = { action_id: "first", plugin_key: "probe.ok", init_args: {} };
    raw.send(request("init", action));
    const said = await answer(raw);
    if (name !== "echo" && !said.includes("ok")) throw new Error(`${name}: ${said}`);
    return { child, listeningMs, readyMs: nowMs() - startedAtMs };
  } catch (cause) {
    child.kill("SIGKILL");
    throw cause;
  }
}

/** Python does not end on a request. */
export async function stopServer(child: Bun.Subprocess): Promise<void> {
  child.kill("SIGKILL");
  await child.exited;
}

/** As soon as somebody listens. */
async function connected(url: string): Promise<RawZmtp> {
  for (const late = AbortSignal.timeout(20_000); ; await Bun.sleep(1)) {
    try {
      return await RawZmtp.ready(url);
    } catch (cause) {
      if (late.aborted) throw cause;
    }
  }
}

function request(cmd: string, payload: JsonObject): Uint8Array {
  return encodeMessage([new Uint8Array()], [encodeMap({ cmd, payload })]);
}

async function answer(raw: RawZmtp): Promise<string> {
  const [, , , size = 0] = await raw.take(4);
  return (await raw.take(size)).toString("latin1");
}
