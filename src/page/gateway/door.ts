/**
 * Asks the gateway that this page comes from, with the token in a header. Answers are taken as the
 * schemas of `wire/gateway.ts` say: page and gateway are of one build.
 */
import type { LoginReply, SessionRecord, SessionUse } from "../../wire/gateway.ts";
import { storedLogin } from "../parts/gateway-login.ts";
import { durationText } from "../parts/words.ts";

/** After so many milliseconds a silent gateway counts as gone. */
const ANSWER_WITHIN_MS = 10_000;
/** A process is started, or ended with patience. */
const DEED_WITHIN_MS = 60_000;

/** A record; of what it uses only admins are told. */
export type ShownSession = SessionRecord & Partial<SessionUse>;

/** The token is none, or not any more. */
export class NotIn extends Error {}
/** The gateway's own refusal, in its words. */
export class Refused extends Error {
  readonly code: string;

  constructor({ code, message }: { readonly code: string; readonly message: string }) {
    super(message);
    this.code = code;
  }
}
/** No word came back. */
export class Unreachable extends Error {}

const at = (id: string) => `/sessions/${encodeURIComponent(id)}`;

export const door = {
  logIn: (username: string, password: string) =>
    ask<LoginReply>("POST", "/auth/login", { username, password }),
  logOut: () => ask<unknown>("POST", "/auth/logout", {}),
  own: async () => (await ask<Sessions<SessionRecord>>("GET", "/sessions")).sessions,
  all: async () => (await ask<Sessions<SessionUse>>("GET", "/admin/sessions")).sessions,
  metrics: async () => await (await answerTo("GET", "/metrics")).text(),
  create: (asked: { label?: string; timeout_s: number }) =>
    ask<SessionRecord>("POST", "/sessions", asked),
  extend: (id: string, timeout_s: number) =>
    ask<SessionRecord>("POST", `${at(id)}/extend`, { timeout_s }),
  reset: (id: string) => ask<SessionRecord>("POST", `${at(id)}/reset`, {}),
  stop: async (id: string) => void (await answerTo("DELETE", at(id))),
} as const;

interface Sessions<Each> {
  readonly sessions: readonly Each[];
}

async function ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
  return (await (await answerTo(method, path, body)).json()) as Answer;
}

/** @throws {NotIn} @throws {Refused} @throws {Unreachable} */
async function answerTo(method: string, path: string, body?: object): Promise<Response> {
  const token = storedLogin()?.token;
  const isLogin = path === "/auth/login";
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      cache: "no-store",
      credentials: "omit",
      headers: {
        "X-Requested-With": "dynos",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(token === undefined || isLogin ? {} : { Authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(method === "GET" ? ANSWER_WITHIN_MS : DEED_WITHIN_MS),
    });
  } catch (cause) {
    throw new Unreachable("The gateway does not answer. Is it running, and are you connected?", {
      cause,
    });
  }
  if (answer.ok) return answer;
  if (answer.status === 401 && !isLogin) throw new NotIn();
  throw new Refused(await refusalIn(answer));
}

async function refusalIn(answer: Response): Promise<{ code: string; message: string }> {
  const { status } = answer;
  const waitS = Number(answer.headers.get("retry-after") ?? 0);
  const wait = waitS > 0 ? ` Try again in ${durationText(waitS * 1_000)}.` : "";
  try {
    const { code = "", detail } = (await answer.json()) as { code?: string; detail?: unknown };
    if (typeof detail === "string") return { code, message: `${detail}.${wait}` };
  } catch {
    // something between here and the gateway has answered
  }
  return { code: "", message: `The gateway is not there: what answers says ${status}.${wait}` };
}
