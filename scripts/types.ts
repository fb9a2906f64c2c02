/** Writes the SDK's types to `dist/types`, which is what a plugin's author type-checks against. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./binary.ts";

const types = join(root, "dist", "types");
await rm(types, { recursive: true, force: true });
const tsc = Bun.spawn(
  [join(root, "node_modules", ".bin", "tsc"), "--project", join(root, "tsconfig.types.json")],
  { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
);
const exitCode = await tsc.exited;

// Declarations keep the source's `./x.ts`; there is no such file beside them, and not every
// compiler looks for `x.d.ts` then. `./x.js` is understood by all.
for (const path of new Bun.Glob("**/*.d.ts").scanSync({ cwd: types, absolute: true })) {
  const text = await Bun.file(path).text();
  await Bun.write(path, text.replace(/(["'])(\.{1,2}\/[^"']+)\.ts\1/g, "$1$2.js$1"));
}
process.exit(exitCode);
