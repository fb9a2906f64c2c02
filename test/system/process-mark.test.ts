/** What tells a process from another that gets its number later. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { isThere, markOf } from "../../src/system/process-mark.ts";

const SOURCE = join(import.meta.dir, "../../src/system/process-mark.ts");

test("a process is there until it has ended, and no other one is it", async () => {
  const child = Bun.spawn(["sleep", "600"]);
  const mark = markOf(child.pid) as NonNullable<ReturnType<typeof markOf>>;
  expect(isThere(mark)).toBe(true);
  expect(isThere({ ...mark, startedAt: "another time" })).toBe(false);
  child.kill("SIGKILL");
  await child.exited;
  expect(isThere(mark)).toBe(false);
});

test("a process that cannot be looked at, for too many open files, has not ended", async () => {
  const program = `
    const { isThere, markOf } = await import(${JSON.stringify(SOURCE)});
    const { openSync } = await import("node:fs");
    const mark = markOf(process.ppid);
    try { for (;;) openSync("/dev/null", "r"); } catch {}
    process.stdout.write(String(isThere(mark)));`;
  const limited = 'ulimit -n 100; exec "$0" -e "$1"';
  const child = Bun.spawn(["sh", "-c", limited, process.execPath, program], { stdout: "pipe" });
  expect(await child.stdout.text()).toBe("true");
});
