// Runs a script under the pinned Bun. npm 12 and `--ignore-scripts` block Bun's postinstall,
// which puts the real executable in place; so when Bun does not start, run that step here.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const bun = join(root, "node_modules", "bun", "bin", "bun.exe");
const starts = () => spawnSync(bun, ["--version"], { stdio: "ignore" }).status === 0;

if (!starts()) {
  spawnSync(process.execPath, [join(root, "node_modules", "bun", "install.js")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (!starts()) {
    console.error("Cannot start Bun: run `npm ci` first, with optional dependencies");
    process.exit(1);
  }
}
process.on("SIGINT", () => {}); // Ctrl-C reaches both: what the script makes of it counts
const { status, signal, error } = spawnSync(bun, process.argv.slice(2), { stdio: "inherit" });
if (error) console.error(`Cannot run "${bun}": ${error.message}`);
process.exit(signal ? 1 : (status ?? 1));
