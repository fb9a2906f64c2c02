/** A session as clients read it, and as it is kept for the next life of the gateway. */
import * as z from "zod/mini";
import type { Session } from "../core/gateway.ts";
import type { Json } from "../core/json.ts";
import type { SessionRecord } from "../wire/gateway.ts";

/**
 * How far a session is. "creating": nobody has been told of it yet. "resetting": its world is to be thrown
 * away before it starts again. "ending": it is to be thrown away itself. After a crash of the gateway
 * what was begun is gone on with.
 */
export const phases = ["creating", "running", "resetting", "dead", "ending"] as const;
export type Phase = (typeof phases)[number];

const KeptSession = z.object({
  owner: z.string(),
  label: z.string(),
  timeoutS: z.number(),
  config: z.record(z.string(), z.json()),
  createdAtMs: z.number(),
  lastActiveAtMs: z.number(),
  port: z.int(),
  secret: z.string(),
  phase: z.enum(phases),
  /** Of its process, the last one that it had. */
  mark: z.nullable(z.object({ pid: z.int().check(z.minimum(2)), startedAt: z.string() })),
});
export type KeptSession = z.infer<typeof KeptSession>;

/** Undefined when it is none of ours. */
export function readKept(value: Json): KeptSession | undefined {
  const read = KeptSession.safeParse(value);
  return read.success ? read.data : undefined;
}

/** A session as clients read it. */
export function recordOf(session: Session): SessionRecord {
  return {
    session_id: session.id,
    owner_username: session.owner,
    label: session.label,
    url: urlOf(session.port),
    timeout_s: session.timeoutS,
    config: session.config as SessionRecord["config"],
    created_at: new Date(session.createdAtMs).toISOString(),
    last_active_at: new Date(session.lastActiveAtMs).toISOString(),
    status: session.status,
    expires_in_s: Math.floor(session.expiresInMs / 1_000),
    log_path: session.logPath,
  };
}

export function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}
