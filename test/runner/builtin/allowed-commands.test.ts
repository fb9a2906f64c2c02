// Goal: what is allowed is one file, found at the start. Method: real folders, links and a PATH.
import { expect, test } from "bun:test";
import { chmod, mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { findCommands } from "../../../src/runner/builtin/allowed-commands.ts";
import { project } from "../../support/project.ts";
import { act, never, openChild } from "../plugin-child.ts";
import { PLUGIN, run } from "./allowing.ts";

async function program(path: string, says: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\necho ${says} "$@"\n`);
  await chmod(path, 0o755);
}

test("findCommands() takes the first in PATH, behind its links, by the word as it was given", async () => {
  await using made = await project({ "plain.txt": "no program" });
  const { path: folder } = made;
  await mkdir(join(folder, "first"));
  await mkdir(join(folder, "second"));
  await program(join(folder, "real"), "real");
  await symlink(join(folder, "real"), join(folder, "second", "tool"));
  await mkdir(join(folder, "first", "tool")); // a folder is no program
  const where = { path: `${folder}/first:${folder}/second`, folder };
  expect(findCommands(["tool", "./real"], where)).toEqual({
    tool: join(folder, "real"),
    "./real": join(folder, "real"),
  });
});

test.each([
  ["absent", "PATH has no such program"],
  ["./plain.txt", "is no program"],
  ["./nowhere", "is no program"],
  ["here", "PATH has no such program"], // an empty or relative entry is no place to look in
])("findCommands() refuses %p", async (word, says) => {
  await using made = await project({ "plain.txt": "no program" });
  await program(join(made.path, "here"), "here");
  const here = relative(process.cwd(), made.path);
  const where = { path: `:.:${here}:${made.path}/none`, folder: made.path };
  expect(() => findCommands([word], where)).toThrow(
    expect.objectContaining({ code: "usage.invalid", message: expect.stringContaining(says) }),
  );
});

test("neither a link that is swapped after the start nor another PATH or folder leads elsewhere", async () => {
  await using made = await project({});
  const { path: folder } = made;
  await mkdir(join(folder, "bin"));
  await mkdir(join(folder, "evil"));
  await program(join(folder, "good"), "good");
  await program(join(folder, "evil", "tool"), "evil");
  const link = join(folder, "bin", "tool");
  await symlink(join(folder, "good"), link);
  const allowed = findCommands(["tool"], { path: join(folder, "bin"), folder });
  const mover = `@act("move") move() { process.env.PATH = "${folder}/evil"; process.chdir("${folder}/evil"); return true; }`;
  await using child = await openChild(PLUGIN.replace("@act", `${mover}\n  @act`), {
    builtins: { log: false, run: allowed, stopMaxMs: 1_000 },
  });
  await symlink(join(folder, "evil", "tool"), `${link}.new`);
  await rename(`${link}.new`, link);
  await child.runner.run(act("move"), never);
  expect(await run(child, "tool now")).toMatchObject({ success: true });
  expect(child.logs().map(({ message }) => message)).toEqual(["good now"]);
});
