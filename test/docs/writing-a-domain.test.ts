// Goal: every sample of the page for authors of vocabularies does what the page says.
// Method: its blocks become files of a project of their own, which the compiler and the program take.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { JsonObject } from "../../src/core/json.ts";
import { domainSchema } from "../../src/wire/domain.ts";
import { agent, root } from "../support/binary.ts";
import { type Project, project } from "../support/project.ts";
import { peerPython } from "../support/python.ts";

const page = await Bun.file(join(root, "docs", "writing-a-domain.md")).text();
const block = (pattern: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${pattern}\\n([\\s\\S]*?)\`\`\``, "g"))].map(
    ([, first = "", second]) => [first, second ?? first] as const,
  );
const samples = Object.fromEntries([
  ...block("ts\\n// (\\S+)"),
  ...block("py\\n# (\\S+)"),
  ...block("json").map(([text]) => ["hoist.json", text]),
]);
const peer = await peerPython("0.2.2");
let author: Project;

beforeAll(async () => {
  author = await project({
    ...samples,
    "my_cell/__init__.py": "",
    "tsconfig.json": JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        typeRoots: [join(root, "node_modules", "@types")],
        paths: { "servant-agent": [join(root, "src", "sdk", "index.ts")] },
      },
      include: ["*.ts"],
    }),
  });
});
afterAll(() => author[Symbol.asyncDispose]());

async function run(...args: string[]) {
  const env = { HOME: author.path, XDG_STATE_HOME: "", STATE_DIRECTORY: "" };
  const { code, stdout, stderr } = await agent(args, { env, cwd: author.path });
  return { code, stdout, output: stdout + stderr };
}

test("every block of the page is a sample that is tested here, or a command", () => {
  expect(Object.keys(samples)).toEqual([
    "lab.ts",
    "lab-robot.ts",
    "my_cell/domain.py",
    "hoist.json",
  ]);
  const commands = block("sh").length;
  expect(page.split("```").length - 1).toBe(2 * (Object.keys(samples).length + commands));
});

test("the samples type-check", () => {
  const { exitCode, stdout } = Bun.spawnSync(
    [join(root, "node_modules", ".bin", "tsc"), "-p", "."],
    {
      cwd: author.path,
    },
  );
  expect([exitCode, stdout.toString()]).toEqual([0, ""]);
}, 60_000);

test("the robot does what its goal needs", async () => {
  const { code, output } = await run(
    ...["run", "./lab-robot.ts:LabRobot", "--domain", "./lab.ts"],
    ...["--goal", "weighed(probe_one)"],
  );
  expect([code, output]).toEqual([0, expect.stringContaining("weighed(probe_one)")]);
});

test("a plugin may import the vocabulary whose code the backend has", async () => {
  const coded = (samples["lab.ts"] ?? "").replace("cost: 3,", "cost: () => 3,");
  expect(coded).not.toBe(samples["lab.ts"]);
  const robot = (samples["lab-robot.ts"] ?? "").replace('"./lab.ts"', '"./coded.ts"');
  await Bun.write(join(author.path, "coded.ts"), coded);
  await Bun.write(join(author.path, "coded-robot.ts"), robot);
  const { code, output } = await run(
    ...["run", "./coded-robot.ts:LabRobot", "--domain", "./coded.ts"],
    ...["--goal", "weighed(probe_one)"],
  );
  expect([code, output]).toEqual([0, expect.stringContaining("weighed(probe_one)")]);
});

test("neither vocabulary has a mistake", async () => {
  await Bun.write(join(author.path, "my_lab.domain.ts"), samples["lab.ts"] ?? "");
  const { code, output } = await run(
    ...["domain", "check", "lab.ts", "hoist.json", "--domain-path", "."],
  );
  expect([code, output]).toEqual([0, expect.stringContaining("hoist.json: 0 mistakes")]);
  expect(output).toContain("lab.ts: 0 mistakes");
  const shown = await run("domain", "show", "hoist", "--domain-path", ".", "--json");
  const { $schema: _, ...document } = JSON.parse(samples["hoist.json"] ?? "{}");
  expect(JSON.parse(shown.stdout)).toEqual({
    ...document,
    transitions: [document.transitions[0], document.transitions[1]],
  });
});

test("the table names every key that the schema has, and the sample shows each list", () => {
  const keys = new Set<string>();
  const gather = (schema: JsonObject) => {
    for (const [name, value] of Object.entries(schema)) {
      if (name === "properties") for (const key of Object.keys(value as JsonObject)) keys.add(key);
      if (typeof value === "object" && value !== null) gather(value as JsonObject);
    }
  };
  gather(domainSchema());
  expect(keys.size).toBeGreaterThan(20);
  const silent = [...keys].filter(
    (key) => !page.includes(`\`${key}\``) && !page.includes(`{"${key}"`),
  );
  expect(silent.filter((key) => !["atom", "holds"].includes(key))).toEqual([]);
});

describe.skipIf(peer === undefined)("in Python", () => {
  test("the package is imported as the page says", async () => {
    const python = peer?.python ?? "";
    const { code, output } = await run("domain", "import", "my_cell.domain", "--python", python);
    const kept = ".local/state/servant-agent/domains/my_cell.domain.json";
    expect([code, output]).toEqual([0, expect.stringContaining(kept)]);
    const shown = await run("domain", "show", "my_cell.domain");
    expect(shown.output).toContain("adds    warm(?dish)");
    expect(shown.output).toContain("dish_one: dish(volume=2.5)");
    expect((await run("domain", "list")).output).toContain("my_cell.domain");
  });
});
