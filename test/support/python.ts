/** The public Python packages as peers: one virtual environment for each set, made once. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isServantError } from "../../src/core/errors.ts";
import { openStateDir, type StateDir } from "../../src/system/state-dir.ts";

const root = join(import.meta.dir, "..", "..");

export interface PeerPython {
  readonly python: string;
  /** The `dynos` command. */
  readonly dynos: string;
}

/** The releases of the public client that this program is held to, oldest first. */
export const VERSIONS = ["0.1.2", "0.1.5", "0.2.0", "0.2.2"] as const;
export type PeerVersion = (typeof VERSIONS)[number];

/** Packages of one release of the client: it runs only with its own core and domains. */
function packagesOf(version: PeerVersion): string[] {
  const core = version === "0.1.2" ? "0.1.2.post1" : version;
  const domains = ["warehouse-domain", "sentry-domain", "adaptive-resampling"];
  if (version !== "0.1.2") domains.push("sim-bridge"); // first published with 0.1.5
  const beside = domains.map((name) => `dynos-${name}==${version}`);
  return [`dynos-client==${version}`, `dynos-core==${core}`, ...beside];
}

/**
 * The Python client of a version, with every public vocabulary. Undefined, with a warning, when it
 * cannot be had: the tests that need it are skipped.
 *
 * @throws Error when it cannot be made and `CI=true`: there a missing peer is a failure.
 */
export async function peerPython(version: PeerVersion): Promise<PeerPython | undefined> {
  const python = await pythonWith(`dynos-${version}`, packagesOf(version));
  return python === undefined ? undefined : { python, dynos: join(python, "..", "dynos") };
}

/**
 * A Python that has these packages, in a virtual environment under `.cache/peer`. Undefined, with a
 * warning, when it cannot be made (no Python, no network).
 *
 * @param bare - packages that ask for more than they use: taken alone, on whatever Python there is
 * @throws Error when it cannot be made and `CI=true`
 */
export async function pythonWith(
  name: string,
  packages: readonly string[],
  bare: readonly string[] = [],
): Promise<string | undefined> {
  try {
    return await made(name, [...packages, ...bare], async (folder, python) => {
      await run(["python3", "-m", "venv", "--without-pip", folder]);
      const pip = [await pipPython(), ...PIP, "--python", python, ...INSTALL];
      await run([...pip, ...packages]);
      if (bare.length > 0) await run([...pip, "--no-deps", "--ignore-requires-python", ...bare]);
    });
  } catch (cause) {
    const reason = `Cannot make the Python peer ${name}: ${String(cause)}`;
    if (process.env.CI === "true") throw new Error(reason, { cause });
    console.warn(`\n*** ${reason}\n*** Its tests are SKIPPED.\n`);
    return undefined;
  }
}

/**
 * A virtual environment in `folder` that sees what another has, and has these packages beside it:
 * folders on this disk, built with what is there.
 */
export async function pythonBeside(
  python: string,
  folder: string,
  packages: readonly string[],
): Promise<string> {
  await run(["python3", "-m", "venv", "--without-pip", folder]);
  const own = join(folder, "bin", "python");
  const [theirs, ours] = await Promise.all([python, own].map(sitePackages));
  await writeFile(join(ours ?? "", "beside.pth"), `${theirs}\n`);
  const pip = [await pipPython(), ...PIP, "--python", own, ...INSTALL];
  await run([...pip, "--no-index", "--no-build-isolation", ...packages]);
  return own;
}

async function sitePackages(python: string): Promise<string> {
  const code = "import sysconfig; print(sysconfig.get_path('purelib'))";
  const child = Bun.spawn([python, "-c", code], { stdout: "pipe", stderr: "inherit" });
  return (await child.stdout.text()).trim();
}

const PIP = ["-m", "pip", "--disable-pip-version-check"];
const INSTALL = ["install", "--quiet", "--no-compile"];

/** One pip for all of them: to put it into each would take longer than what it installs there. */
function pipPython(): Promise<string> {
  const asked = "pip>=22.3"; // it knows --python
  return made("pip", [asked], async (folder, python) => {
    await run(["python3", "-m", "venv", folder]);
    await run([python, ...PIP, ...INSTALL, asked]);
  });
}

/** The Python of an environment that holds what is listed, made where it is not there yet. */
async function made(
  name: string,
  list: readonly string[],
  make: (folder: string, python: string) => Promise<void>,
): Promise<string> {
  const folder = join(root, ".cache", "peer", name);
  const python = join(folder, "bin", "python");
  const marker = join(folder, "complete");
  const text = `${list.join("\n")}\n`;
  const isMade = async () => existsSync(marker) && (await readFile(marker, "utf8")) === text;
  if (await isMade()) return python;
  // Another file's tests may be making it, in a process beside this one.
  const lock = await takeLock(join(root, ".cache", "peer", "locks", name));
  try {
    if (await isMade()) return python;
    // An environment without its marker was left half made, with another's it holds other packages.
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await make(folder, python);
    await writeFile(marker, text);
    return python;
  } finally {
    lock.release();
  }
}

async function takeLock(folder: string): Promise<StateDir> {
  for (;;) {
    try {
      return openStateDir(folder);
    } catch (cause) {
      if (!isServantError(cause) || cause.code !== "state.locked") throw cause;
      await Bun.sleep(100); // the opening itself has waited a second
    }
  }
}

async function run(command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stdout: "ignore", stderr: "pipe" });
  const [code, error] = await Promise.all([child.exited, child.stderr.text()]);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${error.slice(-500)}`);
}
