/**
 * The processes of a gateway's sessions: this program, each in its own process group, writing to its
 * own log file, so that it outlives a gateway that is killed.
 */
import { closeSync } from "node:fs";
import { isErrorCode, messageOf, ServantError } from "../core/errors.ts";
import { GATEWAY_SECRET_HEADER } from "../core/gateway.ts";
import type {
  ProcessAddress,
  ProcessMark,
  SessionProcess,
  SessionProcesses,
  SessionStart,
  StartReport,
} from "../core/session-process.ts";
import { dial } from "./dial.ts";
import { isThere, markOf } from "./process-mark.ts";
import { useReader } from "./process-use.ts";
import type { Folders } from "./session-folder.ts";

/** How long a start may take before it counts as failed, in milliseconds. */
const START_MAX_MS = 30_000;
/** How long one that cannot start may take to say why, in milliseconds. */
const LAST_WORDS_MS = 1_000;
/** How long a process may take to greet: it may be in the middle of something. In milliseconds. */
const GREET_MAX_MS = 5_000;
/** How the answer of one that takes the secret begins. */
const GREETED = "HTTP/1.1 200 ";
/** How often a process that is not our child is looked for: beyond Linux that takes a program. In milliseconds. */
const LOOK_MS = process.platform === "linux" ? 500 : 5_000;
/**
 * The runtime looks at its heap each second or half minute: with a hundred processes a few percent of a
 * core. It still collects when much is allocated, and `agent host` does when it is at rest.
 */
const ENVIRONMENT = { NO_COLOR: "1", BUN_GC_TIMER_DISABLE: "1" } as const;
/** Where its pipe is in the process. */
const PIPE_FD = 3;
/** What a process that is told to stop ends with. */
const PEACE = { code: 0 } as const;

export interface SessionProcessOptions {
  /** This program: what starts with its arguments. */
  readonly command: readonly string[];
  /** Of `agent host`, the same for each session: `--domain` and so on. */
  readonly args: readonly string[];
  readonly folders: Folders;
  /** Seconds without a gateway after which a session ends. */
  readonly orphanAfterS: number;
}

export function sessionProcesses(options: SessionProcessOptions): SessionProcesses {
  return {
    isFree: async (port) => isFree(port),
    start: (session, noted) => start(options, session, noted),
    find(mark) {
      if (!isThere(mark)) return undefined;
      return processOf(mark, gone(mark));
    },
    greet,
  };
}

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false; // taken, or not ours to take
  }
}

async function start(
  { command, args, folders, orphanAfterS }: SessionProcessOptions,
  { id, port, secret, robot }: SessionStart,
  noted: (mark: ProcessMark) => Promise<void>,
): Promise<SessionProcess> {
  const { world, log } = folders.open(id);
  let child: Bun.Subprocess;
  try {
    child = Bun.spawn(
      [
        ...command,
        ...["host", "--port", String(port), "--bind", "127.0.0.1", "--state-dir", world],
        ...["--gateway-fd", String(PIPE_FD), "--orphan-after", String(orphanAfterS)],
        ...(robot === undefined ? [] : ["--robot", robot]),
        ...args,
      ],
      {
        stdio: ["ignore", log, log, "pipe"],
        detached: true,
        env: { ...process.env, ...ENVIRONMENT },
      },
    );
  } catch (cause) {
    throw unstartable(messageOf(cause), cause);
  } finally {
    closeSync(log);
  }
  child.unref();
  void child.exited.then((code) => {
    if (code !== PEACE.code) folders.note(id, endText(code, child.signalCode));
  });
  const mark = markOfChild(child);
  const process_ = processOf(
    mark ?? { pid: child.pid, startedAt: "" },
    child.exited.then((code) => ({ isPeaceful: code === PEACE.code })),
  );
  try {
    if (mark !== undefined) await noted(mark);
    const report = await handshake(child, secret);
    if (report?.type === "ready") return process_;
    await Promise.race([child.exited, Bun.sleep(LAST_WORDS_MS)]); // its log is whole then
    throw await failure(report, folders.lastWords(id));
  } catch (cause) {
    process_.signal("SIGKILL");
    await child.exited;
    throw cause;
  }
}

/** Undefined when it has ended already. One that cannot be marked is lost to the next gateway: it must go. */
function markOfChild(child: Bun.Subprocess): ProcessMark | undefined {
  try {
    return markOf(child.pid);
  } catch (cause) {
    child.kill("SIGKILL");
    throw unstartable(messageOf(cause), cause);
  }
}

/** The last line of a log: one that is killed, for its memory or by somebody, says nothing itself. */
function endText(code: number, signal: Bun.Subprocess["signalCode"]): string {
  const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
  return `${new Date().toISOString()} the process of this session ${how}`;
}

/** Sends the secret and waits for the report; undefined when the process ends or hangs without one. */
async function handshake(child: Bun.Subprocess, secret: string): Promise<StartReport | undefined> {
  const fd = child.stdio[PIPE_FD];
  if (typeof fd !== "number") throw unstartable("it has no pipe");
  const { promise, resolve } = Promise.withResolvers<string>();
  let said = "";
  const pipe: Bun.FdSocketOptions = {
    fd,
    socket: {
      data(_, bytes) {
        said += bytes.toString();
        if (said.includes("\n")) resolve(said);
      },
      close: () => resolve(said),
      error: () => resolve(said),
    },
  };
  // The runtime takes these options; its types have them, but no overload with them.
  const socket = await Bun.connect(pipe as unknown as Bun.UnixSocketOptions);
  const patience = setTimeout(() => resolve(""), START_MAX_MS);
  try {
    socket.write(`${secret}\n`);
    return reportIn(await promise);
  } finally {
    clearTimeout(patience);
    socket.end();
  }
}

function reportIn(line: string): StartReport | undefined {
  try {
    const { type, code, message } = JSON.parse(line) as Record<string, unknown>;
    if (type === "ready") return { type };
    return isErrorCode(code) ? { type: "failed", code, message: String(message) } : undefined;
  } catch {
    return undefined; // it was cut off, or there is none
  }
}

async function failure(
  report: StartReport | undefined,
  lastWords: Promise<string>,
): Promise<ServantError> {
  if (report?.type === "failed") {
    const { code, message } = report;
    return code === "local.port-in-use" ? new ServantError(code, message) : unstartable(message);
  }
  const said = await lastWords;
  return unstartable(said === "" ? "its process said nothing" : `its log ends with\n${said}`);
}

function unstartable(reason: string, cause?: unknown): ServantError {
  return new ServantError("session.unstartable", `Cannot start the session: ${reason}`, { cause });
}

function processOf(mark: ProcessMark, ended: SessionProcess["ended"]): SessionProcess {
  let isEnded = false;
  void ended.then(() => {
    isEnded = true;
  });
  const isRunning = () => !isEnded && isThere(mark);
  return {
    mark,
    ended,
    isThere: isRunning,
    signal(name) {
      if (!isRunning()) return; // whoever has its number now is not to be signalled
      try {
        process.kill(-mark.pid, name);
      } catch {
        // it ended just now
      }
    },
    use: useReader(mark.pid),
  };
}

/** The end of a process that is not our child: nobody but the system's list of them tells. */
async function gone(mark: ProcessMark): SessionProcess["ended"] {
  while (isThere(mark)) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS).unref());
  }
  return { isPeaceful: false };
}

/**
 * Over a connection of its own: the runtime's `fetch` sends the secret to the proxy that `HTTP_PROXY` names,
 * for addresses of this machine as well.
 */
async function greet({ port, secret }: ProcessAddress): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const patience = setTimeout(() => resolve(false), GREET_MAX_MS);
  let said = "";
  let hangUp = () => {};
  const ask = (line: Awaited<ReturnType<typeof dial>>) => {
    hangUp = () => line.end();
    line.owner = {
      data(bytes) {
        said += Buffer.from(bytes).toString("latin1");
        if (said.length >= GREETED.length) resolve(said.startsWith(GREETED));
      },
      drained() {},
      closed: () => resolve(false),
    };
    const lines = [
      "GET /health HTTP/1.1",
      `host: 127.0.0.1:${port}`,
      `${GATEWAY_SECRET_HEADER}: ${secret}`,
    ];
    line.write(Buffer.from(`${lines.join("\r\n")}\r\n\r\n`));
  };
  dial(port).then(ask, () => resolve(false));
  try {
    return await promise;
  } finally {
    clearTimeout(patience);
    hangUp();
  }
}
