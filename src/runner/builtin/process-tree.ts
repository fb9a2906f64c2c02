/** The processes under this one: on Linux all of them, elsewhere none is known. */
import { readdirSync, readFileSync } from "node:fs";

const LOOK_AGAIN_MS = 5;
const LOOK_AGAIN_MAX_MS = 500;

/** Kills all that is left under this process; resolves to how many that were. */
export async function killTree(group: number | undefined, withinMs: number): Promise<number> {
  const killed = new Set<number>();
  const immune = new Set<number>();
  const lateAtMs = performance.now() + withinMs;
  let waitMs = LOOK_AGAIN_MS;
  // A group at one blow: whoever forks without end is not outrun one by one.
  if (group !== undefined && isGroup(group)) signalTo(-group, "SIGKILL");
  for (;;) {
    const alive = living().filter(({ pid }) => !immune.has(pid));
    for (const { pid } of alive) {
      if (!signalTo(pid, "SIGKILL")) immune.add(pid);
      else if (pid !== group) killed.add(pid);
    }
    if (alive.length === 0 || performance.now() > lateAtMs) return killed.size;
    await Bun.sleep(waitMs);
    waitMs = Math.min(waitMs * 2, LOOK_AGAIN_MAX_MS);
  }
}

/** Some of its members are there: the number cannot have become another's. */
function isGroup(group: number): boolean {
  return process.platform !== "linux" || descendants().some((each) => each.group === group);
}

/** What of it runs, or waits. */
export function living(): readonly Descendant[] {
  return descendants().filter(({ state }) => state !== "Z" && state !== "X");
}

interface Descendant {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly state: string;
}

/** Children that ended and that nobody has waited for. */
export function endedOrphans(): readonly number[] {
  const ended = descendants().filter(
    ({ parent, state }) => parent === process.pid && state === "Z",
  );
  return ended.map(({ pid }) => pid);
}

/** Every process under this one; none where the system does not tell. */
function descendants(): readonly Descendant[] {
  if (process.platform !== "linux") return [];
  const all = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? statOf(name) : []));
  const family = new Set([process.pid]);
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => pid !== process.pid && family.has(pid));
}

function statOf(name: string): Descendant[] {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, "utf8");
    // Behind the name, which may hold anything.
    const [state = "", parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [{ pid: Number(name), state, parent: Number(parent), group: Number(group) }];
  } catch {
    return []; // it ended meanwhile
  }
}

/** False when it runs as another user now: that is beyond us. */
export function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code === "EPERM") return false;
    if (code !== "ESRCH") throw cause; // else it ended
  }
  return true;
}
