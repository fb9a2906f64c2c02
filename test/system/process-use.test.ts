/** What processes use: read where the system tells it, and memory no more often than it is worth. */
import { expect, test } from "bun:test";
import { useReader } from "../../src/system/process-use.ts";

const onLinux = test.skipIf(process.platform !== "linux");
/** More than whatever else happens to a process meanwhile, in bytes. */
const MUCH = 64 * 2 ** 20;

onLinux("memory is told again for ten seconds, processor time each time anew", async () => {
  let nowMs = 0;
  const use = useReader(process.pid, () => nowMs);
  const before = await use();
  expect(before.memoryBytes).toBeGreaterThan(2 ** 20);
  const held = new Uint8Array(MUCH).fill(1);
  const { user, system } = process.cpuUsage();
  while (process.cpuUsage().user + process.cpuUsage().system < user + system + 30_000);
  nowMs = 9_999;
  const soon = await use();
  expect(soon.memoryBytes).toBe(before.memoryBytes ?? 0);
  expect(soon.cpuS).toBeGreaterThan(before.cpuS ?? 0);
  nowMs = 10_000;
  const [later, same] = await Promise.all([use(), use()]);
  expect(later.memoryBytes).toBeGreaterThan((before.memoryBytes ?? 0) + MUCH / 2);
  expect(same.memoryBytes).toBe(later.memoryBytes ?? 0);
  expect(held).toHaveLength(MUCH);
});

test("of a process that has ended nothing is told", async () => {
  const child = Bun.spawn(["true"]);
  await child.exited;
  expect(await useReader(child.pid)()).toEqual({});
});
