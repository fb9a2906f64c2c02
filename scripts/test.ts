/**
 * Builds the program, runs every test and ends with `N passed, N failed, N skipped`. What stands
 * after `npm test --` goes to `bun test`: files to run, `-t pattern` and so on.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBinary, root } from "./binary.ts";

/** Longest time for one test: the ones that install or build set their own. */
const TEST_TIMEOUT_MS = 30_000;

await ensureBinary();
const folder = await mkdtemp(join(tmpdir(), "agent-tests-"));
const report = join(folder, "report.xml");
const extra = process.argv.slice(2);
const choosesFiles = extra.some((arg) => /^(\.\/)?test\//.test(arg));
const tests = Bun.spawn(
  [
    process.execPath,
    "test",
    `--timeout=${TEST_TIMEOUT_MS}`,
    "--reporter=junit",
    `--reporter-outfile=${report}`,
    ...extra,
    ...(choosesFiles ? [] : ["./test"]),
  ],
  { cwd: root, stdio: ["inherit", "inherit", "inherit"] },
);
const exitCode = await tests.exited;
const xml = await Bun.file(report)
  .text()
  .catch(() => "");
await rm(folder, { recursive: true });

const totals = /<testsuites\b[^>]*>/.exec(xml)?.[0] ?? "";
const total = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(totals)?.[1] ?? 0);
const skipped = total("skipped");
// A file that cannot be read fails the run without failing a test: count it as one.
const failed = Math.max(total("failures"), exitCode === 0 ? 0 : 1);
const passed = Math.max(total("tests") - total("failures") - skipped, 0);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);
