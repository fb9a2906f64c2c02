/**
 * Builds the program, runs every test and ends with `N passed, N failed, N skipped`. What stands
 * after `npm test --` goes to `bun test`: files to run, `-t pattern` and so on.
 *
 * The whole suite runs in two processes side by side, the longest files first: how long each took
 * stands in `test/timings.json`, which `npm test -- --update-timings` writes anew. Each test's
 * lines stand together under the name of its file. Chosen files run one after the other.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBinary, root } from "./binary.ts";

/** Longest time for one test: the ones that install or build set their own. */
const TEST_TIMEOUT_MS = 30_000;
/** A whole run keeps two cores busy; what waits for a time is still on time with two of them. */
const WORKERS = 2;
/** Peers in Python start in half the time once they are compiled, which some surroundings forbid. */
const PYTHON = {
  PYTHONDONTWRITEBYTECODE: "",
  PYTHONPYCACHEPREFIX: join(root, ".cache", "python"),
};
const TESTS = new Bun.Glob("test/**/*.test.ts");

await ensureBinary();
const folder = await mkdtemp(join(tmpdir(), "agent-tests-"));
const report = join(folder, "report.xml");
const extra = process.argv.slice(2);
const choosesFiles = extra.some((arg) => /^(\.\/)?test\//.test(arg));
const choosesTests = extra.some((arg) =>
  /^(-t|--(test-name-pattern|shard|changed|bail))\b/.test(arg),
);
const isWhole = !choosesFiles && !choosesTests;
const timings = join(root, "test", "timings.json");
const tests = Bun.spawn(
  [
    process.execPath,
    "test",
    `--timeout=${TEST_TIMEOUT_MS}`,
    "--reporter=junit",
    `--reporter-outfile=${report}`,
    ...(isWhole ? [`--parallel=${WORKERS}`, `--timings=${timings}`] : []),
    ...extra,
    ...(choosesFiles ? [] : ["./test"]),
  ],
  { cwd: root, env: { ...process.env, ...PYTHON }, stdio: ["inherit", "inherit", "inherit"] },
);
const exitCode = await tests.exited;
const xml = await Bun.file(report)
  .text()
  .catch(() => "");
await rm(folder, { recursive: true });

const suites = tagsOf("testsuite");
// A file that cannot be read fails the run without failing a test, and stands in no report.
const reported = filesOf(suites);
const unread = isWhole ? [...TESTS.scanSync(root)].filter((path) => !reported.has(path)) : [];
const broken = filesOf(suites.filter((tag) => countIn(tag, "failures") > 0));
for (const path of [...unread, ...broken]) console.log(`failed: ${path}`);

const [totals = ""] = tagsOf("testsuites");
const [failures, skipped] = [countIn(totals, "failures"), countIn(totals, "skipped")];
const failed = Math.max(failures + unread.length, exitCode === 0 ? 0 : 1);
const passed = Math.max(countIn(totals, "tests") - failures - skipped, 0);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);

function tagsOf(name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}\\s[^>]*>`, "g"))].map(([tag]) => tag);
}

function filesOf(tags: readonly string[]): Set<string> {
  return new Set(tags.map((tag) => /\bfile="([^"]*)"/.exec(tag)?.[1] ?? ""));
}

function countIn(tag: string, name: string): number {
  return Number(new RegExp(`\\b${name}="(\\d+)"`).exec(tag)?.[1] ?? 0);
}
