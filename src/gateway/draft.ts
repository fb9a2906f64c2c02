/** What somebody asks a new session to be, checked. */
import { ServantError } from "../core/errors.ts";
import { SESSION_TIMEOUT_DEFAULT_S } from "../core/gateway.ts";
import type { JsonObject } from "../core/json.ts";
import { CreateSession } from "../wire/gateway.ts";

const LABEL_MAX_CHARS = 100;
/** A config is echoed with every record. In characters of JSON. */
const CONFIG_MAX_CHARS = 8_192;

export interface Draft {
  /** Absent: one is made up. */
  readonly label: string | undefined;
  readonly timeoutS: number;
  readonly config: JsonObject;
}

/** @throws {ServantError} `session.invalid` */
export function readDraft(asked: CreateSession, robots: readonly string[]): Draft {
  const read = CreateSession.safeParse(asked);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw invalid(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "it cannot be read"}`);
  }
  const { label, timeout_s, config } = read.data;
  if (JSON.stringify(config ?? {}).length > CONFIG_MAX_CHARS) {
    throw invalid(`its config is longer than ${CONFIG_MAX_CHARS} characters`);
  }
  robotIn(config ?? {}, robots);
  return {
    label: label == null ? undefined : readLabel(label),
    timeoutS: timeout_s ?? SESSION_TIMEOUT_DEFAULT_S,
    config: config ?? {},
  };
}

/**
 * The simulated robot that a config picks; undefined for none.
 *
 * @throws {ServantError} `session.invalid`, which names those that there are
 */
export function robotIn(config: JsonObject, robots: readonly string[]): string | undefined {
  const { robot } = config;
  if (robot === undefined || robot === null) return undefined;
  if (typeof robot === "string" && robots.includes(robot)) return robot;
  throw invalid(`there is no robot ${JSON.stringify(robot)}; known: ${robots.join(", ")}`);
}

function readLabel(label: string): string {
  const trimmed = label.trim();
  if (trimmed === "" || trimmed.length > LABEL_MAX_CHARS || /\p{C}/u.test(trimmed)) {
    throw invalid(`a label has 1 to ${LABEL_MAX_CHARS} printable characters`);
  }
  return trimmed;
}

function invalid(reason: string): ServantError {
  return new ServantError("session.invalid", `Cannot create the session: ${reason}`);
}
