/**
 * `agent host --robot`: a simulated vehicle in the backend's own process. It is a servant as any
 * other, that talks to the backend by requests and has its own journal, in a folder that goes with
 * it: a simulated vehicle has no past.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBus } from "../agent/bus.ts";
import type { Backend } from "../backend/backend.ts";
import type { PluginClass } from "../core/plugin.ts";
import { Secrets } from "../core/secrets.ts";
import { systemClock } from "../system/clock.ts";
import { Connection } from "../wire/connection.ts";
import { serve } from "./compose.ts";
import { dynosDialect } from "./dialect.ts";
import type { HostLog } from "./host-log.ts";
import type { RobotName } from "./robots.ts";

const EMBEDDED_URL = "http://embedded.localhost";

export interface RobotOptions {
  readonly robot: RobotName;
  readonly timeScale: number;
  readonly backend: Backend;
  readonly version: string;
  readonly log: HostLog;
}

export interface Robot {
  /** Settles when it ends; rejects when it could not go on. */
  readonly ended: Promise<void>;
  /** Ends it at once: whatever it does is only simulated. */
  stop(): Promise<void>;
}

export function startRobot({ robot, timeScale, backend, version, log }: RobotOptions): Robot {
  const secrets = new Secrets();
  const bus = openBus(secrets.cleaned);
  bus.listen((event) => {
    if (event.type === "plugin.log")
      log(event.level, `${robot}: ${event.message}`, event.fields ?? {});
  });
  const stop = new AbortController();
  const stateDirPath = mkdtempSync(join(tmpdir(), "servant-agent-"));
  const connection = new Connection({ url: EMBEDDED_URL }, (url, init) =>
    backend.fetch(new Request(url, init)),
  );
  const ended = serve(
    {
      ...PLAIN,
      ...{ bus, secrets, stateDirPath, version },
      dialect: dynosDialect(connection, NEAR),
      reference: robot,
      plugin: () => simulated(timeScale),
      clock: systemClock,
    },
    { stop: stop.signal, hurry: stop.signal },
  ).finally(() => rmSync(stateDirPath, { recursive: true, force: true }));
  return {
    ended,
    async stop() {
      stop.abort();
      await ended.catch(() => {}); // whoever waits for `ended` is told
    },
  };
}

/** How it asks: the backend is in the same process. */
const NEAR = {
  pollIntervalMs: 200,
  quickPoll: true,
  assignmentMaxBytes: Number.MAX_SAFE_INTEGER,
} as const;

/** The options of a servant that nobody configures. */
const PLAIN = {
  local: false,
  isolation: "inline",
  passEnv: [],
  logLevel: "info",
  journalQuota: 2 ** 30,
  journalKeep: 100,
  hangTimeout: 15,
  cancelGrace: 1,
  safeTimeout: 10,
  drainTimeout: 0,
  concurrency: 1,
  failuresMax: 0,
  reregister: true,
} as const;

/** The plugin anybody could run, with a time scale of its own. */
async function simulated(timeScale: number): Promise<PluginClass> {
  const { SentryMock } = await import("../../plugins/sentry-mock.ts");
  return class extends SentryMock {
    constructor() {
      super(timeScale);
    }
  };
}
