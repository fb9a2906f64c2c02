/** The gateway's bodies: logins and sessions, as the public client sends and reads them. */
import * as z from "zod/mini";
import { roles, SESSION_TIMEOUT_MAX_S } from "../core/gateway.ts";

/** Enough for a name, a password of 72 bytes and the JSON around them, in bytes. */
export const LOGIN_MAX_BYTES = 4_096;
/** Where bcrypt stops reading: what is longer would be another password to each implementation. In bytes. */
export const PASSWORD_MAX_BYTES = 72;

/**
 * bcrypt, of any spelling that Python's and Apache's tools write. A salt has 128 bits and a digest 184: the last
 * character of each stands for fewer than the others, and what no tool can have written is no hash. More than 2^20
 * rounds take a minute: a slip, and nobody else could log in meanwhile.
 */
const PasswordHash = z
  .string()
  .check(
    z.regex(
      /^\$2[aby]\$(?:0[4-9]|1\d|20)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/,
      "no bcrypt hash of 4 to 20 rounds",
    ),
  );

/** The users file. */
export const LoginFile = z.looseObject({
  users: z.record(
    z.string().check(z.minLength(1), z.maxLength(256)),
    z.looseObject({
      password_hash: PasswordHash,
      display_name: z.optional(z.string()),
      role: z.optional(z.enum(roles)),
    }),
  ),
});

export const LoginRequest = z.looseObject({
  username: z.string().check(z.minLength(1), z.maxLength(256)),
  password: z.string(),
});
export const LoginReply = z.looseObject({
  token: z.string(),
  username: z.string(),
  role: z.enum(roles),
});
export type LoginReply = z.infer<typeof LoginReply>;

export const GatewayHealth = z.looseObject({
  status: z.literal("ok"),
  mode: z.literal("sessions"),
});
/** Python writes it as `True`. */
export const AllQuery = z.object({
  all_: z.optional(z.string().check(z.describe("`true`: everybody's"))),
});

export const TimeoutSeconds = z.int().check(z.minimum(1), z.maximum(SESSION_TIMEOUT_MAX_S));

export const CreateSession = z.looseObject({
  label: z.nullish(z.string()),
  timeout_s: z.nullish(TimeoutSeconds),
  config: z.nullish(z.record(z.string(), z.json())),
});
export type CreateSession = z.infer<typeof CreateSession>;
export const ExtendSession = z.looseObject({ timeout_s: TimeoutSeconds });

export const SessionRecord = z.looseObject({
  session_id: z.string(),
  owner_username: z.string(),
  label: z.nullable(z.string()),
  /** Of the session's own process, for people to read: others reach it through the gateway alone. */
  url: z.string(),
  timeout_s: z.number(),
  config: z.record(z.string(), z.json()),
  /** ISO 8601, UTC. */
  created_at: z.string(),
  last_active_at: z.string(),
  status: z.enum(["running", "dead", "stopped", "expired"]),
  expires_in_s: z.number(),
  log_path: z.nullable(z.string()),
});
export type SessionRecord = z.infer<typeof SessionRecord>;
export const SessionList = z.looseObject({ sessions: z.array(SessionRecord) });

/** What an admin sees of every session beside its record. */
export const SessionUse = z.looseObject({
  ...SessionRecord.shape,
  /** Absent while it has no process. */
  pid: z.optional(z.int()),
  /** Proportional share of memory in bytes, where the system tells it. */
  memory_bytes: z.optional(z.number()),
  /** Seconds of processor time so far. */
  cpu_s: z.optional(z.number()),
  /** Requests in flight through the gateway. */
  in_flight: z.int(),
});
export type SessionUse = z.infer<typeof SessionUse>;
export const SessionUses = z.looseObject({ sessions: z.array(SessionUse) });
