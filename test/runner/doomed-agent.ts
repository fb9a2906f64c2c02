/** An agent for a test to kill: it starts an endless loop in its child and prints the child's id. */
import { join } from "node:path";
import { openChildRunner } from "../../src/runner/child-runner.ts";
import { systemClock } from "../../src/system/clock.ts";
import { act, entry, never } from "./plugin-child.ts";

const [folder = ""] = process.argv.slice(2);
const runner = await openChildRunner({
  call: () => Promise.resolve(null),
  clock: systemClock,
  command: [process.execPath, entry, "__plugin", join(folder, "plugin.ts"), "P"],
  env: { PATH: process.env.PATH ?? "" },
  hangTimeoutMs: 600_000,
  publish: (event) => {
    if (event.type === "plugin.log") console.log(event.message);
  },
});
await runner.run(act("loop"), never);
