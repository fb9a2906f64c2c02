/**
 * Asks the agent over its local door. The browser sends the session's cookie by itself, the page
 * adds the key that belongs to it. Answers are taken as the schemas of `wire/local.ts` say: page and
 * agent are of one build.
 */
import { linesOf, type NumberedLine } from "../../core/log.ts";
import type { AssignmentPage, AssignmentStory, Failure, Status, World } from "../../wire/local.ts";
import { PAGE_KEY_HEADER, PAGE_KEY_ITEM } from "../../wire/page-key.ts";

/** After so many milliseconds a silent agent counts as gone. */
const ANSWER_WITHIN_MS = 5_000;
/** Reading the whole log off the disk takes longer. */
const LOG_WITHIN_MS = 30_000;

/** This browser has no session, or no longer. */
export class NotIn extends Error {}

/** The agent's own refusal, in its words. */
export class Refused extends Error {
  readonly code: string;

  constructor({ code, message }: Failure) {
    super(message);
    this.code = code;
  }
}

export const door = {
  status: () => ask<Status>("/v1/status"),
  assignments: (limit: number, before?: number) =>
    ask<AssignmentPage>(
      `/v1/assignments?limit=${limit}${before === undefined ? "" : `&before=${before}`}`,
    ),
  assignment: (auditId: string) =>
    ask<AssignmentStory>(`/v1/assignments/${encodeURIComponent(auditId)}`),
  /** Undefined: no backend lives in this agent. */
  world: () => ask<World | undefined>("/v1/world"),
  /** What was logged of an assignment from a time on, from the agent's files too. */
  async logOf(auditId: string, since: string): Promise<readonly NumberedLine[]> {
    const query = new URLSearchParams({ auditId, since });
    const answer = await answerTo(`/v1/logs?${query}`, "GET", LOG_WITHIN_MS);
    const told = linesOf(await answer.text()).map((text) => JSON.parse(text) as object);
    return told.filter((each): each is NumberedLine => "seq" in each);
  },
  cancel: (auditId: string) => tell(`/v1/assignments/${encodeURIComponent(auditId)}/cancel`),
  pause: () => tell("/v1/pause"),
  resume: () => tell("/v1/resume"),
  drain: () => tell("/v1/drain"),
} as const;

/** Read each time: another tab may have been let in meanwhile. Empty when there is none. */
export function pageKey(): string {
  try {
    return localStorage.getItem(PAGE_KEY_ITEM) ?? "";
  } catch {
    return ""; // a browser that keeps nothing for this page
  }
}

async function tell(path: string): Promise<void> {
  await ask<unknown>(path, "POST");
}

async function ask<Answer>(path: string, method = "GET"): Promise<Answer> {
  const answer = await answerTo(path, method, ANSWER_WITHIN_MS);
  return (answer.status === 204 ? undefined : await answer.json()) as Answer;
}

async function answerTo(path: string, method: string, withinMs: number): Promise<Response> {
  const answer = await fetch(path, {
    method,
    cache: "no-store",
    headers: { [PAGE_KEY_HEADER]: pageKey() },
    signal: AbortSignal.timeout(withinMs),
  });
  if (answer.status === 401) throw new NotIn();
  if (!answer.ok) throw new Refused(await failureOf(answer));
  return answer;
}

async function failureOf(answer: Response): Promise<Failure> {
  try {
    return (await answer.json()) as Failure;
  } catch {
    const message = `The agent answered ${answer.status}`;
    return { code: "internal", message, hint: "" };
  }
}
