/**
 * What the binary itself provides to plugins, by import name. Only our own names: a shared library
 * provided here would shadow the plugin's own copy of it.
 */
import type { ProvidedModules } from "../runner/load.ts";

export const providedModules: ProvidedModules = {
  "servant-agent": () => import("../sdk/index.ts"),
  "servant-agent/testing": () => import("../sdk/testing.ts"),
  "servant-agent/domains/warehouse": () => import("../domains/warehouse.ts"),
};
