/** `agent domain list|show|check|schema`, as a user runs them. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { domainSchema } from "../../src/wire/domain.ts";
import { agent } from "../support/binary.ts";
import { type Project, project } from "../support/project.ts";

const lab = {
  $schema: "./domain.schema.json",
  name: "lab",
  types: [{ name: "bench", fields: { height: "number" } }],
  fluents: [
    { name: "clean", args: [{ name: "bench", type: "bench" }] },
    { name: "lit", default: true },
  ],
  transitions: [
    {
      name: "wipe",
      params: [
        { name: "bench", type: "bench" },
        { name: "by", type: "bench", optional: true },
      ],
      preconditions: [{ or: ["lit", { not: "clean(?bench)" }] }],
      adds: ["clean(?bench)"],
      effects: [{ when: "lit", removes: ["lit"] }],
      cost: 2,
    },
    { name: "twice", script: [{ transition: "wipe", parameters: { bench: "bench_one" } }] },
  ],
  objects: [{ name: "bench_one", type: "bench", fields: { height: 3 } }],
};

let home: Project;
beforeAll(async () => {
  home = await project({
    "lab.json": JSON.stringify(lab),
    "torn.json": '{"name":',
    "covered.json": JSON.stringify({ name: "sentry", modules: ["dynos_warehouse.warehouse"] }),
    "wrong.json": JSON.stringify({
      name: "wrong",
      uses: ["warehouse"],
      transitions: [{ name: "go", adds: ["robot_att(room_one)"], removes: ["holding(room_one)"] }],
    }),
    "usesless.json": JSON.stringify({ name: "usesless", uses: ["wherehouse"] }),
  });
});
afterAll(() => home[Symbol.asyncDispose]());

function domain(...args: string[]) {
  const env = { HOME: home.path, XDG_STATE_HOME: "", STATE_DIRECTORY: "" };
  return agent(["domain", ...args], { env, cwd: home.path });
}

test("list shows what is built in and what is in the folders, and tells of the rest", async () => {
  const { code, stdout, stderr } = await domain("list", "--domain-path", ".");
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^warehouse +dynos_warehouse\.warehouse +2 types, 5 fluents, 3 .*built in$/m,
  );
  expect(stdout).toMatch(/^lab +1 types, 2 fluents, 2 transitions +\/.*lab\.json$/m);
  expect(stderr).toContain("torn.json");
  const told = JSON.parse((await domain("list", "--domain-path", home.path, "--json")).stdout);
  expect(told.folders).toEqual([
    home.path,
    join(home.path, ".local", "state", "servant-agent", "domains"),
  ]);
  expect(told.domains.map(({ name }: { name: string }) => name)).toEqual([
    ...["warehouse", "sentry", "adaptive_resampling"],
    ...["sentry", "lab", "usesless", "wrong"],
  ]);
  expect(told.broken).toHaveLength(1);
});

test("show tells a vocabulary in words, and as the document that makes it", async () => {
  const { code, stdout } = await domain("show", "lab", "--domain-path", ".");
  expect(code).toBe(0);
  expect(stdout.split("\n").slice(1)).toEqual([
    "",
    "types",
    "  bench(height: number)",
    "",
    "fluents",
    "  clean(bench: bench)",
    "  lit()  true unless set",
    "",
    "transitions",
    "  wipe(bench: bench, by?: bench)",
    "    needs   lit or not clean(?bench)",
    "    adds    clean(?bench)",
    "    when    lit: removes lit",
    "    costs   2",
    "  twice()",
    "    step    wipe(bench=bench_one)",
    "",
    "objects",
    "  bench_one: bench(height=3)",
    "",
  ]);
  const { $schema: _, ...document } = lab;
  const json = await domain("show", "./lab.json", "--json");
  expect(JSON.parse(json.stdout)).toEqual({
    ...document,
    transitions: [
      {
        ...lab.transitions[0],
        preconditions: [{ or: ["lit", { not: "clean(?bench)" }] }],
      },
      lab.transitions[1],
    ],
  });
  const builtIn = await domain("show", "dynos_warehouse.warehouse");
  expect(builtIn.stdout).toContain("removes box_at(?room, ?box), hands_free");
  const near = await domain("show", "warehose");
  expect([near.code, near.stderr]).toEqual([2, expect.stringContaining('nearest is "warehouse"')]);
});

test("check tells every mistake with its place, and ends with 1 if there is any", async () => {
  const good = await domain("check", "lab.json");
  expect([good.code, good.stdout]).toEqual([0, expect.stringContaining("0 mistakes, 0 warnings")]);
  const { code, stdout } = await domain("check", "wrong.json", "torn.json", "usesless.json");
  expect(code).toBe(1);
  expect(stdout.replaceAll(home.path, "")).toMatchInlineSnapshot(`
    "error: transitions[0].adds[0]: fluent "robot_att" is not declared; nearest is "robot_at"
    error: transitions[0].removes[0]: "holding(room_one)" is given (room): holding(box)
    /wrong.json: 2 mistakes, 0 warnings
    error: JSON Parse error: Unexpected EOF
    /torn.json: 1 mistake, 0 warnings
    error: Cannot use domain "/usesless.json": uses: it uses "wherehouse", which nobody knows; nearest is "warehouse"
    /usesless.json: 1 mistake, 0 warnings
    "
  `);
});

test("check warns of a name that can never be found", async () => {
  const { code, stdout } = await domain("check", "covered.json", "--json");
  expect(code).toBe(0);
  const reason = (name: string, own: string) =>
    `"${name}" is the built-in ${own}: this one is not found`;
  expect(JSON.parse(stdout)).toEqual([
    {
      file: join(home.path, "covered.json"),
      errors: [],
      warnings: [
        { place: "name", reason: reason("sentry", "sentry") },
        { place: "modules[0]", reason: reason("dynos_warehouse.warehouse", "warehouse") },
      ],
    },
  ]);
  const none = await domain("check", "nothing.json");
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("Cannot find domain file")]);
});

test("schema prints what documents may say", async () => {
  const { code, stdout } = await domain("schema");
  expect([code, JSON.parse(stdout)]).toEqual([0, domainSchema()]);
});

test("help says that an import runs the module's code", async () => {
  const { stdout } = await domain("import", "--help");
  expect(stdout).toContain("This RUNS THE MODULE'S CODE");
  expect(stdout).toContain("agent domain import my_pkg.domain --python ./venv/bin/python");
});
