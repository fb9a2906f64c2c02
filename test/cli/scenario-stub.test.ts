// Goal: `agent scenario stub` writes what it says and nothing else, the same each time, and touches
// no file and no machine that is not its own.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { installCommand } from "../../src/cli/scenario/stub.ts";
import { agent } from "../support/binary.ts";
import { type Project, project } from "../support/project.ts";

const ARM = `${resolve("plugins/arm.ts")}:Arm`;
const MIXED = `
import { appendFileSync } from "node:fs";
import { action, z } from "servant-agent";
console.log("loading");
export class Mixed {
  constructor() { appendFileSync("touched", "constructed\\n"); }
  setup() { appendFileSync("touched", "set up\\n"); }
  @action("go", { params: z.object({ far: z.number().meta({ unit: "m" }) }), description: "Goes." })
  go() {}
  @action("pair", { params: z.object({ both: z.tuple([z.number(), z.number()]) }) })
  pair() {}
}
export class Nothing {
  @action("pair", { params: z.object({ both: z.tuple([z.number()]) }) })
  pair() {}
}
`;

let home: Project;
beforeAll(async () => {
  home = await project({ "mixed.ts": MIXED, "taken/notes.txt": "mine" });
});
afterAll(() => home[Symbol.asyncDispose]());

const stub = (...args: string[]) => agent(["scenario", "stub", ...args], { cwd: home.path });

test.each([
  ["stubs", "./stubs"], // without the slash pip fetches the package "stubs" from PyPI
  ["out/stubs", "./out/stubs"],
  ["../stubs", "../stubs"],
  ["/srv/stubs", "/srv/stubs"],
  [".stubs", "./.stubs"],
  ["-r", "./-r"],
  ["it's mine", "'./it'\\''s mine'"],
])("pip is told that %s is a folder", (folder, written) => {
  expect(installCommand(folder)).toBe(`pip install ${written}`);
});

/** Every file below, by its path. */
async function filesOf(folder: string): Promise<Record<string, string>> {
  const at = join(home.path, folder);
  const entries = await readdir(at, { recursive: true, withFileTypes: true });
  const paths = entries.filter((each) => each.isFile()).map((e) => join(e.parentPath, e.name));
  const texts = paths.sort().map(async (path) => {
    return [path.slice(at.length + 1), await readFile(path, "utf8")] as const;
  });
  return Object.fromEntries(await Promise.all(texts));
}

test("it writes a package, tells what is in it, and writes the same bytes again", async () => {
  const { code, stdout, stderr } = await stub(ARM, "-o", "stubs");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^stubs: osc\.arm, in the Python package arm_stubs$/m);
  expect(stdout).toMatch(/^pip install \.\/stubs makes it known to scenario-execution$/m);
  expect(stdout).toMatch(
    /^ {2}arm\.sweep\(to: arm_point, strokes: int = 2, press: float = 5\.0\)$/m,
  );
  const files = await filesOf("stubs");
  expect(Object.keys(files)).toEqual([
    ".agent-stub",
    "README.md",
    "arm_stubs/__init__.py",
    "arm_stubs/lib_osc/arm.osc",
    "pyproject.toml",
  ]);
  const project = files["pyproject.toml"] ?? "";
  expect(project).toContain('"arm.move_to" = "arm_stubs:ArmMoveTo"');
  expect(project).toContain('arm = "arm_stubs:get_library"');
  expect(project).toMatch(/^version = "0\.0\.0\+[a-z0-9]+"$/m);
  expect(Object.values(files).join("")).not.toContain(home.path);
  await stub(ARM, "--output", "stubs");
  expect(await filesOf("stubs")).toEqual(files);
});

test("another name replaces what it wrote before, and what pip made of it", async () => {
  await stub(ARM, "-o", "renamed");
  for (const file of ["build/lib/arm_stubs/__init__.py", "arm_stubs.egg-info/top_level.txt"]) {
    await Bun.write(join(home.path, "renamed", file), "old");
  }
  await Bun.write(join(home.path, "renamed/scenarios/mine.osc"), "mine");
  const { code, stdout } = await stub(ARM, "-o", "renamed", "--name", "left_arm", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    folder: join(home.path, "renamed"),
    library: "osc.left_arm",
    package: "left_arm_stubs",
    actions: ["arm.move_to", "arm.sweep", "check_payload"],
    left_out: [],
    files: [
      "README.md",
      "pyproject.toml",
      "left_arm_stubs/__init__.py",
      "left_arm_stubs/lib_osc/left_arm.osc",
    ],
  });
  expect(Object.keys(await filesOf("renamed"))).toEqual([
    ".agent-stub",
    "README.md",
    "left_arm_stubs/__init__.py",
    "left_arm_stubs/lib_osc/left_arm.osc",
    "pyproject.toml",
    "scenarios/mine.osc",
  ]);
  expect(await readdir(join(home.path, "renamed"))).not.toContain("arm_stubs");
});

test("what cannot be declared is left out, told and counted; --skip leaves it out in silence", async () => {
  const mixed = await stub("./mixed.ts:Mixed", "-o", "mixed", "--json");
  expect(mixed.code).toBe(1);
  expect(JSON.parse(mixed.stdout)).toMatchObject({
    actions: ["go"],
    left_out: [{ action: "pair", reasons: [expect.stringContaining('"both" is a tuple')] }],
  });
  expect(mixed.stderr).toMatch(/^agent: warning: "pair" is left out: "both" is a tuple: use an/m);
  expect(mixed.stderr).toMatch(/^loading$/m);
  const skipped = await stub("./mixed.ts:Mixed", "-o", "mixed", "--skip", "pair");
  expect([skipped.code, skipped.stderr]).toEqual([0, "loading\n"]);
  // Nothing was constructed: there need not be a machine.
  expect(await readdir(home.path)).not.toContain("touched");
});

test("a folder that holds anything else is left as it is, unless forced", async () => {
  const refused = await stub(ARM, "-o", "taken");
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/Cannot write ".*taken": it holds what is not of this command/);
  expect(Object.keys(await filesOf("taken"))).toEqual(["notes.txt"]);
  const forced = async () => expect((await stub(ARM, "-o", "taken", "--force")).code).toBe(0);
  await forced();
  const whole = ["README.md", "arm_stubs/__init__.py", "arm_stubs/lib_osc/arm.osc", "notes.txt"];
  expect(Object.keys(await filesOf("taken"))).toEqual([...whole, "pyproject.toml"]);
  // It is still another's: what looks like pip's is not.
  await Bun.write(join(home.path, "taken/build/release.bin"), "mine");
  expect((await stub(ARM, "-o", "taken")).code).toBe(2);
  await forced();
  expect(await filesOf("taken")).toMatchObject({
    "notes.txt": "mine",
    "build/release.bin": "mine",
  });
});

test.each([
  [["./mixed.ts:Nothing", "-o", "new"], 1, /Cannot declare any action of .*"pair": "both" is/],
  [["./mixed.ts:Mixed", "-o", "new", "--skip", "paar"], 2, /no such action; nearest is "pair"/],
  [[ARM, "-o", "new", "--name", "helpers"], 2, /it is a library of scenario-execution/],
  [[ARM, "-o", "new", "--name", "left-arm"], 2, /it is no name in OSC2/],
  [[ARM, "-o", "mixed.ts"], 2, /Cannot write ".*mixed\.ts"/],
  [[ARM], 2, /required option '-o, --output <dir>'/],
])("stub %p ends with %d and writes nothing", async (args, expected, problem) => {
  const { code, stderr } = await stub(...args);
  expect(stderr).toMatch(problem);
  expect(code).toBe(expected);
  expect(await readdir(home.path)).not.toContain("new");
});
