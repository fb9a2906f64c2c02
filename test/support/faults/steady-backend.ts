/**
 * A plain backend that always has one more assignment: every poll is answered with a new one, or
 * with one that stays unanswered though the servant that runs now has long answered later ones.
 * It keeps all it was told; what it makes of that is the judge's business.
 */

export interface Answer {
  readonly success: boolean;
  readonly done: string | undefined;
  readonly code: string | undefined;
}

export interface Handed {
  readonly auditId: string;
  /** How often it was handed out. */
  times: number;
  /** The answer is missing although its handler had begun: the backend had to ask again. */
  isMissed: boolean;
  readonly answers: Answer[];
  /** Results of later assignments, to the present registration, since it was handed out. */
  overtakenBy: number;
}

/** So many later results must have come before what is unanswered is handed out again. */
const OVERTAKEN_MAX = 12;

export interface SteadyOptions {
  /** How long the handler of each assignment takes, in milliseconds. */
  readonly handlerMs: number;
  /** Whether the handler of an assignment began: looked up before it is handed out again. */
  readonly hasBegun: (auditId: string) => boolean;
}

export class SteadyBackend {
  readonly handed = new Map<string, Handed>();
  /** Without a supply it hands out only what is unanswered. */
  isSupplying = true;
  registrations = 0;
  /** Results to the present registration. */
  answered = 0;
  readonly #options: SteadyOptions;
  readonly #server: Bun.Server<undefined>;
  readonly #unanswered = new Set<Handed>();

  constructor(options: SteadyOptions) {
    this.#options = options;
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      fetch: (request) => this.#reply(request),
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  get unanswered(): readonly Handed[] {
    return [...this.#unanswered];
  }

  /** Everything that is unanswered is handed out at the next polls. */
  handOutAgain(): void {
    for (const each of this.#unanswered) each.overtakenBy = OVERTAKEN_MAX;
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  async #reply(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/next_assignment")) return this.#next();
    if (pathname.endsWith("/result")) return this.#take((await request.json()) as WireAnswer);
    if (pathname.endsWith("/servant/register")) {
      this.registrations += 1;
      this.answered = 0;
      for (const each of this.#unanswered) each.overtakenBy = 0;
      return Response.json({ servant_id: `servant-${this.registrations}` });
    }
    return Response.json({ status: "ok" });
  }

  #next(): Response {
    const next = this.#overdue() ?? this.#new();
    if (next === undefined) return new Response(null, { status: 204 });
    const { hasBegun } = this.#options;
    if (next.times > 0 && hasBegun(next.auditId)) next.isMissed = true;
    next.times += 1;
    next.overtakenBy = 0;
    return Response.json({
      kind: "action",
      transition_name: "move",
      params_json: { start: "room_one", end: "room_two" },
      audit_id: next.auditId,
    });
  }

  #overdue(): Handed | undefined {
    return this.unanswered.find(({ overtakenBy }) => overtakenBy >= OVERTAKEN_MAX);
  }

  #new(): Handed | undefined {
    if (!this.isSupplying) return undefined;
    const auditId = `work-${this.#options.handlerMs}-${this.handed.size + 1}`;
    const next = { auditId, times: 0, isMissed: false, answers: [], overtakenBy: 0 };
    this.handed.set(auditId, next);
    this.#unanswered.add(next);
    return next;
  }

  #take({ audit_id, success, telemetry }: WireAnswer): Response {
    const of = this.handed.get(audit_id);
    if (of === undefined) return Response.json({ detail: "never asked" }, { status: 400 });
    const before = [...this.#unanswered];
    const earlier = before.indexOf(of);
    of.answers.push({ success, done: telemetry?.done, code: telemetry?.code });
    this.#unanswered.delete(of);
    this.answered += 1;
    for (const each of before.slice(0, Math.max(earlier, 0))) each.overtakenBy += 1;
    return Response.json({ status: "ok" });
  }
}

interface WireAnswer {
  readonly audit_id: string;
  readonly success: boolean;
  readonly telemetry?: { readonly done?: string; readonly code?: string };
}
