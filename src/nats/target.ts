/** Which NATS servers to go to and what to show them, read from what a person wrote. */
import { ServantError } from "../core/errors.ts";

export const DEFAULT_PORT = 4222;

export interface NatsTarget {
  /** `host:port`, at least one: any server of one cluster. */
  readonly servers: readonly string[];
  readonly isTls: boolean;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** A credentials file: a JWT and its key. */
  readonly credsFile?: string | undefined;
  /** A PEM file of the authority that the servers' certificates are from. */
  readonly caFile?: string | undefined;
  /** PEM files, where the servers ask for a certificate too. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export type NatsChoice = Partial<Omit<NatsTarget, "isTls" | "servers">> & {
  /** URLs; each may hold several with commas. Absent: those of `NATS_SERVERS`. */
  readonly servers?: readonly string[] | undefined;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** True for what `natsTarget` reads or, with a slash too few, refuses; `nats:4222` may be a host and its port. */
export function isNatsUrl(text: string): boolean {
  return /^(?:nats|tls):\//i.test(text.trim());
}

/**
 * What a person wrote wins over a URL's own user info, and that over the environment: `NATS_SERVERS`,
 * `NATS_USER`, `NATS_PASSWORD`, `NATS_TOKEN`, `NATS_CREDS`, `NATS_CA`.
 *
 * @throws {ServantError} `nats.bad-servers`
 */
export function natsTarget(choice: NatsChoice, env: Environment): NatsTarget {
  const named = (choice.servers ?? []).flatMap(listed);
  const texts = named.length > 0 ? named : listed(env.NATS_SERVERS ?? "");
  const [first, ...more] = texts.map(serverOf);
  if (first === undefined) throw bad("no server is named");
  if (more.some(({ isTls }) => isTls !== first.isTls)) {
    throw bad("nats:// and tls:// are mixed, some of it would travel in clear");
  }
  const userInfo = [first, ...more].find(({ login }) => login !== undefined)?.login ?? {};
  const asked = { ...fromEnvironment(env), ...userInfo, ...defined(choice) };
  return { ...asked, servers: [first, ...more].map(({ address }) => address), isTls: first.isTls };
}

type Login = Pick<NatsTarget, "user" | "password" | "token">;

interface Server {
  readonly address: string;
  readonly isTls: boolean;
  readonly login: Login | undefined;
}

function serverOf(text: string): Server {
  const whole = /^[a-z]+:\//i.test(text) ? text : `nats://${text}`;
  let url: URL;
  try {
    url = new URL(whole);
  } catch (cause) {
    throw bad(`"${withoutLogin(text)}" is no URL`, cause);
  }
  if (!isNatsUrl(whole) || url.hostname === "")
    throw bad(`"${withoutLogin(text)}" is no nats:// or tls:// URL`);
  const address = `${url.hostname}:${url.port === "" ? DEFAULT_PORT : url.port}`;
  return { address, isTls: url.protocol === "tls:", login: loginOf(url) };
}

/** `user:password@` or `token@`, as every NATS client reads it. */
function loginOf({ username, password }: URL): Login | undefined {
  if (username === "" && password === "") return undefined;
  const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  return secret === "" ? { token: user } : { user, password: secret };
}

function fromEnvironment(env: Environment): Login & Pick<NatsTarget, "credsFile" | "caFile"> {
  return defined({
    user: env.NATS_USER,
    password: env.NATS_PASSWORD,
    token: env.NATS_TOKEN,
    credsFile: env.NATS_CREDS,
    caFile: env.NATS_CA,
  });
}

function listed(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Without what is undefined or empty, which would hide what stands behind it. */
function defined<T extends object>(given: T): T {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined && value !== ""),
  ) as T;
}

function withoutLogin(text: string): string {
  return text.replace(/\/\/[^@/]*@/, "//");
}

function bad(reason: string, cause?: unknown): ServantError {
  return new ServantError("nats.bad-servers", `Cannot use these NATS servers: ${reason}`, {
    cause,
  });
}
