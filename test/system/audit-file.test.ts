/** The audit log on disk. */
import { afterEach, expect, test } from "bun:test";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/binary.ts";
import { AUDIT_FILES_KEPT, auditFile } from "../../src/system/audit-file.ts";

let folder = "";
function path(): string {
  folder = mkdtempSync(join(tmpdir(), "audit-"));
  return join(folder, "audit.log");
}
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("lines stand in order over files of bounded size, the last few of which are kept", () => {
  const file = path();
  const write = auditFile(file, { fileBytes: 1_000 });
  for (let number = 0; number < 2_000; number += 1) write(`{"number":${number}}`);
  const names = readdirSync(folder);
  expect(names).toHaveLength(AUDIT_FILES_KEPT + 1);
  const numbers = Array.from({ length: AUDIT_FILES_KEPT }, (_, at) => `${file}.${at + 1}`)
    .reverse()
    .concat(file)
    .flatMap((each) => readFileSync(each, "utf8").trimEnd().split("\n"))
    .map((line) => JSON.parse(line).number);
  expect(numbers.at(-1)).toBe(1_999);
  expect(numbers).toEqual(numbers.map((_, at) => numbers[0] + at));
  for (const name of names) {
    const { mode, size } = statSync(join(folder, name));
    expect(mode & 0o777).toBe(0o600);
    expect(size).toBeLessThan(1_100);
  }
});

test("it goes on behind what is there, and in a new file when it was moved away", () => {
  const file = path();
  auditFile(file)("one");
  const write = auditFile(file); // another life of the gateway
  write("two");
  renameSync(file, `${file}-20261121`);
  write("three");
  expect(readFileSync(`${file}-20261121`, "utf8")).toBe("one\ntwo\n");
  expect(readFileSync(file, "utf8")).toBe("three\n");
});

test("a link in its place is not followed, and the trouble is told once", () => {
  const file = path();
  const target = join(folder, "target");
  writeFileSync(target, "");
  symlinkSync(target, file);
  const troubles: string[] = [];
  const write = auditFile(file, { onTrouble: (reason) => troubles.push(reason) });
  write("one");
  write("two");
  expect(readFileSync(target, "utf8")).toBe("");
  expect(troubles).toHaveLength(1);
  rmSync(file);
  write("three");
  expect(readFileSync(file, "utf8")).toBe("three\n");
});

// Goal: what happens while the process can open nothing more is written down all the same. Method: a process of
// its own takes every descriptor that it may have, and then tells of something, at a rotation too.
test("lines are kept while there is no descriptor left", async () => {
  const file = path();
  const program = `
    import { openSync } from "node:fs";
    import { auditFile } from ${JSON.stringify(join(root, "src/system/audit-file.ts"))};
    const troubles = [];
    const write = auditFile(${JSON.stringify(file)}, {
      fileBytes: 10,
      onTrouble: (reason) => troubles.push(reason),
    });
    write("one");
    try {
      for (;;) openSync("/dev/null");
    } catch {}
    for (const line of ["two", "three", "four"]) write(line);
    console.log(troubles.length, troubles.join());`;
  const child = Bun.spawn(
    ["sh", "-c", 'ulimit -n 256 && exec "$@"', "sh", process.execPath, "-e", program],
    {
      stdout: "pipe",
    },
  );
  expect(await child.stdout.text()).toStartWith("1 EMFILE");
  expect(readFileSync(`${file}.1`, "utf8")).toBe("one\ntwo\nthree\nfour\n");
});
