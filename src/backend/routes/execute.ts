/** Carrying out: the goal, blocks, one transition. */
import type { Context, Hono } from "hono";
import * as z from "zod/mini";
import { ServantError } from "../../core/errors.ts";
import { BlocksRequest, readBlocks } from "../../wire/blocks.ts";
import { WaitQuery } from "../../wire/direct.ts";
import { TriggerRequest } from "../../wire/dynos.ts";
import type { Begun } from "../executor.ts";
import { paramTexts } from "../ground-step.ts";
import type { Parts } from "../parts.ts";
import type { Run } from "../run.ts";
import { bodyOf, queryOf } from "./request.ts";

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
    const isAwaited = isWaitedFor(context);
    const given = paramTexts(params ?? {});
    const { run, ended } = executor.trigger(action, given, { isListed: !isAwaited });
    if (!isAwaited) return begunAnswer(context, run);
    await ended;
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
  const isAwaited = isWaitedFor(context);
  const { run, ended } = begin();
  if (!isAwaited) return begunAnswer(context, run);
  const { success, message, code } = await ended;
  if (code === "plan.none" && run.kind === "goal" && run.outcomes.length === 0) {
    throw new ServantError(code, `Cannot execute: ${message}`);
  }
  return context.json({
    ...{ results: run.results(), success, message, run_id: run.id },
    ...(code === undefined ? {} : { code }),
  });
}

function isWaitedFor(context: Context): boolean {
  return queryOf(context, WaitQuery).wait !== "false";
}

function begunAnswer(context: Context, { id, status }: Run): Response {
  return context.json({ run_id: id, status }, 202, { Location: `/runs/${id}` });
}
