/**
 * A plugin's plain methods that somebody at the backend may ask for: `pause`, `resume`, `cancel`,
 * `reset`. They need no decorator; one that is a handler of an assignment is no hook.
 */
import { type HookName, hookNames, type SafeContext } from "./handlers.ts";
import type { Plugin } from "./plugin.ts";

type Method = (ctx: SafeContext) => unknown;

/** Which of them the plugin has. */
export function hooksOf(plugin: Pick<Plugin, "instances" | "marked">): readonly HookName[] {
  return hookNames.filter((name) => found(plugin, name).length > 0);
}

/** Calls the method on every object of the plugin that has it; what it throws is thrown. */
export async function callHook(
  plugin: Pick<Plugin, "instances" | "marked">,
  name: HookName,
  ctx: SafeContext,
): Promise<void> {
  await Promise.all(found(plugin, name).map(async (call) => await call(ctx)));
}

function found(
  { instances, marked }: Pick<Plugin, "instances" | "marked">,
  name: HookName,
): Method[] {
  return instances.flatMap((instance) => {
    const method = (instance as Record<string, unknown>)[name];
    if (typeof method !== "function" || marked.has(name)) return [];
    return [(ctx: SafeContext) => (method as Method).call(instance, ctx)];
  });
}
