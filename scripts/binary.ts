/** The built program: where it is, and how it is kept up to date with its source. */
import { stat } from "node:fs/promises";
import { join } from "node:path";

export const root = join(import.meta.dir, "..");
export const binary = join(root, "dist", "agent");

/**
 * Builds `dist/agent` unless it is newer than everything that goes into it.
 *
 * @throws when the build fails; what it printed is in the message.
 */
export async function ensureBinary(): Promise<string> {
  const builtAtMs = await modifiedAtMs(binary);
  const inputs = [join(root, "package.json"), join(root, "build.ts"), ...sources()];
  const changedAtMs = Math.max(...(await Promise.all(inputs.map(modifiedAtMs))));
  if (builtAtMs > changedAtMs) return binary;
  const build = Bun.spawn([process.execPath, join(root, "build.ts")], {
    cwd: root,
    stdout: "ignore",
    stderr: "pipe",
  });
  const printed = await new Response(build.stderr).text();
  if ((await build.exited) !== 0) throw new Error(`Cannot build "${binary}":\n${printed}`);
  return binary;
}

function sources(): string[] {
  const src = join(root, "src");
  return [...new Bun.Glob("**/*").scanSync({ cwd: src })].map((path) => join(src, path));
}

async function modifiedAtMs(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
}
