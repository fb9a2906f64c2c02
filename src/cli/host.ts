/** `agent host`: the embedded planning backend, listening on a port. */
import { createBackend, type Note } from "../backend/backend.ts";
import { learntModules } from "../backend/modules.ts";
import { Vocabulary } from "../backend/vocabulary.ts";
import type { Domain } from "../core/domain.ts";
import { messageOf, ServantError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { pageAnswer } from "../page/answer.ts";
import { systemClock } from "../system/clock.ts";
import { openStateDir } from "../system/state-dir.ts";
import { givingBackAtRest } from "../system/thrift.ts";
import { isLoopback } from "../wire/connection.ts";
import { backendStore, type Opened } from "./backend-store.ts";
import { Library, namesOf } from "./domain/library.ts";
import { hostLog } from "./host-log.ts";
import { listen } from "./listen.ts";
import { missionFiles } from "./mission-files.ts";
import type { HostOptions } from "./options.ts";
import { robots } from "./robots.ts";
import { aborted, stopSignals } from "./stop-signals.ts";
import { type UnderGateway, underGateway } from "./under-gateway.ts";

/**
 * Requests after which memory is given back at rest: a gateway has a hundred backends, each used now and
 * then. That it greets them is not to be an occasion.
 */
const WORTH_A_COLLECTION = 10;

/**
 * Runs until SIGTERM or SIGINT; resolves to the exit code.
 *
 * @throws {ServantError} `local.port-in-use`, `domain.*`, `state.*`
 */
export async function host(options: HostOptions, version: string): Promise<number> {
  refuseStray(options);
  const { gatewayFd, orphanAfter } = options;
  if (gatewayFd === undefined) return await serveBackend(options, version);
  const gateway = underGateway({ gatewayFd, orphanAfter }, systemClock);
  try {
    return await serveBackend(options, version, gateway);
  } catch (cause) {
    gateway.failed(cause);
    throw cause;
  }
}

/**
 * What only a gateway heeds: somebody who believes it to be in force must not be left in that belief.
 *
 * @throws {ServantError} `usage.invalid`
 */
function refuseStray({ insecureHttp, tlsCert, tlsKey, trustProxy, users }: HostOptions): void {
  const given = { users, "tls-cert": tlsCert, "tls-key": tlsKey, "insecure-http": insecureHttp };
  const [stray] = Object.entries({ ...given, "trust-proxy": trustProxy[0] })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => `--${name}`);
  if (stray === undefined) return;
  throw new ServantError("usage.invalid", `Cannot use ${stray} without --sessions`);
}

async function serveBackend(
  options: HostOptions,
  version: string,
  gateway?: UnderGateway,
): Promise<number> {
  const { bind, lease, silentLease, stateDir: stateDirPath } = options;
  const log = hostLog(options, "backend");
  const library = new Library(options);
  const asked = await library.open(options.domain);
  const stateDir = stateDirPath === undefined ? undefined : openStateDir(stateDirPath);
  try {
    const opened = stateDir === undefined ? undefined : await backendStore(stateDir.path);
    const { domains, notes } = await withLearnt(asked, library, opened);
    const { robot: robotName, timeScale } = options;
    const backend = createBackend({
      domains,
      expected: robotName === undefined ? [] : robots[robotName],
      library,
      clock: systemClock,
      log,
      version,
      page: () => pageAnswer("backend"),
      bodyMaxBytes: options.maxBody,
      leaseMs: lease * 1_000,
      replansMax: options.maxReplans,
      silentLeaseMs: silentLease === "off" ? undefined : silentLease * 1_000,
      missionFiles: options.missions === undefined ? undefined : missionFiles(options.missions),
      ...opened,
      notes,
    });
    const atRest = givingBackAtRest({ heap: true, worthIt: WORTH_A_COLLECTION });
    const { url, port, stop } = listen(backend, options, (request) => {
      atRest();
      return gateway?.admits(request) ?? true;
    });
    if (!isLoopback(bind)) {
      log("warn", `anyone who reaches ${url} controls this backend: it asks for no login`, {});
    }
    const names = domains.map(({ name }) => name);
    tellReady(options, { url, port, domains: names, state_dir: stateDir?.path ?? null });
    const robot =
      robotName === undefined
        ? undefined
        : (await import("./robot.ts")).startRobot({
            robot: robotName,
            timeScale,
            backend,
            version,
            log,
          });
    atRest();
    gateway?.ready();
    const stopping = stopSignals().stop;
    await Promise.race([
      aborted(stopping),
      ...(robot ? [robot.ended] : []),
      ...(gateway ? [gateway.orphaned(stopping)] : []),
    ]);
    log("info", "stopping", {});
    await robot?.stop();
    await backend.close();
    await stop();
    return 0;
  } finally {
    stateDir?.release();
  }
}

/** With the vocabularies that servants asked an earlier life of this backend for. */
async function withLearnt(
  asked: readonly Domain[],
  library: Library,
  opened: Opened | undefined,
): Promise<{ readonly domains: readonly Domain[]; readonly notes: readonly Note[] }> {
  const domains = new Set(asked);
  const notes: Note[] = [...(opened?.notes ?? [])];
  for (const module of opened === undefined ? [] : learntModules(opened.store)) {
    if ([...domains].some((domain) => namesOf(domain).includes(module))) continue;
    try {
      const found = await library.find(module);
      if (found === undefined) notes.push(lost(module, "nobody knows it any more"));
      new Vocabulary([...domains, ...(found ?? [])]); // throws where they contradict each other
      for (const each of found ?? []) domains.add(each);
    } catch (cause) {
      notes.push(lost(module, messageOf(cause)));
    }
  }
  return { domains: [...domains], notes };
}

function lost(module: string, reason: string): Note {
  return { level: "warn", message: `without the domain module "${module}": ${reason}` };
}

function tellReady(
  { json }: HostOptions,
  ready: JsonObject & { readonly url: string; readonly domains: readonly string[] },
): void {
  if (json) process.stdout.write(`${JSON.stringify({ type: "ready", ...ready })}\n`);
  else process.stderr.write(`backend ready on ${ready.url} (${ready.domains.join(", ")})\n`);
}
