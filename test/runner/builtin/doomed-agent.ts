/** An agent for a test to kill: it runs a command in its child and prints what that prints. */
import { join } from "node:path";
import { Supervisor } from "../../../src/agent/supervisor.ts";
import type { AgentEvent } from "../../../src/core/events.ts";
import { pluginProcess } from "../../../src/runner/plugin-process.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { act, entry, freshLedger, never } from "../plugin-child.ts";
import { allowing } from "./allowing.ts";

const [folder = "", command = ""] = process.argv.slice(2);
const publish = (event: AgentEvent) => {
  if (event.type === "plugin.log") console.log(event.message);
};
const builtins = JSON.stringify(allowing(["sh"]));
const spawn = pluginProcess({
  call: () => Promise.resolve(null),
  command: [process.execPath, entry, "__plugin", join(folder, "plugin.ts"), "P", builtins],
  env: { PATH: process.env.PATH ?? "" },
  publish,
});
const limits = { hangTimeoutMs: 600_000, cancelGraceMs: 10_000, safeTimeoutMs: 10_000 };
const runner = new Supervisor({ ...limits, clock: systemClock, publish, spawn });
await runner.open(await freshLedger());
await runner.run(act("run_process", { command }), never);
