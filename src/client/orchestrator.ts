/**
 * A DYNOS backend as an object: each method is one request, its answer checked and typed. Used by
 * `agent call`, by handlers through the agent, and by other programs on Bun and on Node.
 */
import * as z from "zod/mini";
import type { Result } from "../core/assignment.ts";
import type { StepDef } from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import type { Orchestrator } from "../core/handlers.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { PluginClass } from "../core/plugin.ts";
import { type ParamSpec, step, type Transition } from "../core/vocabulary.ts";
import type { Connection } from "../wire/connection.ts";
import { fromDelivery } from "../wire/dynos.ts";
import {
  Anything,
  BegunAnswer,
  CancelAnswer,
  ExecuteAnswer,
  JsonRecord,
  PlanAnswer,
  RunAnswer,
  RunsAnswer,
  ServantAnswer,
  StepAnswer,
} from "./answers.ts";
import { type Environment, readConfigFile } from "./config-file.ts";
import { type CallOptions, LocalHandlers } from "./local-handlers.ts";
import type { Block, Mission, ParamArgs } from "./mission.ts";
import { blockData, RemoteMissions } from "./missions.ts";
import { type ClientOptions, encoded, query } from "./requests.ts";
import { followRun, resultsOf } from "./runs.ts";
import { type NewSession, SessionManager } from "./session-manager.ts";
import { resolveTarget } from "./target.ts";

export interface PlanOptions {
  /** On an unreachable goal, spend more time to say which conditions block it. */
  readonly relax?: boolean | undefined;
  readonly timeBudgetS?: number | undefined;
}

/** Of what may take hours. */
export interface LongOptions {
  /** Ends the waiting, not what is waited for: `cancel()` does that. */
  readonly signal?: AbortSignal | undefined;
  /** Told the id of the run, where the backend has one: `getRun(id)` finds it again. */
  readonly onRun?: ((runId: string) => void) | undefined;
}

/** Why the last `plan()` or `planMission()` went as it did. */
export interface PlanReason {
  /** `plan_found`, `goal_unreachable` and so on; `unknown` before the first. */
  readonly reason: string;
  readonly detail: string | null;
  /** After `plan({ relax: true })`: what blocks the goal. */
  readonly relaxation: Json;
}

/** What a servant offers. */
export interface ServantOffer {
  readonly transitions: readonly string[];
  readonly beliefs?: readonly string[];
  /** Vocabularies that the backend shall know. */
  readonly domainModules?: readonly string[];
  /** Actions without a transition: `anon:Cart.weigh`. */
  readonly anonymousActions?: readonly string[];
}

/**
 * Every method throws `RemoteAuthExpired` when the token is not taken, `RemoteRequestError` when the
 * backend refuses, another `ServantError` with a `backend.*` code when it does not answer, or not in
 * a way that can be read.
 *
 * @example
 * const orchestrator = new RemoteOrchestrator("http://127.0.0.1:8421");
 * await orchestrator.setGoal([boxAt(roomTwo, boxA)]);
 * const results = await orchestrator.executePlan();
 */
export class RemoteOrchestrator extends RemoteMissions implements Orchestrator {
  readonly #options: ClientOptions;
  readonly #handlers: LocalHandlers = new LocalHandlers(this);
  #lastPlan: PlanAnswer | undefined;

  /**
   * @throws {ServantError} `backend.bad-url`; `backend.http-refused` for http to another machine
   * without `DYNOS_ALLOW_HTTP=1`: the token would travel in clear.
   */
  constructor(backend: string | Connection, options: ClientOptions = {}) {
    super(backend, options);
    this.#options = options;
  }

  /**
   * The backend that somebody logged in to, as `~/.dynos/config.json` has it.
   *
   * @throws {ServantError} `config.invalid`: there is none, or others can read it; `usage.invalid`:
   * it has a token but no session, and none is picked silently.
   */
  static fromConfig(
    options: Omit<ClientOptions, "token"> = {},
    env: Environment = process.env,
  ): RemoteOrchestrator {
    const read = readConfigFile(env);
    if (read.login.backendUrl === undefined) {
      const problem = `Cannot find a backend in "${read.path}": log in first`;
      throw new ServantError("config.invalid", problem);
    }
    const choice = options.sessionId === undefined ? {} : { session: options.sessionId };
    const target = resolveTarget(choice, env, () => read, options.warn ?? console.warn);
    const { url, token, session: sessionId } = target;
    return new RemoteOrchestrator(url, { ...options, token, sessionId });
  }

  /**
   * Makes a session on a gateway; the orchestrator that speaks to it. `close()` ends it. The token is
   * the one that `SessionManager.logIn` gave.
   *
   * @throws {ServantError} `session.too-many`, `session.invalid`, and as every method
   * @example
   * const { token } = await SessionManager.logIn(url, "alice", password);
   * const orchestrator = await RemoteOrchestrator.fromSessionManager(url, { token, label: "survey" });
   */
  static async fromSessionManager(
    managerUrl: string,
    options: Omit<ClientOptions, "sessionId"> & NewSession = {},
  ): Promise<RemoteOrchestrator> {
    const { label, sessionTimeoutS, config, ...others } = options;
    const made = await new SessionManager(managerUrl, others).create({
      label,
      sessionTimeoutS,
      config,
    });
    return new RemoteOrchestrator(managerUrl, { ...others, sessionId: made.session_id });
  }

  get url(): string {
    return this.requests.url;
  }

  get sessionId(): string | undefined {
    return this.requests.sessionId;
  }

  // --- the session ---

  /** Starts the session afresh: same id, empty world. */
  async reset(): Promise<void> {
    const path = `/sessions/${this.#requireSession("reset")}/reset`;
    const options = { body: {}, outsideSession: true, timeoutMs: 60_000 };
    await this.requests.ask(Anything, "POST", path, options);
  }

  /** Ends the session; without one there is nothing to do. */
  async close(): Promise<void> {
    if (this.sessionId === undefined) return;
    const path = `/sessions/${this.#requireSession("close")}`;
    await this.requests.ask(Anything, "DELETE", path, { outsideSession: true });
    this.requests.leaveSession();
  }

  // --- planning ---

  /** The steps, none when the goal already holds, null when there is no plan. */
  async plan(options: PlanOptions = {}): Promise<PlanAnswer["plan"]> {
    const { timeBudgetS } = options;
    this.#lastPlan = await this.requests.ask(PlanAnswer, "POST", "/plan", {
      body: { relax: false, ...planBody(options) },
      ...(timeBudgetS === undefined ? {} : { timeoutMs: (timeBudgetS + 30) * 1_000 }),
    });
    return this.#lastPlan.plan;
  }

  /** The whole answer to the last `plan()` or `planMission()`. */
  lastPlan(): PlanAnswer | undefined {
    return this.#lastPlan;
  }

  lastPlanReason(): PlanReason {
    const { reason = "unknown", detail = null, relaxation = null } = this.#lastPlan ?? {};
    return { reason, detail, relaxation };
  }

  /** What each step of the kept plan costs; with "group", of each action together. */
  getPlanStepCosts(level?: "group"): Promise<JsonObject> {
    return this.requests.ask(JsonRecord, "GET", `/cost/plan/steps${query({ level })}`);
  }

  // --- carrying out ---

  /**
   * Carries the plan out; resolves when it is over, which may take hours. Every attempt is a result.
   * Our backend is asked how far it is, so that no lost link hides the end; others hold the request.
   */
  executePlan(options: LongOptions = {}): Promise<readonly StepAnswer[]> {
    return this.#carryOut("/execute", {}, options);
  }

  /** Carries out blocks in order, one result each; the first that fails is the last. */
  executeBlocks(
    mission: Mission | readonly (Block | JsonObject)[],
    options: LongOptions = {},
  ): Promise<readonly StepAnswer[]> {
    const blocks = "blocks" in mission ? mission.blocks : mission;
    return this.#carryOut("/execute_blocks", { blocks: blocks.map(blockData) }, options);
  }

  /**
   * Runs one transition without planner or precondition check; as long as it takes.
   *
   * @example await orchestrator.trigger(move, { start: roomOne, end: roomTwo });
   */
  trigger(action: string, params?: JsonObject | null, options?: LongOptions): Promise<StepAnswer>;
  trigger(ground: StepDef, params?: null, options?: LongOptions): Promise<StepAnswer>;
  trigger<const P extends ParamSpec>(
    transition: Transition<P>,
    ...params: ParamArgs<P>
  ): Promise<StepAnswer>;
  async trigger(
    action: string | StepDef | Transition,
    params: object | null = null,
    { signal }: LongOptions = {},
  ): Promise<StepAnswer> {
    const body = triggerBody(action, params);
    return await this.requests.ask(StepAnswer, "POST", "/trigger", { body, timeoutMs: 0, signal });
  }

  /**
   * Calls off one assignment, or without an audit id the running execution and all that is handed
   * out. What a servant has in hand ends when the servant says so. Our backend's alone: others
   * answer 404.
   */
  cancel(auditId?: string, reason?: string): Promise<CancelAnswer> {
    const body = {
      ...(auditId === undefined ? {} : { audit_id: auditId }),
      ...(reason === undefined ? {} : { reason }),
    };
    return this.requests.ask(CancelAnswer, "POST", "/cancel", { body });
  }

  /** What runs and what has run, newest first. Our backend's alone. */
  async listRuns(): Promise<readonly RunAnswer[]> {
    return (await this.requests.ask(RunsAnswer, "GET", "/runs")).runs;
  }

  /** One run with its results. Our backend's alone. */
  getRun(runId: string, options: Pick<LongOptions, "signal"> = {}): Promise<RunAnswer> {
    return this.requests.ask(RunAnswer, "GET", `/runs/${encoded(runId)}`, options);
  }

  /** A run's record when it has ended. Our backend's alone. */
  waitForRun(
    runId: string,
    { signal = this.#options.signal }: LongOptions = {},
  ): Promise<RunAnswer> {
    const ask = () => this.getRun(runId, { signal });
    const { outageMs, warn = console.warn } = this.#options;
    return followRun({ ask, runId, signal, outageMs, warn });
  }

  /** Clears objects made by clients, goal, plan and state. */
  resetBackend(): Promise<JsonObject> {
    return this.requests.ask(JsonRecord, "POST", "/reset", { body: {} });
  }

  // --- saved missions: see also `RemoteMissions` ---

  /**
   * The steps, null when there is no plan: `lastPlanReason()` says why. The plan that the backend
   * keeps stays as it is. What the options ask for is our backend's alone.
   */
  async planMission(name: string, options: PlanOptions = {}): Promise<PlanAnswer["plan"]> {
    const path = `/missions/${encoded(name)}/plan`;
    const body = planBody(options);
    this.#lastPlan = await this.requests.ask(PlanAnswer, "POST", path, { body, timeoutMs: 0 });
    return this.#lastPlan.plan;
  }

  executeMission(name: string, options: LongOptions = {}): Promise<readonly StepAnswer[]> {
    return this.#carryOut(`/missions/${encoded(name)}/execute`, {}, options);
  }

  // --- a servant of one's own; see `agent connect` for one that loses nothing ---

  /** Makes an object of the class, and its handlers known here. Its `setup` and `shutdown` are not called. */
  registerClass(cls: PluginClass): this {
    this.#handlers.register(cls);
    return this;
  }

  getRegisteredTransitionNames(): readonly string[] {
    return this.#registered(false);
  }

  /** Names of actions that have no transition. */
  getRegisteredAnonymousActionNames(): readonly string[] {
    return this.#registered(true);
  }

  getRegisteredBeliefFluents(): readonly string[] {
    return [...this.#handlers.beliefs.keys()];
  }

  /** Calls a handler registered here. @throws {ServantError} `assignment.unknown` */
  triggerAction(name: string, params: JsonObject = {}, options: CallOptions = {}): Promise<Result> {
    return this.#handlers.act(name, params, options);
  }

  /** Has a belief registered here observed, as it goes to `postServantResult`. */
  async triggerBelief(fluent: string, options: CallOptions = {}): Promise<JsonObject> {
    const result = await this.#handlers.observe(fluent, options);
    return fromDelivery({ kind: "belief", result }) as JsonObject;
  }

  /** The new servant's id. */
  async registerServant(offer: ServantOffer): Promise<string> {
    const { transitions, beliefs = [], domainModules = [], anonymousActions = [] } = offer;
    const body = {
      transitions,
      beliefs,
      domain_modules: domainModules,
      anonymous_actions: anonymousActions,
    };
    return (await this.requests.ask(ServantAnswer, "POST", "/servant/register", { body }))
      .servant_id;
  }

  /** What the servant is to do; null when there is nothing. */
  pollServantAssignment(servantId: string): Promise<JsonObject | null> {
    const path = `/servant/${encoded(servantId)}/next_assignment`;
    return this.requests.ask(z.nullable(JsonRecord), "GET", path);
  }

  async postServantResult(servantId: string, result: JsonObject): Promise<void> {
    const path = `/servant/${encoded(servantId)}/result`;
    await this.requests.ask(Anything, "POST", path, { body: result });
  }

  /** Asks for a run to be begun; where the backend only knows how to hold the request, it does. */
  async #carryOut(path: string, body: JsonObject, options: LongOptions): Promise<StepAnswer[]> {
    const { signal, onRun } = options;
    const answer = await this.requests.ask(
      z.union([ExecuteAnswer, BegunAnswer]),
      "POST",
      `${path}?wait=false`,
      { body, timeoutMs: 0, signal },
    );
    if (Array.isArray(answer.results)) return answer.results as StepAnswer[];
    const { run_id } = answer as BegunAnswer;
    onRun?.(run_id);
    return resultsOf(await this.waitForRun(run_id, options));
  }

  #registered(isAnonymous: boolean): readonly string[] {
    return [...this.#handlers.actions].flatMap(([name, { mark }]) =>
      (mark.kind === "action" && mark.transition === undefined) === isAnonymous ? [name] : [],
    );
  }

  #requireSession(what: string): string {
    if (this.sessionId !== undefined) return encoded(this.sessionId);
    throw new ServantError("usage.invalid", `Cannot ${what} the session: there is none`);
  }
}

function planBody({ relax, timeBudgetS }: PlanOptions): JsonObject {
  return {
    ...(relax === undefined ? {} : { relax }),
    ...(timeBudgetS === undefined ? {} : { time_budget_s: timeBudgetS }),
  };
}

function triggerBody(action: string | StepDef | Transition, params: object | null): JsonObject {
  if (typeof action === "string") return { action, params: params as JsonObject | null };
  const ground = "def" in action ? step(action, (params ?? {}) as never) : action;
  return { action: ground.transition, params: { ...ground.parameters } };
}
