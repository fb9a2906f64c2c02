/** Starts the plugin's processes, one after the other. */
import type { SpawnChild } from "../../src/core/child.ts";
import { SimChild } from "./child.ts";
import type { Life } from "./life.ts";
import type { PluginState } from "./plugin.ts";
import type { Surroundings } from "./surroundings.ts";

export function spawnerOf(life: Life, world: Surroundings, plugin: PluginState): SpawnChild {
  return (hear) => {
    const child = new SimChild(life, world, plugin, hear);
    if (!life.isAlive) return child;
    if (plugin.present !== undefined) {
      world.oracle.broken("the plugin has one process at a time", String(plugin.pids));
    }
    plugin.present = child;
    return child;
  };
}
