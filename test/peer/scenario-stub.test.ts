// Goal: scenario-execution, as it is on PyPI, reads what `agent scenario stub` writes, and what a
// scenario gives an action is what its handler gets. Method: the packages are installed beside it. Its
// modifier `remote` is not on PyPI: a stand-in hands on what the executor knows of an action, in the
// public modifier's words.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { schemaOf } from "../../src/core/catalogue.ts";
import { declare } from "../../src/stubs/declare.ts";
import { packageOf } from "../../src/stubs/package.ts";
import { mergedArguments, paramsOf } from "../../src/wire/scenario-arguments.ts";
import { anyAction, callText } from "../stubs/any-action.ts";
import { agent, root } from "../support/binary.ts";
import { project } from "../support/project.ts";
import { Executor, scenarioPython } from "../support/scenario-executor.ts";
import { ServedProbe } from "../support/scenario-server.ts";

const found = await scenarioPython();
const python = found ?? "";

const ARM = join(root, "plugins", "arm.ts:Arm");
const HEAD =
  "import osc.helpers\nimport osc.arm\nimport osc.remote\n\nscenario test:\n    left: arm\n";
const doing = (...lines: string[]) =>
  `${HEAD}    do serial:\n${lines.map((line) => `        ${line}\n`).join("")}`;
const MOVE = "left.move_to(pose: arm_pose(at: arm_point(x: 40cm, y: 0m, z: 2inch)))";
const remotely = (line: string, url: string) => [`${line} with:`, `    remote("${url}")`];

describe.skipIf(found === undefined)("scenario-execution 1.8.0", () => {
  /** Knows the arm, as its package is written by the command. */
  let executor: Executor;
  beforeAll(async () => {
    await using home = await project();
    const { code, stderr } = await agent(["scenario", "stub", ARM, "-o", home.path]);
    expect([code, stderr]).toEqual([0, ""]);
    executor = await Executor.with(python, [home.path]);
  });
  afterAll(() => executor?.[Symbol.asyncDispose]());

  test("reads a scenario with the arm's actions, and those of the documentation", async () => {
    const page = await readFile(join(root, "docs", "scenario-execution.md"), "utf8");
    const documented = Array.from(page.matchAll(/```osc\n(.*?)```/gs), ([, each = ""]) => each);
    expect(documented).toHaveLength(3);
    const plain = doing(
      MOVE,
      "left.sweep(arm_point(x: 0.5m, y: 0.2m, z: 0.1m), strokes: 4)",
      'check_payload(1.5kg, note: "light") with:',
      "    retry(2)",
    );
    for (const scenario of [...documented, plain]) {
      expect(await executor.dryRun(scenario)).toMatchObject({ code: 0, said: "" });
    }
    // It would say so otherwise.
    for (const [wrong, problem] of [
      [doing("left.move_to(posture: 1m)"), /Named argument posture unknown/],
      [doing("left.fly()"), /unknown behavior "arm\.fly"/],
      [doing("left.move_to(gripper: arm_gripper!bite)"), /does not have a member "bite"/],
    ] as const) {
      const { code, said } = await executor.dryRun(wrong);
      expect(said).toMatch(problem);
      expect(code).toBe(1);
    }
  });

  test("says that an action without remote does not run here, before anything begins", async () => {
    const { code, said, sent } = await executor.run(
      doing(...remotely("check_payload(1kg)", "print"), MOVE),
    );
    expect(said).toMatch(
      /Setup failed .*'arm\.move_to' does not run here: add remote\("HOST:PORT"\)/,
    );
    expect([code, sent]).toEqual([1, []]);
  });

  test("drives the arm that agent serve serves, over TCP and a socket file", async () => {
    const args = ["--pass-env", "ARM_TIME_SCALE"];
    const env = { ARM_TIME_SCALE: "1000" };
    await using served = await ServedProbe.start({ reference: ARM, args, env });
    const { code, said } = await executor.run(
      doing(
        ...remotely("check_payload(3lb)", served.tcp),
        ...remotely(MOVE, served.ipc),
        "left.move_to(arm_pose(arm_point(x: 1m, y: 0m, z: 0m), 90deg), pace: 1kph, gripper: arm_gripper!shut) with:",
        "    timeout(30s)",
        `    remote("${served.tcp}")`,
        ...remotely("left.sweep(arm_point(0.9m, 0m, 0m))", served.tcp),
        "check_payload(5kg) with:",
        "    inverter()",
        `    remote("${served.tcp}")`,
        // What is missing is the plugin's to say.
        "left.move_to() with:",
        "    inverter()",
        `    remote("${served.tcp}")`,
      ),
    );
    expect(said).toContain("Scenario 'test' succeeded");
    expect(said).toMatch(/update error: .*pose/);
    expect(code).toBe(0);
  });

  test("sends of any action what its schema takes", async () => {
    const seed = Number(process.env.STUB_SEED ?? 1);
    const actions = fc.sample(anyAction, { seed, numRuns: 80 }).map((each, index) => {
      const name = `${index % 2 === 0 ? "left_arm." : ""}a${index}`;
      return { ...each, name };
    });
    const sources = actions.map(({ name, schema, description }) => {
      const mark = { kind: "action", name, method: name, schema, options: {} } as const;
      return { name, description, schema: schemaOf(mark) };
    });
    const { library, leftOut } = declare("any", sources);
    expect(leftOut).toEqual([]);
    await using home = await project();
    for (const [path, text] of Object.entries(packageOf(library, "any.ts:Any"))) {
      await mkdir(dirname(join(home.path, path)), { recursive: true });
      await writeFile(join(home.path, path), text);
    }
    await using other = await Executor.with(python, [home.path]);
    const calls = library.actions.flatMap(({ name, fields }, index) => {
      const { given = {} } = actions[index] ?? {};
      const called = name.replace("left_arm.", "mine.");
      return remotely(callText(called, fields, given, library.types), "print");
    });
    const { code, said, sent } = await other.run(
      `import osc.any\nimport osc.remote\n\nscenario test:\n    mine: left_arm\n    do serial:\n${calls
        .map((line) => `        ${line}\n`)
        .join("")}`,
    );
    expect([code, said.replace(/^SENT .*\n/gm, "")]).toEqual([
      0,
      expect.stringMatching(/succeeded/),
    ]);
    expect(sent.map((each) => each.plugin_key)).toEqual(actions.map(({ name }) => name));
    for (const [index, { name, schema, given }] of actions.entries()) {
      const { init_args = {}, exec_args = {} } = sent[index] ?? {};
      const params = paramsOf(mergedArguments(init_args, exec_args));
      expect({ name, ...schema.parse(params) }).toEqual({ name, ...schema.parse(given) });
      expect(params.associated_actor).toEqual(
        name.includes(".") ? { name: "mine" } : (undefined as never),
      );
    }
  });
});
