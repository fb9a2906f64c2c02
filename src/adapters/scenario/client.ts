/**
 * One client: a connection, and the actions that were made over it. They are its own: to any other
 * connection their ids say nothing, and when it goes they go. A stock client has one action on each.
 */
import type { AuditId } from "../../core/assignment.ts";
import type { JsonObject } from "../../core/json.ts";
import type { ActionId, Request } from "../../wire/scenario.ts";
import type { ActionState } from "../../wire/scenario-answers.ts";
import { mergedArguments, paramsOf } from "../../wire/scenario-arguments.ts";
import { RUN_PROCESS } from "../../wire/scenario-builtins.ts";
import type { Watched } from "../zmtp/vigil.ts";
import { type Round, type Rounds, refusedRound } from "./rounds.ts";

type Asked<C extends Request["cmd"]> = Extract<Request, { cmd: C }>;

interface Action {
  readonly pluginKey: string;
  readonly initArgs: JsonObject;
  /** Of the request that made it. */
  readonly initBytes: number;
  /** What is kept for it: arguments, in bytes of the wire. */
  bytes: number;
  round?: Round;
  /** A round of the action that it took the id of, which may be at work. */
  readonly before?: AuditId | undefined;
  /** What it left running goes by this name; undefined: it can have left nothing. */
  holder?: string | undefined;
}

export interface ClientOptions {
  /** A client that is silent for so long while an action runs is taken for lost, in milliseconds. */
  readonly leaseMs: number;
  /** Of what one action is executed with, its `init` counted in, in bytes. */
  readonly assignmentMaxBytes: number;
  /** The agent's own actions that are allowed. */
  readonly builtins: ReadonlySet<string>;
  /** Called once for a round that has waited a while. */
  onWaiting(round: Round): void;
}

/** A person who sees nothing move wants to know why by then. */
const WAIT_TOLD_MS = 2_000;

/** Who never resets them makes ever more: then the oldest that do not run are forgotten. */
const ACTIONS_MAX = 1_024;
/** So much of arguments is kept for a client, in bytes; for its latest action whatever that may have. */
const KEPT_MAX_BYTES = 32 * 1024 * 1024;

export class Client implements Watched {
  readonly #rounds: Rounds;
  readonly #options: ClientOptions;
  readonly #actions = new Map<ActionId, Action>();
  #keptBytes = 0;
  #silentMs = 0;
  #isGone = false;

  constructor(rounds: Rounds, options: ClientOptions) {
    this.#rounds = rounds;
    this.#options = options;
  }

  heard(): void {
    this.#silentMs = 0;
  }

  /** Undefined: there is none of this id here. */
  stateOf(id: ActionId): ActionState | undefined {
    const action = this.#actions.get(id);
    return action === undefined ? undefined : (action.round?.state ?? "idle");
  }

  /** An action has ended, and it has yet to ask, or to terminate what it has heard the end of. */
  get isExpected(): boolean {
    for (const { round } of this.#actions.values()) {
      if (round !== undefined && round.state !== "running" && !round.isOver) return true;
    }
    return false;
  }

  /** One of the same id gives way to it. */
  init({ actionId, pluginKey, initArgs }: Asked<"init">, initBytes: number): void {
    if (this.#isGone) return; // while the plugin loaded
    const before = atWork(this.#actions.get(actionId));
    this.#forget(actionId, "another action was made under its id");
    // What no `execute` of it may have is not even kept.
    const isTooLarge = initBytes > this.#options.assignmentMaxBytes;
    const kept = isTooLarge ? { initArgs: {}, bytes: 0 } : { initArgs, bytes: initBytes };
    this.#add(actionId, { pluginKey, initBytes, ...kept, before });
  }

  /** Never an error, which would end the whole scenario: what is wrong is told by `stateOf`. */
  execute({ actionId, execArgs }: Asked<"execute">, execBytes: number): void {
    const action = this.#remove(actionId);
    if (action === undefined) return;
    this.#callOff(action, "it was executed once more");
    const { initArgs, initBytes, pluginKey } = action;
    const bytes = initBytes + execBytes;
    const before = atWork(action);
    const most = this.#options.assignmentMaxBytes;
    if (bytes > most) {
      const problem = `Cannot take "${pluginKey}": it has ${bytes} bytes, over ${most}`;
      action.round = refusedRound(pluginKey, "assignment.too-large", problem, before);
    } else {
      const params = paramsOf(mergedArguments(initArgs, execArgs));
      action.round = this.#rounds.begin(pluginKey, this.#held(action, params), before);
      action.bytes = bytes;
    }
    this.#add(actionId, action);
  }

  /** Whatever status it tells: what still runs is not wanted any more. */
  terminate({ actionId, newStatus }: Asked<"terminate">): void {
    const action = this.#actions.get(actionId);
    if (action === undefined) return;
    this.#callOff(action, "the scenario abandoned it");
    if (action.round !== undefined) action.round.isOver = true;
    if (newStatus === "INVALID") this.#letGo(action);
  }

  /** Without an id: all of its own. */
  reset({ actionId }: Asked<"reset">): void {
    if (actionId === null) this.#forgetAll("the scenario reset it");
    else this.#forget(actionId, "the scenario reset it");
  }

  gone(): void {
    this.#isGone = true;
    this.#forgetAll("its client is gone");
  }

  sweep(ms: number): void {
    this.#silentMs += ms;
    for (const { round } of this.#actions.values()) this.#tellWaiting(round, ms);
    const { leaseMs } = this.#options;
    if (this.#silentMs < leaseMs) return;
    const reason = `its client said nothing for ${leaseMs / 1_000} s`;
    for (const action of this.#actions.values()) {
      this.#callOff(action, reason);
      this.#letGo(action);
    }
  }

  #tellWaiting(round: Round | undefined, ms: number): void {
    if (round?.state !== "running" || round.isOut) return;
    const before = round.waitedMs;
    round.waitedMs += ms;
    if (before < WAIT_TOLD_MS && round.waitedMs >= WAIT_TOLD_MS) this.#options.onWaiting(round);
  }

  #forgetAll(reason: string): void {
    for (const id of [...this.#actions.keys()]) this.#forget(id, reason);
  }

  #forgetOldest(): void {
    for (const [id, { round }] of this.#actions) {
      if (round?.state === "running") continue;
      this.#forget(id, "its client made more");
      return;
    }
    const [oldest] = this.#actions.keys();
    if (oldest !== undefined) this.#forget(oldest, "its client made too many more");
  }

  #forget(id: ActionId, reason: string): void {
    const action = this.#remove(id);
    if (action === undefined) return;
    this.#callOff(action, reason);
    this.#letGo(action);
  }

  /** As its latest, in the place of older ones where there is no room. */
  #add(id: ActionId, action: Action): void {
    while (this.#isFull(action.bytes)) this.#forgetOldest();
    this.#actions.set(id, action);
    this.#keptBytes += action.bytes;
  }

  #isFull(bytes: number): boolean {
    const { size } = this.#actions;
    return size >= ACTIONS_MAX || (size > 0 && this.#keptBytes + bytes > KEPT_MAX_BYTES);
  }

  #remove(id: ActionId): Action | undefined {
    const action = this.#actions.get(id);
    if (this.#actions.delete(id)) this.#keptBytes -= action?.bytes ?? 0;
    return action;
  }

  /** A process that goes on after its round is the action's: executed again, it finds it. */
  #held(action: Action, params: JsonObject): JsonObject {
    if (action.pluginKey !== RUN_PROCESS || !this.#options.builtins.has(RUN_PROCESS)) return params;
    if (params.wait_for_shutdown !== false) return params;
    action.holder ??= crypto.randomUUID();
    return { ...params, holder: action.holder };
  }

  /** Also where its round was called off: that may have come too late. */
  #letGo(action: Action): void {
    const { holder } = action;
    if (holder === undefined) return;
    action.holder = undefined;
    this.#rounds.begin(RUN_PROCESS, { release: holder });
  }

  #callOff({ round }: Action, reason: string): void {
    if (round !== undefined) this.#rounds.callOff(round, reason);
  }
}

/** Its name only: what a round was given is not kept for it. */
function atWork({ round, before }: Partial<Pick<Action, "round" | "before">> = {}) {
  if (round === undefined) return before;
  return round.isOut ? round.auditId : round.before;
}
