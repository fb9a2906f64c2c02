/**
 * Missions as a program writes them: a named list of blocks. Blocks take transitions and atoms of a
 * vocabulary, so that a wrong name or argument fails to compile instead of at the vehicle.
 *
 * @example
 * const mission = new Mission("tidy")
 *   .addAction(move, { start: roomOne, end: roomTwo })
 *   .addPlan([boxAt(roomTwo, boxA)]);
 * await orchestrator.executeBlocks(mission);
 */
import type { Atom } from "../core/atom.ts";
import { ServantError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { Block as BlockData } from "../core/mission.ts";
import { type ParamSpec, type ParamsOf, step, type Transition } from "../core/vocabulary.ts";
import { readBlocks } from "../wire/blocks.ts";
import type { StepAnswer } from "./answers.ts";

export type Block = ActionBlock | AnyActionBlock<ParamSpec> | PlanBlock | OrderBlock;
/** Parameters need not be said of a transition that takes none. */
export type ParamArgs<P extends ParamSpec> =
  Record<never, never> extends ParamsOf<P> ? [params?: ParamsOf<P>] : [params: ParamsOf<P>];

/** Does one transition, with whichever servant provides it. */
export class AnyActionBlock<const P extends ParamSpec = ParamSpec> {
  readonly action: string;
  readonly params: JsonObject;

  constructor(transition: Transition<P>, ...[params]: ParamArgs<P>) {
    if (!isTransition(transition)) {
      throw misused("AnyActionBlock", "takes a transition; for an action's name: ActionBlock");
    }
    this.action = transition.def.name;
    this.params = step(transition, (params ?? {}) as ParamsOf<P>).parameters;
  }

  toJSON(): JsonObject {
    return actionData(this);
  }
}

/** Does an action that has a name but no transition, such as `anon:Cart.weigh`. */
export class ActionBlock {
  readonly action: string;
  readonly params: JsonObject;

  constructor(action: string, params: JsonObject = {}) {
    if (typeof action !== "string") {
      throw misused("ActionBlock", "takes an action's name; for a transition: AnyActionBlock");
    }
    this.action = action;
    this.params = params;
  }

  toJSON(): JsonObject {
    return actionData(this);
  }
}

/** Plans for a goal, from the state that the block before it left, and carries the plan out. */
export class PlanBlock {
  readonly goal: readonly Atom[];

  constructor(goal: readonly Atom[]) {
    this.goal = [...goal];
  }

  toJSON(): JsonObject {
    return { type: "plan", goal: [...this.goal] };
  }
}

/** Blocks that are carried out in order, under a name of their own. They may nest. */
export class OrderBlock {
  readonly children: readonly Block[];
  readonly name: string;

  constructor(children: readonly Block[], name = "") {
    this.children = [...children];
    this.name = name;
  }

  toJSON(): JsonObject {
    const children = this.children.map((child) => child.toJSON());
    return { type: "order", name: this.name, children };
  }
}

/** What can carry blocks out. */
export interface CarriesOut {
  executeBlocks(mission: Mission | readonly Block[]): Promise<readonly StepAnswer[]>;
}

export class Mission {
  readonly name: string;
  readonly blocks: Block[];

  constructor(name: string, blocks: readonly Block[] = []) {
    this.name = name;
    this.blocks = [...blocks];
  }

  /** Appends a block of one transition, or of an action by its name. */
  addAction<const P extends ParamSpec>(transition: Transition<P>, ...params: ParamArgs<P>): this;
  addAction(action: string, params?: JsonObject): this;
  addAction(action: string | Transition, params?: JsonObject | ParamsOf<ParamSpec>): this {
    const block =
      typeof action === "string"
        ? new ActionBlock(action, params as JsonObject | undefined)
        : new AnyActionBlock<ParamSpec>(action, params as ParamsOf<ParamSpec>);
    return this.add(block);
  }

  /** Appends a block that plans for a goal. */
  addPlan(goal: readonly Atom[]): this {
    return this.add(new PlanBlock(goal));
  }

  /** Appends blocks under a name of their own. */
  addOrder(children: readonly Block[], name = ""): this {
    return this.add(new OrderBlock(children, name));
  }

  add(block: Block): this {
    this.blocks.push(block);
    return this;
  }

  /** One result for each block that was begun; see `RemoteOrchestrator.executeBlocks`. */
  execute(orchestrator: CarriesOut): Promise<readonly StepAnswer[]> {
    return orchestrator.executeBlocks(this);
  }

  /** As backends save it: `JSON.stringify(mission)` is the file. */
  toJSON(): { readonly name: string; readonly blocks: readonly JsonObject[] } {
    return { name: this.name, blocks: this.blocks.map((block) => block.toJSON()) };
  }

  /**
   * A mission from its JSON, as text or as data.
   *
   * @throws {ServantError} `request.malformed`, naming the block that is none.
   */
  static fromJSON(json: unknown): Mission {
    const { name, blocks } = (typeof json === "string" ? parsed(json) : json) as JsonObject;
    if (typeof name !== "string" || !Array.isArray(blocks)) {
      throw new ServantError("request.malformed", "Cannot read mission: it has a name and blocks");
    }
    return new Mission(name, readBlocks(blocks).map(toBlock));
  }
}

function toBlock(data: BlockData): Block {
  if (data.type === "action") return new ActionBlock(data.action, data.params);
  if (data.type === "plan") return new PlanBlock(data.goal as readonly Atom[]);
  return new OrderBlock(data.children.map(toBlock), data.name);
}

/** Parameters that nothing was said of are left out, as the public client does. */
function actionData({ action, params }: ActionBlock | AnyActionBlock<ParamSpec>): JsonObject {
  const given = Object.keys(params).length === 0 ? {} : { params };
  return { type: "action", action, ...given };
}

function isTransition(value: unknown): boolean {
  return typeof (value as { def?: { name?: unknown } } | null)?.def?.name === "string";
}

function misused(what: string, reason: string): ServantError {
  return new ServantError("usage.invalid", `Cannot make ${what}: it ${reason}`);
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new ServantError("request.malformed", "Cannot read mission: not JSON", { cause });
  }
}
