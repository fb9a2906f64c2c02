/** `agent call trigger`: one action, without planner and without a check of its preconditions. */
import type { RemoteOrchestrator } from "../../client/orchestrator.ts";
import { exitCodes, ServantError } from "../../core/errors.ts";
import { type Expression, parseExpression } from "../../core/expression.ts";
import type { JsonObject } from "../../core/json.ts";
import { printable } from "../output.ts";
import { type CallOptions, withBackend } from "./context.ts";
import { paramsOf } from "./show.ts";
import { untilDone } from "./until-done.ts";

export async function trigger(text: string, options: CallOptions): Promise<number> {
  const wanted = parseExpression(text);
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const params = { ...(await positional(wanted, orchestrator)), ...wanted.named };
    const result = await untilDone(options, (long) =>
      orchestrator.trigger(wanted.name, params, long),
    );
    if (json) out.json(result);
    else {
      const { green, red } = out.paint;
      const message = result.message ? `: ${printable(result.message)}` : "";
      out.line(`${result.success ? green("✓") : red("✗")} ${printable(wanted.name)}${message}`);
    }
    return result.success ? 0 : exitCodes.permanent;
  });
}

/** Arguments given by place get the names that the action declares. */
async function positional(
  { name, args, named }: Expression,
  orchestrator: RemoteOrchestrator,
): Promise<JsonObject> {
  if (args.length === 0) return {};
  const action = (await orchestrator.listActions()).find((each) => each.name === name);
  const declared = action === undefined ? [] : paramsOf(action).map((param) => param.name);
  const bad = (reason: string) =>
    new ServantError("usage.invalid", `Cannot trigger "${name}": ${reason}`);
  if (action === undefined) throw bad("no such action; see `agent call actions`");
  if (args.length > declared.length) throw bad(`it takes (${declared.join(", ")})`);
  const given = args.map((value, index) => [declared[index] ?? "", value] as const);
  const twice = given.find(([param]) => param in named);
  if (twice !== undefined) throw bad(`"${twice[0]}" is given twice`);
  return Object.fromEntries(given);
}
