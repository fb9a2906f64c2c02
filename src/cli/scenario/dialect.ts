/** scenario-execution over ZeroMQ's wire, as `agent serve` speaks it. Loaded only when it is spoken. */
import { scenarioBackend } from "../../adapters/scenario-zmq.ts";
import { ServantError } from "../../core/errors.ts";
import { RUN_PROCESS } from "../../wire/scenario-builtins.ts";
import type { Dialect } from "../dialect.ts";
import type { ServeOptions } from "../options.ts";
import { chosenEndpoints } from "./endpoints.ts";

/** @throws {ServantError} `local.bad-address`, `scenario.insecure-bind` */
export function scenarioDialect(options: ServeOptions): Dialect {
  const endpoints = chosenEndpoints(options);
  const { allowBuiltin, allowRun, lease, maxAssignment, socketMode } = options;
  const builtins = new Set([...allowBuiltin, ...(allowRun.length === 0 ? [] : [RUN_PROCESS])]);
  return {
    secrets: [],
    call(method) {
      const problem = `Cannot call orchestrator.${method}: a scenario has none`;
      return Promise.reject(new ServantError("usage.invalid", problem));
    },
    open({ bus, clock }) {
      const backend = scenarioBackend({
        ...{ builtins, endpoints, socketMode, bus, clock },
        leaseMs: lease * 1_000,
        assignmentMaxBytes: maxAssignment,
      });
      return { backend, opened: backend.urls, close: () => backend.close() };
    },
  };
}
