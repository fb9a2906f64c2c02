/** What stands on the command line, read: the options of each command. */
import type { Level } from "../core/events.ts";
import type { RobotName } from "./robots.ts";

export type Isolation = "child" | "inline";
export type LogFormat = "pretty" | "json";

/** Where the local door listens. */
export interface LocalOptions {
  /** `unix:PATH`; false with `--no-local`. */
  readonly local?: string | boolean;
  /** Absent: the default, or a free one when that is taken. */
  readonly port?: number;
  /** The same, of a command whose `port` is another's. */
  readonly localPort?: number;
  /** Absent: loopback. */
  readonly bind?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** What `connect`, `serve` and `run` share: how the plugin is run and what is logged. */
export interface ServantOptions extends LocalOptions {
  readonly stateDir?: string;
  /** Bytes. */
  readonly journalQuota: number;
  /** Delivered assignments whose content is kept. */
  readonly journalKeep: number;
  readonly isolation: Isolation;
  /** Names of environment variables that the plugin's process keeps. */
  readonly passEnv: readonly string[];
  readonly logLevel: Level;
  /** Absent: pretty on a terminal, else json. */
  readonly logFormat?: LogFormat;
  /** Seconds that a handler may block its event loop. */
  readonly hangTimeout: number;
  /** Seconds that a handler may go on after it was told to stop. */
  readonly cancelGrace: number;
  /** Seconds that making the machine safe may take. */
  readonly safeTimeout: number;
  /** Seconds that a stop waits for handlers before it tells them to stop. */
  readonly drainTimeout: number;
  /** How many actions may run at once, if they occupy nothing in common. */
  readonly concurrency: number;
}

/** Of a PUDA machine. */
export interface PudaOptions {
  readonly machineId?: string;
  readonly natsUser?: string;
  readonly natsCreds?: string;
  readonly natsCa?: string;
  /** A file. */
  readonly payloadKey?: string;
  /** Seconds. */
  readonly commandMaxAge: number;
  readonly implicitRuns: boolean;
  readonly checkAddress: boolean;
  readonly answerRepeats: boolean;
}

export interface ConnectOptions extends ServantOptions, PudaOptions {
  /** Several NATS servers are separated by commas. */
  readonly to?: string;
  readonly session?: string;
  /** Seconds. */
  readonly pollInterval: number;
  /** Absent: on for a loopback backend. */
  readonly quickPoll?: boolean;
  /** Bytes. */
  readonly maxAssignment: number;
  /** Failures in a row before it gives up; 0 is never. */
  readonly maxFailures: number;
  readonly reregister: boolean;
}

/** `port` is where scenarios connect to. */
export interface ServeOptions extends ServantOptions {
  readonly listen: readonly string[];
  /** A socket file. */
  readonly socket?: string;
  /** Its permissions. */
  readonly socketMode?: number;
  readonly insecureBind?: boolean;
  readonly allowBuiltin: readonly string[];
  /** Commands, as a scenario writes them. */
  readonly allowRun: readonly string[];
  /** Seconds. */
  readonly lease: number;
  /** Bytes. */
  readonly maxAssignment: number;
}

export interface RunOptions extends ServantOptions {
  readonly goal: readonly string[];
  readonly domain: readonly string[];
  /** Folders of vocabularies. */
  readonly domainPath: readonly string[];
  /** Absent: the backend stays off the network. */
  readonly backendPort?: number;
  readonly json?: boolean;
}

export interface HostOptions {
  readonly port: number;
  readonly bind: string;
  readonly domain: readonly string[];
  /** Folders of vocabularies. */
  readonly domainPath: readonly string[];
  readonly stateDir?: string;
  /** Seconds. */
  readonly lease: number;
  /** Seconds. */
  readonly silentLease: number | "off";
  /** Plans in a row without progress before a run gives up. */
  readonly maxReplans: number;
  /** A folder of missions, one JSON file each. */
  readonly missions?: string;
  /** A simulated vehicle in the same process. */
  readonly robot?: RobotName;
  /** Bytes of a request, to a session too. */
  readonly maxBody: number;
  /** How many times faster than real its time runs. */
  readonly timeScale: number;
  readonly json?: boolean;
  /** A gateway: logins, and a backend for each session. */
  readonly sessions?: boolean;
  /** Of the gateway: who may log in, a file. */
  readonly users?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Plain http beyond loopback, too. */
  readonly insecureHttp?: boolean;
  /** Seconds. */
  readonly tokenMax: number;
  readonly sessionsPerUser: number;
  readonly requestsPerUser: number;
  readonly sessionPorts: { readonly from: number; readonly to: number };
  /** Addresses of proxies whose X-Forwarded-For counts. */
  readonly trustProxy: readonly string[];
  /** It is a session of a gateway: the number of its pipe. */
  readonly gatewayFd?: number;
  /** Seconds without the gateway after which such a session ends. */
  readonly orphanAfter: number;
}

export interface PlanOptions {
  /** Files, or `-` for stdin. */
  readonly domain: string;
  readonly problem: string;
  /** Seconds. */
  readonly timeBudget: number;
  readonly output?: string;
  readonly json?: boolean;
}
