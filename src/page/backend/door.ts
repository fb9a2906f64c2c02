/**
 * Asks the backend that this page comes from. Answers are taken as the schemas of `wire/direct.ts`
 * say: page and backend are of one build.
 */
import type { KeptPlan, RunRecord, RunSummary } from "../../wire/direct.ts";
import { addressAt, gatewayHeaders, session, toLogin } from "../parts/backend-place.ts";
import type { Feature } from "../parts/map-shapes.ts";
import type { ObjectRecord } from "../parts/world-panel.ts";

/** After so many milliseconds a silent backend counts as gone. */
const ANSWER_WITHIN_MS = 10_000;
/** So many of the newest runs can be chosen. */
const LISTED_RUNS = 20;
/** Of each list of tries so many are shown. */
const LAST_TRIES = 60;

export interface Health {
  readonly domains: readonly string[];
  readonly servants: number;
  readonly running: string | null;
  readonly not_saved: string | null;
}
export interface Action {
  readonly name: string;
  readonly provider: string | null;
}
interface Collection {
  readonly features: readonly Feature[];
}

/** The backend's own refusal, in its words. */
export class Refused extends Error {}

export const door = {
  health: () => ask<Health>("/health"),
  newestRun: async (): Promise<RunSummary | undefined> => (await runsOf(1))[0],
  /** Newest first. */
  runs: () => runsOf(LISTED_RUNS),
  kept: () => ask<KeptPlan>("/plan"),
  run: (id: string) => ask<RunRecord>(`/runs/${encodeURIComponent(id)}?last=${LAST_TRIES}`),
  ways: async (id: string) =>
    (await ask<Collection>(`/runs/${encodeURIComponent(id)}/geojson`)).features,
  state: async () => (await ask<{ state: readonly string[] }>("/state")).state,
  goal: async () => (await ask<{ goal: readonly string[] }>("/goal")).goal,
  objects: () => ask<readonly ObjectRecord[]>("/objects"),
  modifiedAt: async () => (await ask<{ modified_at: number }>("/objects_modified_at")).modified_at,
  actions: () => ask<readonly Action[]>("/actions"),
  features: async () => (await ask<Collection>("/as_geojson")).features,
  cancel: () => ask<unknown>("/cancel", { reason: "asked for on the backend's page" }),
} as const;

async function runsOf(limit: number): Promise<readonly RunSummary[]> {
  return (await ask<{ readonly runs: readonly RunSummary[] }>(`/runs?limit=${limit}`)).runs;
}

/** Tells of the run as it goes. None behind a gateway: a websocket of a browser shows no token. */
export function runSocket(id: string): WebSocket | undefined {
  if (session !== undefined) return undefined;
  const { protocol, host } = location;
  const scheme = protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(`${scheme}//${host}/runs/${encodeURIComponent(id)}/events?after=${NEVER}`);
}

/** Of what it told before nothing is wanted: that is in its record. */
const NEVER = 999_999_999_999;

async function ask<Answer>(path: string, body?: object): Promise<Answer> {
  const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(addressAt(path), {
    ...sent,
    cache: "no-store",
    headers: { ...json, ...gatewayHeaders() },
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  if (answer.status === 401 && session !== undefined) toLogin();
  const told = (await answer.json()) as Answer & { readonly detail?: unknown };
  if (!answer.ok) throw new Refused(String(told.detail ?? `it answered ${answer.status}`));
  return told;
}
