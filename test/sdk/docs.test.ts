// Goal: every sample of the page for plugin authors does what the page says.
// Method: its blocks become files of a project of their own; the compiler, the test runner, the
// child process and `agent run` take them from there.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../../scripts/binary.ts";
import type { Assignment } from "../../src/core/assignment.ts";
import { act, ask, entry, never, openIn } from "../runner/plugin-child.ts";
import { type Project, project } from "../support/project.ts";

const page = await Bun.file(join(root, "docs", "writing-a-plugin.md")).text();
const samples = Object.fromEntries(
  [...page.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(([, name = "", text = ""]) => [
    name,
    text,
  ]),
);
let author: Project;

beforeAll(async () => {
  const source = (path: string) => [join(root, "src", path)];
  author = await project({
    ...samples,
    "types.ts": await Bun.file(join(root, "test", "sdk", "types.ts")).text(),
    "tsconfig.json": JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        typeRoots: [join(root, "node_modules", "@types")],
        paths: {
          "servant-agent": source("sdk/index.ts"),
          "servant-agent/testing": source("sdk/testing.ts"),
          "servant-agent/domains/warehouse": source("domains/warehouse.ts"),
        },
      },
      include: ["*.ts"],
    }),
  });
});
afterAll(() => author[Symbol.asyncDispose]());

function run(command: readonly string[], env: Record<string, string> = {}) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], {
    cwd: author.path,
    env: { ...process.env, ...env },
  });
  return { code: exitCode, output: `${stdout}${stderr}` };
}

/** Each opens a folder of its own, which goes with it. */
async function open(name: string, className: string, env: Record<string, string> = {}) {
  const folder = await project(samples);
  const all = { ...(process.env as Record<string, string>), ...env };
  return await openIn(folder, join(folder.path, name), className, { env: all });
}

test("every block of the page is a sample that is tested here", () => {
  expect(Object.keys(samples)).toEqual([
    "hello.ts",
    "cart.ts",
    "scale.ts",
    "doser.ts",
    "arm.ts",
    "cart.test.ts",
  ]);
  expect(page.split("```").length - 1).toBe(2 * Object.keys(samples).length);
});

test("the samples type-check, and what must not compile does not", () => {
  expect(run([join(root, "node_modules", ".bin", "tsc"), "-p", "."])).toEqual({
    code: 0,
    output: "",
  });
}, 60_000);

test("the page's smallest plugin is the one that is shipped", async () => {
  const shipped = await Bun.file(join(root, "plugins", "hello.ts")).text();
  const classOf = (text: string) => text.slice(text.indexOf("const person"));
  expect(classOf(samples["hello.ts"] ?? "")).toBe(classOf(shipped));
});

test("the smallest plugin runs as the page says", () => {
  const { code, output } = run([process.execPath, entry, "run", "./hello.ts:Hello"]);
  expect(output).toContain("greeted(world)");
  expect(code).toBe(0);
});

test("the cart's own test passes", () => {
  const { code, output } = run([process.execPath, "test", "cart.test.ts"]);
  expect(output).toContain(" 1 pass");
  expect(code).toBe(0);
});

test("the cart drives, refuses and observes in its child", async () => {
  await using child = await open("cart.ts", "Cart");
  const { runner } = child;
  expect(runner.offer.startState.map(String)).toEqual(["robot_at(room_one)"]);
  const move = (start: string, end: string) => runner.run(act("move", { start, end }), never);
  expect(await move("room_one", "room_two")).toMatchObject({ success: true });
  expect(await move("room_one", "room_two")).toMatchObject({
    success: false,
    message: "the cart is not in room_one",
  });
  expect(await runner.run(ask("robot_at"), never)).toMatchObject({
    observed: [{ atom: "robot_at(room_two)", holds: true }],
    exclusive: ["robot_at"],
  });
});

test("the scale checks its parameters and answers", async () => {
  await using child = await open("scale.ts", "Scale");
  const weigh = (grams: number) => child.runner.run(act("weigh", { grams }), never);
  expect(await weigh(12)).toMatchObject({ success: true });
  expect(await weigh(900)).toMatchObject({ success: false });
  expect(await weigh(-1)).toMatchObject({ code: "assignment.bad-params" });
});

test("the arm binds the object that it made", async () => {
  await using child = await open("arm.ts", "Arm", { ARM_PORT: "/dev/arm" });
  const lifted = await child.runner.run(act("pick", { room: "room_one", box: "box_a" }), never);
  expect(lifted).toMatchObject({ success: true, message: "box_a by /dev/arm" });
});

test("the doser says what it left, and closes its valve when it was cut off", async () => {
  await using files = await project({ beaker: "2", valve: "closed" });
  const [BEAKER, VALVE] = [join(files.path, "beaker"), join(files.path, "valve")];
  await using child = await open("doser.ts", "Doser", { BEAKER, VALVE });
  const { runner } = child;
  const ask = (ml: number) =>
    runner.reconcile(act("dose", { ml }) as Extract<Assignment, { kind: "action" }>, never);
  expect(await ask(2)).toEqual({ state: "done", message: "" });
  expect(await ask(5)).toEqual({ state: "partly", message: "2 of 5 ml" });
  await Bun.write(BEAKER, "0");
  expect(await ask(5)).toEqual({ state: "not-done", message: "" });
  expect(await runner.run(act("dose", { ml: 3 }), never)).toMatchObject({ success: true });
  expect(await Bun.file(BEAKER).text()).toBe("3");
  const cut = runner.run(act("dose", { ml: 1_000 }), never).catch((cause) => cause);
  while ((await Bun.file(VALVE).text()) !== "open") await Bun.sleep(1);
  process.kill(child.pid(), "SIGKILL");
  expect(await cut).toMatchObject({ code: "handler.crashed" });
  await child.seen((event) => (event.type === "machine.secured" ? event : undefined));
  expect(await Bun.file(VALVE).text()).toBe("closed");
});
