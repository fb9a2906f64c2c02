/** The present world as the code of a domain may look at it. */
import type { Scene } from "../core/domain.ts";
import type { World } from "./world.ts";

/** A snapshot: it does not change when the world does. */
export function sceneOf(world: World): Scene {
  const objects = world.objects();
  const byName = new Map(objects.map((each) => [each.name, each]));
  return { object: (name) => byName.get(name), objects, state: world.state() };
}
