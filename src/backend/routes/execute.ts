/** Carrying out: the goal, blocks, one transition. */
import type { Context, Hono } from "hono";
import { z } from "zod";
import { ServantError } from "../../core/errors.ts";
import { BlocksRequest, readBlocks } from "../../wire/blocks.ts";
import { TriggerRequest } from "../../wire/dynos.ts";
import type { Begun } from "../executor.ts";
import { paramTexts } from "../ground-step.ts";
import type { Parts } from "../parts.ts";
import { bodyOf } from "./request.ts";

export function executeRoutes(
  app: Hono,
  { executor, missions }: Pick<Parts, "executor" | "missions">,
): void {
  app.post("/execute", async (context) => {
    await bodyOf(context, z.looseObject({}));
    return await answerRun(context, () => executor.execute());
  });

  app.post("/execute_blocks", async (context) => {
    const { blocks } = await bodyOf(context, BlocksRequest);
    const read = readBlocks(blocks);
    return await answerRun(context, () => executor.executeBlocks(read));
  });

  app.post("/missions/:name/execute", async (context) => {
    const { name, blocks } = missions.get(context.req.param("name"));
    const read = readBlocks(blocks);
    return await answerRun(context, () => executor.executeBlocks(read, name));
  });

  app.post("/trigger", async (context) => {
    const { action, params } = await bodyOf(context, TriggerRequest);
    const run = await executor.trigger(action, paramTexts(params ?? {}));
    return context.json(run.results()[0] ?? {});
  });
}

/**
 * Begins a run and answers when it has ended; with `?wait=false` at once. The client's connection is
 * no lease on it: it goes on when the client goes away.
 *
 * @throws {ServantError} `execution.running`, `plan.none` when there is no plan to begin with
 */
export async function answerRun(context: Context, begin: () => Begun): Promise<Response> {
  const isAwaited = isWaitedFor(context.req.query("wait"));
  const { run, ended } = begin();
  if (!isAwaited) {
    const location = `/runs/${run.id}`;
    return context.json({ run_id: run.id, status: run.status }, 202, { Location: location });
  }
  const { success, message, code } = await ended;
  if (code === "plan.none" && run.kind === "goal" && run.outcomes.length === 0) {
    throw new ServantError(code, `Cannot execute: ${message}`);
  }
  return context.json({
    ...{ results: run.results(), success, message, run_id: run.id },
    ...(code === undefined ? {} : { code }),
  });
}

function isWaitedFor(wait: string | undefined): boolean {
  if (wait === undefined || wait === "true") return true;
  if (wait === "false") return false;
  const shown = wait.slice(0, 100);
  throw new ServantError("request.malformed", `Cannot use wait=${shown}: say true or false`);
}
