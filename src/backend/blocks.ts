/**
 * Missions, carried out block by block. Each block is checked when it starts and judged by the state
 * that the ones before it have left; one that fails ends the mission.
 */
import type { AuditId } from "../core/assignment.ts";
import type { Atom } from "../core/atom.ts";
import { isServantError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Block } from "../core/mission.ts";
import type { GroundStep } from "../core/outcome.ts";
import { Pace } from "../planner/pace.ts";
import { attemptStep } from "./attempt.ts";
import { brief } from "./brief.ts";
import { Effort } from "./effort.ts";
import { paramTexts } from "./ground-step.ts";
import { prepare } from "./obstacle.ts";
import { stepText } from "./progress.ts";
import { goalText, Pursuit, type PursuitPorts } from "./pursuit.ts";
import type { Ending, OrderOutcome, Outcome, PlanOutcome } from "./results.ts";
import type { Run } from "./run.ts";
import { GOAL_ATOMS_MAX } from "./world.ts";

/** Of the blocks that have not begun so many are told. */
const COMING_MAX = 20;

type ActionBlock = Extract<Block, { type: "action" }>;

/** Carries the blocks out in order, until one fails. `into` gets one outcome for each that began. */
export async function runBlocks(
  ports: PursuitPorts,
  run: Run,
  blocks: readonly Block[],
  into: Pick<OrderOutcome, "outcomes" | "coming">,
): Promise<Ending> {
  const texts = blocks.map(blockText);
  const pace = new Pace(ports.clock, Number.POSITIVE_INFINITY);
  for (const [at, block] of blocks.entries()) {
    if (pace.due()) await pace.rest(); // goals that hold already wait for nobody
    const text = blockText(block);
    into.coming = comingOf(texts, at + 1);
    run.tell({ type: "block.started", block: text });
    const ending = await runBlock(ports, run, block, into.outcomes);
    const { success, message } = ending;
    run.tell({ type: "block.finished", block: text, success, message });
    ports.log(success ? "info" : "warn", `${text} ${success ? "done" : "failed"}: ${message}`, {});
    ports.note(run);
    if (!success) return { ...ending, message: brief(`${text}: ${message}`) };
  }
  return { success: true, message: `done: ${blocks.length} of ${blocks.length} blocks` };
}

async function runBlock(
  ports: PursuitPorts,
  run: Run,
  block: Block,
  into: Outcome[],
): Promise<Ending> {
  if (block.type === "action") return await runAction(ports, run, block, into);
  if (block.type === "plan") {
    const outcome: PlanOutcome = { type: "plan", goal: block.goal, steps: [] };
    into.push(outcome);
    const ending = run.halted.aborted ? run.halt() : await runPlan(ports, run, outcome);
    outcome.ending = ending;
    return ending;
  }
  const outcome: OrderOutcome = { type: "order", name: block.name, outcomes: [], coming: [] };
  into.push(outcome);
  const ending = await runBlocks(ports, run, block.children, outcome);
  outcome.ending = ending;
  return ending;
}

async function runPlan(
  ports: PursuitPorts,
  run: Run,
  { goal, steps }: PlanOutcome,
): Promise<Ending> {
  const { world, plans } = ports;
  run.now = `planning for ${goalText(goal)}`;
  await ports.quiet(run.halted);
  let atoms: Atom[];
  if (goal.length > GOAL_ATOMS_MAX) {
    const message = `its goal has ${goal.length} atoms, ${GOAL_ATOMS_MAX} at most`;
    return { success: false, message, code: "request.too-large" };
  }
  try {
    atoms = [...new Set(goal.map((text) => world.atom(text)))];
  } catch (cause) {
    return refused(cause);
  }
  const wish = { signal: run.halted, why: "a plan block", runId: run.id };
  return await new Pursuit(ports, run, atoms, steps).reach(plans.for(atoms, wish));
}

/** Unlike a trigger it is a step like those of plans: its preconditions are to hold. */
async function runAction(
  ports: PursuitPorts,
  run: Run,
  block: ActionBlock,
  into: Outcome[],
): Promise<Ending> {
  const why = "an action block";
  await ports.quiet(run.halted, block.action);
  const step = run.halted.aborted ? run.halt() : stepToDo(ports, block);
  if (!("transition" in step)) {
    const auditId = crypto.randomUUID() as AuditId;
    const unknown = { transition: block.action, parameters: textsOf(block) };
    into.push({
      ...{ type: "action", auditId, step: unknown, why, legs: [], telemetry: {} },
      ending: step,
    });
    return step;
  }
  run.now = stepText(step);
  const effort = new Effort(ports.replansMax);
  return await attemptStep(ports, step, { run, why, into, effort, note: () => ports.note(run) });
}

/** The block's step, or why it cannot be one now. */
function stepToDo({ world, servants }: PursuitPorts, { action, params }: ActionBlock) {
  try {
    const parameters = paramTexts(params);
    const isKnown = world.vocabulary.transitions.has(action);
    // What no vocabulary has is some servant's own: it does whatever it does.
    if (!isKnown && servants.providerOf(action) !== undefined) {
      return { transition: action, parameters, adds: [], removes: [] } satisfies GroundStep;
    }
    const prepared = prepare(world, { transition: action, parameters });
    if ("step" in prepared) return prepared.step;
    return { success: false, ...prepared.obstacle } satisfies Ending;
  } catch (cause) {
    return refused(cause);
  }
}

/** What was posted, whatever it is. */
function textsOf({ params }: ActionBlock): Record<string, string> {
  const text = (value: Json) => (typeof value === "string" ? value : JSON.stringify(value));
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, text(value)]));
}

function refused(cause: unknown): Ending {
  if (!isServantError(cause)) throw cause;
  return { success: false, message: brief(cause.message), code: cause.code };
}

/** The blocks from there on, or the first of them. */
function comingOf(texts: readonly string[], from: number): string[] {
  const coming = texts.slice(from, from + COMING_MAX);
  const more = texts.length - from - coming.length;
  return more > 0 ? [...coming, `${more} more blocks`] : coming;
}

/** A block in words. */
export function blockText(block: Block): string {
  if (block.type === "plan") return `plan block ${goalText(block.goal)}`;
  return brief(
    block.type === "action" ? `action block ${block.action}` : `order block ${block.name}`,
  );
}
