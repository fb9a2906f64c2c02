/**
 * The door's answers: each request is let in by the guard, found in the table, read by its schemas
 * and answered. It is loaded with the first request: an agent that nobody asks does not pay for it.
 */

import type * as z from "zod/mini";
import { ServantError } from "../core/errors.ts";
import { problemOf } from "../wire/problem.ts";
import { failureAnswer, strict, tooMany } from "./answers.ts";
import { api, type RouteName, type Spec } from "./api.ts";
import { type Caller, callerOf, refuseForeign } from "./guard.ts";
import { REQUESTS_MAX } from "./limits.ts";
import { type CallerKind, Rates } from "./rate.ts";
import { type Ask, handlers, type RouteParts, type Server } from "./routes.ts";

export type ServerParts = Omit<RouteParts, "counts"> & {
  /** Lines that the log on disk did not take. */
  readonly unwritten: () => number;
};

/** Undefined: it is a websocket now. */
export type Answer = (request: Request, server: Server) => Promise<Response | undefined>;

const ALL: readonly Spec[] = Object.values(api);
/** What watches over the machine asks for it often, and by itself. */
const ALIVE: readonly string[] = [api.health.path, api.ready.path];
const OPEN = ALL.filter(({ isOpen }) => isOpen).map(({ path }): string => path);
const PUBLISHED = ALL.filter(({ isPublished }) => isPublished).map(({ path }): string => path);

interface Found {
  readonly name: RouteName;
  readonly spec: Spec;
  readonly params: Readonly<Record<string, string>>;
}

/** A function from requests to answers; it never rejects. */
export function doorAnswers(parts: ServerParts): Answer {
  const answers = new Map<number, number>();
  const rates = new Rates(parts.clock);
  const counts = () => {
    const { readers: streams, dropped: unread } = parts.stream;
    return { answers, streams, unread, unwritten: parts.unwritten() };
  };
  const handle = handlers({ ...parts, counts });
  let going = 0;
  const respond: Answer = async (request, server) => {
    refuseForeign(request, parts.address);
    const caller = letIn(request, parts, rates);
    if (going >= REQUESTS_MAX) throw tooMany("requests at once");
    going += 1;
    try {
      const { name, spec, params } = find(request);
      const query = readQuery(request, spec);
      const body = await readBody(request, spec);
      return await handle[name]({ request, server, caller, params, query, body } satisfies Ask);
    } finally {
      going -= 1;
    }
  };
  return async (request, server) => {
    const answer = await respond(request, server).catch(failed);
    if (answer === undefined) return undefined;
    strict(answer);
    answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1);
    return answer;
  };
}

/** @throws {ServantError} `local.unauthorized`, `local.too-many` */
function letIn(request: Request, { auth, address }: ServerParts, rates: Rates): Caller {
  const take = (kind: CallerKind) => {
    if (!rates.take(kind)) throw tooMany("requests in a second");
  };
  const { pathname } = new URL(request.url);
  if (ALIVE.includes(pathname)) {
    take("open");
    return "nobody";
  }
  let caller: Caller = "nobody";
  try {
    caller = callerOf(request, auth, address);
  } finally {
    take(caller === "nobody" ? "stranger" : caller);
  }
  // What a stranger asks for is not even looked up: that there is no such route is told inside.
  if (caller === "nobody" && !OPEN.includes(pathname)) {
    throw new ServantError("local.unauthorized", "Cannot let you in: no token, no session");
  }
  if (caller === "visitor" && !OPEN.includes(pathname) && !PUBLISHED.includes(pathname)) {
    const problem = "Cannot let you in: a session's cookie without the key of its page";
    throw new ServantError("local.unauthorized", problem);
  }
  return caller;
}

/** @throws {ServantError} `route.unknown` */
function find({ method, url }: Request): Found {
  const { pathname } = new URL(url);
  const found = Object.entries(api).flatMap(([name, spec]: [string, Spec]) => {
    const params = match(spec.path, pathname);
    return params === undefined ? [] : [{ name: name as RouteName, spec, params }];
  });
  const asked = method === "HEAD" ? "GET" : method;
  const fitting = found.find(({ spec }) => spec.method === asked);
  if (fitting !== undefined) return fitting;
  const path = pathname.slice(0, 200);
  if (found.length === 0) {
    throw new ServantError("route.unknown", `Cannot ${method} "${path}": there is no such route`);
  }
  throw new WrongMethod(
    `Cannot ${method} "${path}"`,
    found.map(({ spec }) => spec.method),
  );
}

/** The route is there, for other methods. */
class WrongMethod extends Error {
  readonly allowed: readonly string[];

  constructor(message: string, allowed: readonly string[]) {
    super(`${message}: it takes ${allowed.join(" or ")}`);
    this.allowed = allowed;
  }
}

/** What stands for the names in the pattern; undefined when the path is another one. */
function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const text = given[at] ?? "";
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined && part !== text) return undefined;
    if (name !== undefined && text === "") return undefined;
    if (name !== undefined) params[name] = decoded(text);
  }
  return params;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ServantError("request.malformed", `Cannot read "${text.slice(0, 200)}" in the path`);
  }
}

function readQuery({ url }: Request, { query }: Spec): unknown {
  if (query === undefined) return undefined;
  return read(query, Object.fromEntries(new URL(url).searchParams), "query");
}

async function readBody(request: Request, { body }: Spec): Promise<unknown> {
  if (body === undefined) return undefined;
  const text = await bodyText(request);
  try {
    return read(body, text === "" ? {} : JSON.parse(text), "body");
  } catch (cause) {
    if (cause instanceof ServantError) throw cause;
    throw new ServantError("request.malformed", "Cannot read the body: not JSON");
  }
}

async function bodyText(request: Request): Promise<string> {
  try {
    return await request.text();
  } catch (cause) {
    // The server ends what is too large or too slow by itself: nobody reads this answer.
    throw new ServantError("request.malformed", "Cannot read the body: it was cut off", { cause });
  }
}

function read(schema: z.ZodMiniType, value: unknown, what: string): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { where, reason } = problemOf(result.error);
  const part = where === "" ? "" : ` "${where}"`;
  throw new ServantError("request.malformed", `Cannot read the ${what}${part}: ${reason}`);
}

function failed(cause: unknown): Response {
  if (!(cause instanceof WrongMethod)) return failureAnswer(cause);
  const failure = new ServantError("route.unknown", cause.message);
  return failureAnswer(failure, { Allow: cause.allowed.join(", ") }, 405);
}
