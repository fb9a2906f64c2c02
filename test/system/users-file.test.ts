/** The users file on disk, and whom it may be written by. */
import { afterEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isServantError } from "../../src/core/errors.ts";
import { UsersFileOnDisk } from "../../src/system/users-file.ts";

let folder = "";
function place(
  text?: string,
  mode = 0o600,
): { path: string; file: UsersFileOnDisk; loose: string[] } {
  folder = mkdtempSync(join(tmpdir(), "users-"));
  const path = join(folder, "login.json");
  if (text !== undefined) {
    writeFileSync(path, text);
    chmodSync(path, mode);
  }
  const loose: string[] = [];
  const file = new UsersFileOnDisk(path, { onLoose: (_, found) => loose.push(found) });
  return { path, file, loose };
}
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function read(file: UsersFileOnDisk): string | undefined {
  try {
    return file.readIfChanged();
  } catch (cause) {
    return isServantError(cause) ? cause.code : String(cause);
  }
}

test("it is read once for each change: written over, put in its place, gone, back", () => {
  const { path, file } = place("one");
  expect([read(file), read(file)]).toEqual(["one", undefined]);
  writeFileSync(path, "two!");
  expect([read(file), read(file)]).toEqual(["two!", undefined]);
  writeFileSync(`${path}.new`, "six!", { mode: 0o600 });
  renameSync(`${path}.new`, path);
  expect([read(file), read(file)]).toEqual(["six!", undefined]);
  rmSync(path);
  expect([read(file), read(file)]).toEqual(["gateway.no-users", undefined]);
  writeFileSync(path, "back", { mode: 0o600 });
  expect(read(file)).toBe("back");
});

test("a file that others may write is refused until that is mended", () => {
  for (const mode of [0o666, 0o620, 0o602]) {
    const { path, file } = place("one", mode);
    expect(read(file), mode.toString(8)).toBe("gateway.bad-users");
    chmodSync(path, 0o600);
    expect(read(file)).toBe("one");
  }
});

test("a file that everybody may read is used, and told of", () => {
  const { file, loose } = place("one", 0o644);
  expect([read(file), loose]).toEqual(["one", ["644"]]);
  const group = place("one", 0o640); // a service's own group
  expect([read(group.file), group.loose]).toEqual(["one", []]);
});

test("what is no file is none, and holds nobody up", () => {
  const { path, file } = place();
  expect(read(file)).toBe("gateway.no-users");
  mkdirSync(path);
  expect(read(file)).toBe("gateway.bad-users");
  rmSync(path, { recursive: true });
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  chmodSync(path, 0o600);
  expect(read(file)).toBe("gateway.bad-users");
  rmSync(path);
  writeFileSync(path, "x".repeat(5 * 2 ** 20), { mode: 0o600 });
  expect(read(file)).toBe("gateway.bad-users");
});

test("a change that comes while no file can be opened counts as soon as one can", async () => {
  const { path } = place("one");
  const source = join(import.meta.dir, "../../src/system/users-file.ts");
  const program = `
    const { UsersFileOnDisk } = await import(${JSON.stringify(source)});
    const { closeSync, openSync, writeFileSync } = await import("node:fs");
    const file = new UsersFileOnDisk(${JSON.stringify(path)});
    const said = [];
    const read = () => { try { said.push(file.readIfChanged() ?? ""); } catch { said.push("told"); } };
    read();
    writeFileSync(${JSON.stringify(path)}, "another");
    const open = [];
    try { for (;;) open.push(openSync("/dev/null", "r")); } catch {}
    read(); read();
    for (const each of open) closeSync(each);
    read(); read();
    process.stdout.write(JSON.stringify(said));`;
  const limited = 'ulimit -n 100; exec "$0" -e "$1"';
  const child = Bun.spawn(["sh", "-c", limited, process.execPath, program], { stdout: "pipe" });
  expect(await child.stdout.text()).toBe('["one","told","","another",""]');
});
