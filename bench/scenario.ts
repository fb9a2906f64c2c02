/**
 * `agent serve` beside a REP of pyzmq that answers from a dict, and one that only echoes, as the stock
 * client of scenario-execution asks them: `npm run bench:scenario` (under two minutes; `-- --quick` for a
 * look, `-- --json` for a program). One run, in turns; medians over the rounds. Ours is the compiled
 * agent with its plugin in a child process and its journal on disk. Linux.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuOf } from "../src/system/process-mark.ts";
import { ScenarioClient } from "../test/support/scenario-client.ts";
import { zmqPython } from "../test/support/zmq-python.ts";
import { family, percentile } from "./processes.ts";
import { type Figures, noFigures, report } from "./scenario-report.ts";
import { type Server, type Started, servers, startServer, stopServer } from "./scenario-servers.ts";

const given = (flag: string) => process.argv.includes(flag);
const isQuick = given("--quick");
const ROUNDS = isQuick ? 5 : 20;
const PER_ROUND = isQuick ? 200 : 500;
const STARTS = isQuick ? 3 : 9;
const BLOCKS = isQuick ? 1 : 3;
const BLOCK_S = 2;
const CROWD = { clients: 64, hertz: 10, warmS: 1, seconds: 8, rounds: isQuick ? 1 : 3 };

interface Subject {
  readonly server: Server;
  readonly started: Started;
  readonly figures: Figures;
}

const progress = (text: string) => process.stderr.write(`${text}\n`);

/** The last start of each stays for what follows. */
async function startAll(all: readonly Server[]): Promise<Subject[]> {
  const figures = all.map(({ name }) => noFigures(name));
  const started: Started[] = [];
  for (let round = 0; round <= STARTS; round += 1) {
    progress(round === 0 ? "start: once unmeasured" : `start: ${round} of ${STARTS}`);
    for (const [at, server] of all.entries()) {
      const earlier = started[at];
      if (earlier !== undefined) await stopServer(earlier.child);
      const now = await startServer(server);
      started[at] = now;
      if (round === 0) continue;
      figures[at]?.listeningMs.push(now.listeningMs);
      figures[at]?.readyMs.push(now.readyMs);
    }
  }
  return all.map((server, at) => {
    return { server, started: started[at] as Started, figures: figures[at] as Figures };
  });
}

/** Updates of an action that runs, by one client that has a connection to each. */
async function measureUpdates(subjects: readonly Subject[], client: ScenarioClient): Promise<void> {
  const lines = [];
  for (const { server, figures } of subjects) {
    for (const transport of ["tcp", "ipc"] as const) {
      const begin = server.name === "echo" ? "open" : "begun";
      const remote = await client[begin](server[transport], "probe.wait");
      await remote.measure(1_000); // so that what is measured is compiled
      lines.push({ remote, us: figures.updateUs[transport] });
    }
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let at = 0; at < lines.length; at += 1) {
      const { remote, us } = lines[(at + round) % lines.length] as (typeof lines)[number];
      const took = await remote.measure(PER_ROUND);
      us.p50.push(percentile(took, 0.5));
      us.p99.push(percentile(took, 0.99));
    }
  }
  for (const { remote } of lines) await remote.close();
}

/** What one client waits for its updates while another one's action goes on for `BLOCK_S`. */
async function measureBlocked(subjects: readonly Subject[], python: string): Promise<void> {
  using watching = new ScenarioClient(python);
  using blocking = new ScenarioClient(python);
  for (const { server, figures } of subjects.filter(({ server: { name } }) => name !== "echo")) {
    const watcher = await watching.begun(server.tcp, "probe.wait");
    // A server of one thread waits as it blocks.
    const kinds = ["probe.block", "probe.wait"] as const;
    for (const key of server.name === "dict" ? kinds.slice(0, 1) : kinds) {
      const blocker = await blocking.open(server.tcp, key);
      await blocker.init();
      await blocker.setup();
      await watcher.watch(0.01);
      await watcher.told();
      const executed = blocker.execute({ seconds: BLOCK_S });
      await Bun.sleep(BLOCK_S * 1_000);
      await executed;
      const { updates } = await watcher.heard();
      await watcher.unwatch();
      figures.blockedMs[key].push(...updates.map(([, ms]) => ms));
      await blocker.close();
    }
    await watcher.close();
  }
}

/** The processor that many clients cost, all processes of the server together. */
async function measureCrowd({ server, started, figures }: Subject, python: string): Promise<void> {
  const { clients, hertz, seconds, warmS } = CROWD;
  const script = join(import.meta.dir, "scenario_crowd.py");
  const args = [server.tcp, clients, hertz, seconds + 2 * warmS].map(String);
  const crowd = Bun.spawn([python, script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const reader = crowd.stdout.getReader();
  await reader.read();
  await Bun.sleep(warmS * 1_000);
  const pids = family(started.child.pid);
  const used = () => pids.reduce((sum, pid) => sum + (cpuOf(pid) ?? Number.NaN), 0);
  const [usedS, atMs] = [used(), performance.now()];
  await Bun.sleep(seconds * 1_000);
  figures.crowdCpuPercent.push(((used() - usedS) / (performance.now() - atMs)) * 1_000 * 100);
  let said = "";
  for (let read = await reader.read(); read.value; read = await reader.read()) {
    said += new TextDecoder().decode(read.value);
  }
  const { late_beats, took_us } = JSON.parse(said) as { took_us: number[]; late_beats: number };
  if (late_beats > 0) throw new Error(`${server.name}: ${late_beats} heartbeats were late`);
  figures.crowdP99Ms.push(percentile(took_us, 0.99) / 1_000);
}

const python = await zmqPython();
if (python === undefined) process.exit(1);
const folder = mkdtempSync(join(tmpdir(), "servant-scenario-bench-"));
let subjects: Subject[] = [];
try {
  subjects = await startAll(await servers(python, folder));
  using client = new ScenarioClient(python);
  progress("updates");
  await measureUpdates(subjects, client);
  for (let round = 1; round <= BLOCKS; round += 1) {
    progress(`beside one that blocks: ${round} of ${BLOCKS}`);
    await measureBlocked(subjects, python);
  }
  const served = subjects.filter(({ server }) => server.name !== "echo");
  for (const subject of served) {
    if (subject.server.name !== "ours") continue;
    progress(`${CROWD.clients} clients: while its code is still being compiled`);
    await measureCrowd({ ...subject, figures: noFigures("ours") }, python);
  }
  for (let round = 1; round <= CROWD.rounds; round += 1) {
    progress(`${CROWD.clients} clients: ${round} of ${CROWD.rounds}`);
    for (const subject of served) await measureCrowd(subject, python);
  }
  const isReached = report(
    subjects.map(({ figures }) => figures),
    { isJson: given("--json"), rounds: ROUNDS, perRound: PER_ROUND },
  );
  process.exitCode = isReached ? 0 : 1;
} finally {
  for (const { started } of subjects) await stopServer(started.child);
  rmSync(folder, { recursive: true, force: true });
}
