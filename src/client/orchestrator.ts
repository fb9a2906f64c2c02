/**
 * A DYNOS backend as an object: each method is one request, its answer checked and typed. Used by
 * `agent call`, by handlers through the agent, and by other programs.
 */
import { z } from "zod";
import type { Atom } from "../core/atom.ts";
import { ServantError } from "../core/errors.ts";
import type { Orchestrator } from "../core/handlers.ts";
import type { JsonObject } from "../core/json.ts";
import type { Connection, RequestOptions } from "../wire/connection.ts";
import { AtomsOf, toAtoms } from "../wire/dynos.ts";
import {
  CancelAnswer,
  ExecuteAnswer,
  type LogEntry,
  LogsAnswer,
  PlanAnswer,
  Record,
  Records,
  StepAnswer,
} from "./answers.ts";

export interface PlanOptions {
  /** On an unreachable goal, spend more time to say which conditions block it. */
  readonly relax?: boolean | undefined;
  readonly timeBudgetS?: number | undefined;
}

/** Every method throws ServantError `backend.*`: unreachable, rejected, malformed answer. */
export class RemoteOrchestrator implements Orchestrator {
  readonly #connection: Connection;
  readonly #signal: AbortSignal | undefined;
  #lastPlan: PlanAnswer | undefined;

  constructor(connection: Connection, signal?: AbortSignal) {
    this.#connection = connection;
    this.#signal = signal;
  }

  health(): Promise<JsonObject> {
    return this.#ask(Record, "GET", "/health", { outsideSession: true });
  }

  listActions(scope?: string): Promise<readonly JsonObject[]> {
    return this.#ask(Records, "GET", `/actions${query({ scope })}`);
  }

  listFluents(): Promise<readonly JsonObject[]> {
    return this.#ask(Records, "GET", "/fluents");
  }

  listObjects(type?: string, scope?: string): Promise<readonly JsonObject[]> {
    return this.#ask(Records, "GET", `/objects${query({ type, scope })}`);
  }

  listObjectTypes(): Promise<readonly JsonObject[]> {
    return this.#ask(Records, "GET", "/object_types");
  }

  /** The answer tells whether it was created or merged into one at the same place. */
  createObject(type: string, name: string, fields: JsonObject = {}): Promise<JsonObject> {
    return this.#ask(Record, "POST", "/objects", { body: { ...fields, type, name } });
  }

  async getCurrentState(scope?: string): Promise<readonly Atom[]> {
    const { state } = await this.#ask(AtomsOf.state, "GET", `/state${query({ scope })}`);
    return toAtoms(state);
  }

  async getGoal(): Promise<readonly Atom[]> {
    return toAtoms((await this.#ask(AtomsOf.goal, "GET", "/goal")).goal);
  }

  async setStart(atoms: readonly (Atom | string)[]): Promise<void> {
    await this.#ask(z.unknown(), "POST", "/start", { body: { start: atoms } });
  }

  async setGoal(atoms: readonly (Atom | string)[]): Promise<void> {
    await this.#ask(z.unknown(), "POST", "/goal", { body: { goal: atoms } });
  }

  /** The steps, none when the goal already holds, null when there is no plan. */
  async plan(options: PlanOptions = {}): Promise<PlanAnswer["plan"]> {
    const { relax = false, timeBudgetS } = options;
    const budget = timeBudgetS === undefined ? {} : { time_budget_s: timeBudgetS };
    this.#lastPlan = await this.#ask(PlanAnswer, "POST", "/plan", {
      body: { relax, ...budget },
      ...(timeBudgetS === undefined ? {} : { timeoutMs: (timeBudgetS + 30) * 1_000 }),
    });
    return this.#lastPlan.plan;
  }

  /** The whole answer to the last `plan()`. */
  lastPlan(): PlanAnswer | undefined {
    return this.#lastPlan;
  }

  /** Why the last `plan()` went as it did: `plan_found`, `goal_unreachable` and so on. */
  lastPlanReason(): string | undefined {
    return this.#lastPlan?.reason;
  }

  /** Carries the plan out; resolves when it is over, which may take hours. */
  async executePlan(): Promise<readonly StepAnswer[]> {
    const options = { body: {}, timeoutMs: 0 };
    return (await this.#ask(ExecuteAnswer, "POST", "/execute", options)).results;
  }

  /** Runs one transition without planner or precondition check; as long as it takes. */
  trigger(action: string, params: JsonObject | null = null): Promise<StepAnswer> {
    return this.#ask(StepAnswer, "POST", "/trigger", { body: { action, params }, timeoutMs: 0 });
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
    return this.#ask(CancelAnswer, "POST", "/cancel", { body });
  }

  /** Clears objects made by clients, goal, plan and state. */
  async resetBackend(): Promise<void> {
    await this.#ask(z.unknown(), "POST", "/reset", { body: {} });
  }

  /** What the backend has logged, oldest first. */
  async getLogs(): Promise<readonly LogEntry[]> {
    return (await this.#ask(LogsAnswer, "GET", "/logs")).logs;
  }

  async #ask<S extends z.core.$ZodType>(
    schema: S,
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<z.output<S>> {
    const signal = options.signal ?? this.#signal;
    const answer = await this.#connection
      .json(method, path, { ...options, signal })
      .catch((cause: unknown) => Promise.reject(this.#renamed(cause)));
    const parsed = z.safeParse(schema, answer);
    if (parsed.success) return parsed.data;
    throw new ServantError(
      "backend.malformed-answer",
      `Cannot read the answer to ${method} ${path}: ${z.prettifyError(parsed.error)}`,
      { cause: parsed.error },
    );
  }

  /** Without a session, a 404 speaks of the thing asked for and not of a session that is gone. */
  #renamed(cause: unknown): unknown {
    const isGone = cause instanceof ServantError && cause.code === "backend.session-gone";
    if (!isGone || this.#connection.target.session !== undefined) return cause;
    return new ServantError("backend.rejected", cause.message, { cause });
  }
}

function query(params: Readonly<{ [name: string]: string | undefined }>): string {
  const given = Object.entries(params).filter((pair): pair is [string, string] => !!pair[1]);
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}
