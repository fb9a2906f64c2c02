/** Writes the SDK's types to `dist/types`, which is what a plugin's author type-checks against. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./binary.ts";

await rm(join(root, "dist", "types"), { recursive: true, force: true });
const tsc = Bun.spawn(
  [join(root, "node_modules", ".bin", "tsc"), "--project", join(root, "tsconfig.types.json")],
  { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
);
process.exit(await tsc.exited);
