/** Everything that can be said without running the product: types, lint, format, tidiness. */
import { join } from "node:path";
import { root } from "./binary.ts";

const tool = (name: string) => join(root, "node_modules", ".bin", name);
const checks: Record<string, string[]> = {
  types: [tool("tsc"), "--project", root],
  "types of the pages": [tool("tsc"), "--project", join(root, "src", "page")],
  "lint and format": [tool("biome"), "check", "--error-on-warnings", root],
  tidiness: [process.execPath, "test", "./test/tidy.test.ts"],
};

const failed: string[] = [];
for (const [name, command] of Object.entries(checks)) {
  const run = Bun.spawnSync(command, { cwd: root, stdout: "pipe", stderr: "pipe" });
  console.log(`${run.exitCode === 0 ? "✓" : "✗"} ${name}`);
  if (run.exitCode === 0) continue;
  failed.push(name);
  console.log(`${run.stdout}${run.stderr}`);
}
if (failed.length > 0) console.log(`failed: ${failed.join(", ")}`);
process.exit(failed.length === 0 ? 0 : 1);
