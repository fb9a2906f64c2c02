/**
 * Round trips of a 70-byte request over TCP and a socket file, as pyzmq's REQ measures them: our REP
 * beside a REP of pyzmq that echoes, and one that unpacks and packs msgpack. One run, in turns:
 * `npm run bench:zmtp`; `-- --quick` for a look. The peers are of PyPI, made on the first run.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zmqPython } from "../test/support/zmq-python.ts";
import { end, percentile } from "./processes.ts";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 5 : 20;
const PER_ROUND = quick ? 200 : 500;
const FIRST_PORT = 17_613;

const python = await zmqPython();
if (python === undefined) process.exit(1);
const folder = mkdtempSync(join(tmpdir(), "zmtp-bench-"));
const peer = [python, join(import.meta.dir, "zmtp_peer.py")];
const ours = [process.execPath, join(import.meta.dir, "zmtp-server.ts")];

const servers = [
  { name: "pyzmq, echo", command: [...peer, "serve", "echo"] },
  { name: "pyzmq, msgpack and a dict", command: [...peer, "serve", "dict"] },
  { name: "ours, echo", command: ours },
].flatMap(({ name, command }, nth) => [
  { name: `${name}, TCP`, command, url: `tcp://127.0.0.1:${FIRST_PORT + nth}` },
  { name: `${name}, socket file`, command, url: `ipc://${folder}/${nth}.sock` },
]);

const children: Bun.Subprocess<"ignore", "pipe", "inherit">[] = [];
try {
  for (const { command, url } of servers) {
    const stdio = ["ignore", "pipe", "inherit"] as const;
    const child = Bun.spawn([...command, url], { stdio: [...stdio] });
    children.push(child);
    await child.stdout.getReader().read();
  }
  const urls = servers.map(({ url }) => url);
  const ask = Bun.spawn([...peer, "ask", String(ROUNDS), String(PER_ROUND), ...urls], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const took = (await ask.stdout.json()) as Record<string, number[]>;
  console.log("| server | p50 us | p99 us |\n|---|---|---|");
  for (const { name, url } of servers) {
    const us = took[url] ?? [];
    const [p50, p99] = [percentile(us, 0.5), percentile(us, 0.99)];
    console.log(`| ${name} | ${p50.toFixed(0)} | ${p99.toFixed(0)} |`);
  }
} finally {
  for (const child of children) await end(child);
  rmSync(folder, { recursive: true, force: true });
}
