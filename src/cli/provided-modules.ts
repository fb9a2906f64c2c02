/**
 * What the binary itself provides to plugins, by import name. Only our own names: a shared library
 * provided here would shadow the plugin's own copy of it.
 */
import type { z } from "zod";
import type { ProvidedModules } from "../runner/load.ts";

export const providedModules: ProvidedModules = {
  "servant-agent": async () => ({ ...(await import("../sdk/plugin-api.ts")), z: lazyZod }),
  "servant-agent/testing": () => import("../sdk/testing.ts"),
  "servant-agent/domains/adaptive-resampling": () => import("../domains/adaptive-resampling.ts"),
  "servant-agent/domains/sentry": () => import("../domains/sentry.ts"),
  "servant-agent/domains/warehouse": () => import("../domains/warehouse.ts"),
};

// Loading zod costs more than the rest of a child's start, and most plugins never touch it.
const lazyZod = new Proxy({} as typeof z, {
  get: (_, name) => Reflect.get(zod(), name),
  has: (_, name) => Reflect.has(zod(), name),
});

function zod(): typeof z {
  const { z: loaded }: typeof import("zod") = require("zod");
  return loaded;
}
