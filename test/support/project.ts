/** Folders on disk that stand for a user's project, or for a fresh clone of this one. */
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "../../scripts/binary.ts";

export interface Project extends AsyncDisposable {
  readonly path: string;
}

/** A temporary folder with the given files; gone at the end of the test's scope. */
export async function project(files: Readonly<Record<string, string>> = {}): Promise<Project> {
  const path = await mkdtemp(join(tmpdir(), "agent-project-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await Bun.write(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A copy of what a fresh clone holds to build from: no `node_modules`, no `dist`. */
export async function clone(): Promise<Project> {
  const copy = await project();
  for (const name of CLONED) {
    await cp(join(root, name), join(copy.path, name), { recursive: true });
  }
  return copy;
}

const CLONED = [
  "LICENSE",
  "build.ts",
  "package-lock.json",
  "package.json",
  "plugins",
  "scripts",
  "src",
  "tsconfig.json",
  "tsconfig.types.json",
];

/** Packs the package as for the registry, without the binary, and unpacks it at `path`. */
export async function packedLibrary(path: string): Promise<void> {
  await using copy = await clone();
  await symlink(join(root, "node_modules"), join(copy.path, "node_modules"));
  const inCopy = (...command: string[]) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: copy.path });
    if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stdout}${stderr}`);
    return stdout.toString();
  };
  for (const script of ["types", "library"]) {
    inCopy(process.execPath, join(copy.path, "scripts", `${script}.ts`));
  }
  const archive = inCopy("npm", "pack", "--silent", "--ignore-scripts").trim();
  await mkdir(path, { recursive: true });
  inCopy("tar", "-xzf", archive, "-C", path, "--strip-components=1");
}
