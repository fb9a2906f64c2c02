/** A local door on a real socket, in front of an agent that only takes note. */
import type { AuditId } from "../../src/core/assignment.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import { Auth } from "../../src/local/auth.ts";
import type { Door } from "../../src/local/door.ts";
import { Feed } from "../../src/local/feed.ts";
import { BODY_MAX_BYTES } from "../../src/local/limits.ts";
import { listenAt, type Place } from "../../src/local/listener.ts";
import { type Answer, doorAnswers } from "../../src/local/server.ts";
import { LogStream, type Visitor } from "../../src/local/stream.ts";
import { Tally } from "../../src/local/tally.ts";
import { systemClock } from "../../src/system/clock.ts";
import type { AssignmentQuery, Status } from "../../src/wire/local.ts";

export const TOKEN = "a-token-of-the-test-0123456789abcdefghijklm";
/** Stands in whatever a stranger must not read. */
/** What the page's address answers: the same for everybody, it knows nothing by itself. */
export const PAGE = "<p>the page</p>";
export const SECRET = "only-for-those-who-may-come-in";

export const STATUS: Status = {
  version: "1.2.3",
  pid: 42,
  startedAt: "2026-05-11T14:00:00.000Z",
  now: "2026-05-11T15:00:00.000Z",
  stateDir: SECRET,
  state: "ready",
  reasons: [],
  link: {
    state: "up",
    origin: "http://127.0.0.1:8421",
    servantId: "s1",
    since: "2026-05-11T14:00:01.000Z",
    failures: 0,
    registrations: 1,
  },
  inHand: [],
  outbox: { waiting: 2, aside: 1, oldestAt: "2026-05-11T14:59:00.000Z" },
  child: { pid: 43, startedAt: "2026-05-11T14:00:00.500Z", restarts: 3 },
  journal: { bytes: 4_096, isFull: false },
  counts: { accepted: 5, succeeded: 3, failed: 1, delivered: 2 },
  troubles: [],
};

export class FakeDoor implements Door {
  readonly asked: string[] = [];
  readonly listeners = new Set<(event: AgentEvent) => void>();
  isReady = true;

  status(): Promise<Status> {
    return Promise.resolve(STATUS);
  }
  readiness() {
    return { ready: this.isReady };
  }
  assignments(query: AssignmentQuery) {
    this.asked.push(`assignments ${JSON.stringify(query)}`);
    return Promise.resolve({ assignments: [] });
  }
  assignment(auditId: AuditId) {
    this.asked.push(`assignment ${auditId}`);
    return Promise.resolve(undefined);
  }
  cancel(auditId: AuditId, reason: string) {
    this.asked.push(`cancel ${auditId}: ${reason}`);
    if (auditId !== "gone") return Promise.resolve();
    return Promise.reject(new ServantError("assignment.not-open", "Cannot cancel: it is gone"));
  }
  pause(reason: string) {
    this.asked.push(`pause: ${reason}`);
    return Promise.resolve();
  }
  resume() {
    this.asked.push("resume");
    return Promise.resolve();
  }
  drain() {
    this.asked.push("drain");
  }
  world() {
    return Promise.resolve(undefined);
  }
  listen(listener: (event: AgentEvent) => void) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

export interface TestDoor extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly door: FakeDoor;
  readonly auth: Auth;
  readonly feed: Feed;
  /** A request with the token. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** A request of a stranger; headers as given. */
  stranger(path: string, init?: RequestInit): Promise<Response>;
  /** What our page sends in a browser that is in, besides what browsers add: cookie and key. */
  session(): Promise<{ Cookie: string; "Agent-Page-Key": string }>;
}

export function openDoor(place: Partial<Place> = {}): TestDoor {
  const door = new FakeDoor();
  const store = { load: () => undefined, save: () => Promise.resolve() };
  const auth = new Auth({ token: TOKEN, port: 1, store, clock: systemClock });
  const clock = systemClock;
  const feed = new Feed({ clock });
  const stream = new LogStream({ feed, clock, boot: "test" });
  let answer: Answer;
  const listening = listenAt<Visitor>(
    { port: 0, bind: "127.0.0.1", isWished: true, ...place },
    {
      bodyMaxBytes: BODY_MAX_BYTES,
      fetch: (request, server) => answer(request, server),
      websocket: stream.websocket,
    },
  );
  const { address, url } = listening;
  answer = doorAnswers({
    address,
    auth,
    clock,
    door,
    feed,
    stream,
    unwritten: () => 0,
    page: (status) => new Response(PAGE, { status, headers: { "Content-Type": "text/html" } }),
    tally: new Tally(),
    version: "1.2.3",
  });
  const stranger = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, { redirect: "manual", ...init });
  return {
    url,
    port: address.port,
    door,
    auth,
    feed,
    stranger,
    ask: (path, init = {}) =>
      stranger(path, { ...init, headers: { Authorization: `Bearer ${TOKEN}`, ...init.headers } }),
    async session() {
      const entered = await stranger(`/open?code=${auth.newCode().code}`);
      const Cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
      const key = /data-key="([\w-]+)"/.exec(await entered.text())?.[1] ?? "";
      return { Cookie, "Agent-Page-Key": key };
    },
    [Symbol.asyncDispose]: () => listening.stop(),
  };
}
