/** Classic bugs of how an agent runs a plugin, cancels, pauses and makes the machine safe. */
import { emptyResult, failedResult } from "../../src/core/assignment.ts";
import type { Child, ChildReport, Loaded, SpawnChild } from "../../src/core/child.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { ActionRules } from "../../src/core/handlers.ts";
import type { Runner } from "../../src/core/ports.ts";
import { overridden, type Sabotage } from "./sabotage.ts";

export const pluginSabotages: Record<string, Sabotage> = {
  "rerun without being asked": {
    breaks: "no handler starts twice unless it said so",
    runner: (runner) => ({ rules: withRules(runner, { onInterrupted: "rerun" }) }),
  },
  "starts not heard": {
    breaks: "each start of a handler is recorded",
    spawn: (spawn) => (hear) =>
      spawn((report) => {
        if (report.type !== "started") hear(report);
      }),
  },
  "lanes ignored": {
    breaks: "what runs together shares nothing",
    runner: (runner) => ({
      rules: Object.fromEntries(
        Object.entries(runner.rules).map(([name, rules]) => [name, { ...rules, uses: [name] }]),
      ),
    }),
  },
  "cancel ignored": {
    breaks: "what was called off never starts",
    backend: (link) => ({
      async *directives(intake, signal) {
        for await (const directive of link.directives(intake, signal)) {
          if (directive.type !== "cancel") yield directive;
        }
      },
    }),
  },
  "cancel reported before the handler ended": {
    breaks: "nothing acts once its result is reported",
    runner: (runner) => ({
      run: (assignment, signal) => {
        const run = runner.run(assignment, signal);
        const { auditId } = assignment;
        const cancelled = new Promise<ReturnType<typeof failedResult>>((resolve) => {
          const report = () => resolve(failedResult(auditId, "handler.cancelled", "called off"));
          signal.addEventListener("abort", report, { once: true });
        });
        return Promise.race([run, cancelled]);
      },
    }),
  },
  "safe skipped": {
    breaks: "the machine is made safe before anything else",
    spawn: (spawn) => (hear) =>
      spawn((report) => {
        if (report.type !== "ready") hear(report);
        else hear({ ...report, loaded: { ...report.loaded, hasSafe: false } });
      }),
  },
  "busy taken for hung": {
    breaks: "only what truly hung is judged hung",
    runner: (runner) => ({
      run: async (assignment, signal) => {
        const result = await runner.run(assignment, signal);
        if (result.success) return result;
        return failedResult(assignment.auditId, "handler.hung", "it takes so long");
      },
    }),
  },
  "crash reported without one": {
    breaks: "only what was cut off is called cut off",
    runner: (runner) => ({
      run: async (assignment, signal) => {
        const result = await runner.run(assignment, signal);
        if (result.success) return result;
        throw new ServantError("handler.crashed", "Cannot go on: it did not work");
      },
    }),
  },
  "done without doing": {
    breaks: "what never began is not done",
    runner: () => ({ run: async ({ auditId }) => emptyResult(auditId, true) }),
  },
  "found something else": {
    breaks: "a result says what the plugin found",
    runner: (runner) => ({
      reconcile: async (assignment, signal) => ({
        ...(await runner.reconcile(assignment, signal)),
        state: "partly",
      }),
    }),
  },
  "ready before it is": {
    breaks: "nothing is given to a process that is not ready",
    spawn: (spawn, loaded) => (hear) => {
      queueMicrotask(() => hear({ type: "ready", loaded }));
      return spawn(hear);
    },
  },
  "given to a process that is being ended": {
    breaks: "nothing is given to a process that is being ended",
    spawn: withChild((child) => ({
      tell: (order) => {
        if (order.type === "run") child.signal("SIGTERM");
        child.tell(order);
      },
    })),
  },
  "two processes at once": {
    breaks: "the plugin has one process at a time",
    spawn: (spawn) => (hear) => {
      spawn(() => {});
      return spawn(hear);
    },
  },
  "nobody woken when it is ready": {
    breaks: "an agent that is asked to stop ends in time",
    runner: () => ({ changed: () => new Promise(() => {}) }),
  },
};

function withRules(runner: Runner, over: Partial<ActionRules>): Runner["rules"] {
  const rules = Object.entries(runner.rules).map(([name, own]) => [name, { ...own, ...over }]);
  return Object.fromEntries(rules) as Runner["rules"];
}

function withChild(over: (child: Child) => Partial<Child>): NonNullable<Sabotage["spawn"]> {
  return (spawn: SpawnChild, _loaded: Loaded) => (hear: (report: ChildReport) => void) => {
    const child = spawn(hear);
    return overridden(child, over(child));
  };
}
