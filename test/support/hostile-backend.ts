/**
 * A DYNOS backend on a real socket that does as a test tells it: scripted answers to polls and
 * results, everything received kept in order.
 */

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
  readonly atMs: number;
  /** The port that its connection comes from. */
  readonly fromPort: number;
}

type Answer = Response | ((request: Received) => Response | Promise<Response>);

export class HostileBackend {
  readonly received: Received[] = [];
  /** Answers to the coming polls; when there is none left, 204. */
  readonly polls: Answer[] = [];
  /** Answers to the coming results; when there is none left, 200. */
  readonly results: Answer[] = [];
  /** Answers to the coming registrations; when there is none left, a fresh servant id. */
  readonly registrations: Answer[] = [];
  readonly #server: Bun.Server<undefined>;
  readonly #ports = new Set<number>();
  #servants = 0;
  #waiters: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  constructor(port = 0) {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port,
      idleTimeout: 0,
      fetch: (request, server) => this.#answer(request, server),
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }
  get port(): number {
    return this.#server.port ?? 0;
  }
  /** How many TCP connections requests came on. */
  get connections(): number {
    return this.#ports.size;
  }
  /** The bodies of the results that were answered 2xx, in order. */
  readonly taken: Record<string, unknown>[] = [];

  /** Queues an action assignment. */
  assign(auditId: string, params: unknown = {}, transition = "work"): void {
    this.polls.push(
      Response.json({ transition_name: transition, params_json: params, audit_id: auditId }),
    );
  }
  /** Queues a question for a belief. */
  ask(auditId: string, fluent: string): void {
    this.polls.push(Response.json({ kind: "belief", fluent_name: fluent, audit_id: auditId }));
  }

  /** What came in on paths that end so. */
  requests(pathEnd: string): Received[] {
    return this.received.filter(({ path }) => path.endsWith(pathEnd));
  }

  /** Resolves once the condition holds after some request; fails with what came in otherwise. */
  async until(what: string, holds: () => boolean, withinMs = 10_000): Promise<void> {
    if (holds()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push({ holds, resolve });
    const timer = setTimeout(resolve, withinMs);
    // What is waited for may also happen without a request: look now and then.
    const look = setInterval(() => this.#wake(), 10);
    await promise;
    clearTimeout(timer);
    clearInterval(look);
    if (holds()) return;
    const told = this.received.slice(-12).map(({ method, path, body }) => ({ method, path, body }));
    throw new Error(`never came: ${what}; last requests: ${JSON.stringify(told, null, 1)}`);
  }

  /** Resolves to the taken result of an audit id. */
  async result(auditId: string, withinMs?: number): Promise<Record<string, unknown>> {
    const find = () => this.taken.find((each) => each.audit_id === auditId);
    await this.until(`the result of ${auditId}`, () => find() !== undefined, withinMs);
    return find() ?? {};
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  async #answer(request: Request, server: Bun.Server<undefined>): Promise<Response> {
    const fromPort = server.requestIP(request)?.port ?? 0;
    this.#ports.add(fromPort);
    const text = await request.text();
    const path = new URL(request.url).pathname;
    const { method, headers } = request;
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    const atMs = performance.now();
    const received: Received = { method, path, headers, body, atMs, fromPort };
    this.received.push(received);
    const response = await this.#reply(received);
    if (path.endsWith("/result") && response.ok) this.taken.push(body as Record<string, unknown>);
    // The answer is out before whoever waits for it goes on.
    setTimeout(() => this.#wake(), 0);
    return response;
  }

  async #reply(received: Received): Promise<Response> {
    const scripted = (queue: Answer[], usual: () => Response) => {
      const next = queue.shift();
      if (next === undefined) return usual();
      return typeof next === "function" ? next(received) : next;
    };
    if (received.path.endsWith("/servant/register")) {
      return await scripted(this.registrations, () => {
        this.#servants += 1;
        return Response.json({ servant_id: `servant-${this.#servants}` });
      });
    }
    if (received.path.endsWith("/next_assignment")) {
      return await scripted(this.polls, () => new Response(null, { status: 204 }));
    }
    if (received.path.endsWith("/result")) {
      return await scripted(this.results, () => Response.json({ status: "ok" }));
    }
    return Response.json({ status: "ok" });
  }

  #wake(): void {
    this.#waiters = this.#waiters.filter(({ holds, resolve }) => {
      if (!holds()) return true;
      resolve();
      return false;
    });
  }
}
