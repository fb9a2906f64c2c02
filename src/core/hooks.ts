/**
 * A plugin's plain methods that are called by their names: `setup` before anything else in each of its
 * processes, `shutdown` at the end of one that the agent lets go, and those that somebody at the
 * backend may ask for: `pause`, `resume`, `cancel`, `reset`. They need no decorator; one that is a
 * handler is none of these.
 */
import { messageOf, ServantError } from "./errors.ts";
import { type HookName, hookNames, type SafeContext } from "./handlers.ts";
import type { Plugin } from "./plugin.ts";

type Objects = Pick<Plugin, "instances" | "marked">;
type Method = (ctx: SafeContext) => unknown;

/** Which of them the plugin has. */
export function hooksOf(plugin: Objects): readonly HookName[] {
  return hookNames.filter((name) => found(plugin, name).length > 0);
}

/** Calls the method on every object of the plugin that has it; what it throws is thrown. */
export async function callHook(plugin: Objects, name: HookName, ctx: SafeContext): Promise<void> {
  await Promise.all(found(plugin, name).map(async (call) => await call(ctx)));
}

/**
 * Calls `setup` on each object of the plugin that has it, in their order.
 *
 * @throws {ServantError} `plugin.load-failed`
 */
export async function setUp(plugin: Objects, ctx: SafeContext): Promise<void> {
  try {
    for (const call of found(plugin, "setup")) await call(ctx);
  } catch (cause) {
    const problem = `Cannot set the plugin up: ${messageOf(cause)}`;
    throw new ServantError("plugin.load-failed", problem, { cause });
  }
}

export function hasShutdown(plugin: Objects): boolean {
  return found(plugin, "shutdown").length > 0;
}

/** Calls `shutdown` on each, last made first: one that throws keeps none from its own. */
export async function shutDown(plugin: Objects, ctx: SafeContext): Promise<void> {
  for (const call of found(plugin, "shutdown").reverse()) {
    try {
      await call(ctx);
    } catch (cause) {
      ctx.log.error(`Cannot shut the plugin down: ${messageOf(cause)}`);
    }
  }
}

function found({ instances, marked }: Objects, name: HookName | "setup" | "shutdown"): Method[] {
  return instances.flatMap((instance) => {
    const method = (instance as Record<string, unknown>)[name];
    if (typeof method !== "function" || marked.has(name)) return [];
    return [(ctx: SafeContext) => (method as Method).call(instance, ctx)];
  });
}
