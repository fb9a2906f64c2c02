// Goal: one command is backend and servant: it reaches a goal and says so, or says why not, and
// keeps off the network unless asked. Method: the compiled binary with the first-party plugins.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { agent, binary, ensureBinary, root } from "../support/binary.ts";
import { project } from "../support/project.ts";
import { start } from "../support/running.ts";
import { Folder } from "../support/servant.ts";

const WAREHOUSE = join(root, "plugins", "warehouse.ts:WarehouseNode");
const HELLO = join(root, "plugins", "hello.ts:Hello");
const fast = { env: { WAREHOUSE_STEP_MS: "1" } };

const LAB = `
import { domain, fluent, transition } from "servant-agent";
export const near = fluent("near");
export const there = fluent("there");
export const jump = transition("jump", { adds: () => [there()], cost: () => 10 });
export const walk = transition("walk", { adds: () => [near()] });
export const arrive = transition("arrive", { preconditions: () => [near()], adds: () => [there()] });
export default domain("way", { transitions: [jump, walk, arrive] });
`;
const ROBOT = `
import { action } from "servant-agent";
import { arrive, jump, walk } from "./lab.ts";
export class Robot {
  @action(jump) jump() {}
  @action(walk) walk() {}
  @action(arrive) arrive() {}
}
`;

describe("agent run", () => {
  test("plans, carries out, shows each step and ends with the state", async () => {
    const { code, stdout, stderr } = await agent(
      ["run", WAREHOUSE, "--goal", "box_at(room_two, box_a)"],
      fast,
    );
    expect([code, stderr]).toEqual([0, ""]);
    for (const step of ["move(", "pick(", "place("]) expect(stdout).toContain(`✓ ${step}`);
    const [, state = ""] = stdout.split("state:");
    expect(state).toContain("  box_at(room_two, box_a)\n");
    expect(stdout).not.toContain("\u001b"); // no colours where there is no terminal
  });

  test("takes several goals, and prints one document with --json", async () => {
    const goals = ["--goal", "box_at(room_two, box_a)", "--goal", "robot_at(room_three)"];
    const { code, stdout } = await agent(["run", WAREHOUSE, ...goals, "--json"], fast);
    expect(code).toBe(0);
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({ success: true, reason: "plan_found" });
    expect(told.results).toHaveLength(5);
    expect(told.state).toContain("robot_at(room_three)");
  });

  test("uses the plugin's own vocabulary and its own goal", async () => {
    const { code, stdout } = await agent(["run", HELLO]);
    expect(code).toBe(0);
    expect(stdout).toContain("greeted(world)");
  });

  test("plans with the costs and scripts of the vocabulary that the plugin imports", async () => {
    const slow = "await new Promise((done) => setTimeout(done, 60_000)); export default {};";
    const robot = `${ROBOT}\nvoid import("./slow.ts");`; // asked for its exports, it would throw
    await using author = await project({ "lab.ts": LAB, "robot.ts": robot, "slow.ts": slow });
    const goal = ["--goal", "there"];
    const found = await agent(["run", "./robot.ts:Robot", ...goal], { cwd: author.path });
    expect(found.stdout).toContain("plan: 2 steps"); // the direct way is dear, by code
    expect(found.stderr).toContain("the vocabulary is lab.ts");
    const inline = ["--isolation", "inline"];
    const within = await agent(["run", "./robot.ts:Robot", ...goal, ...inline], {
      cwd: author.path,
    });
    expect(within.stdout).toContain("plan: 2 steps");
  });

  test("says that costs and scripts are lost when no file has them", async () => {
    const exported = LAB.replace("export default", "export const lab =");
    await using author = await project({ "lab.ts": exported, "robot.ts": ROBOT });
    const args = ["run", "./robot.ts:Robot", "--goal", "there"];
    const { stdout, stderr } = await agent(args, { cwd: author.path });
    expect(stdout).toContain("plan: 1 step");
    expect(stderr).toContain("warning: planning without the costs or scripts of jump");
  });

  test("runs the plugin in its own process when asked to", async () => {
    const { code, stdout } = await agent(["run", HELLO, "--isolation", "inline"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("done")]);
  });

  test("fails with 1 and the reason when there is no way to the goal", async () => {
    const none = await agent(["run", WAREHOUSE, "--goal", "holding(box_z)"], fast);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("box_z")]);
    const goal = ["--goal", "robot_at(room_one)", "--goal", "robot_at(room_two)"];
    const both = await agent(["run", WAREHOUSE, ...goal], fast);
    expect([both.code, both.stdout]).toEqual([1, expect.stringMatching(/no plan/)]);
    const odd = await agent(["run", WAREHOUSE, "--goal", "box_at("], fast);
    expect(odd.stderr).toContain("Cannot read expression");
    expect(odd.code).not.toBe(0);
  });

  test("a plugin that cannot load ends it with 2", async () => {
    const { code, stderr } = await agent(["run", "./nothing.ts:Nothing"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("Cannot find plugin file")]);
  });

  test("listens nowhere without its local door, unless --backend-port lets others in", async () => {
    await ensureBinary();
    const slow = { WAREHOUSE_STEP_MS: "400" };
    const closed = ["--goal", "robot_at(room_one)", "--no-local"];
    const alone = start([binary, "run", WAREHOUSE, ...closed], slow);
    await alone.until(/… move/);
    expect(listening(alone.pid)).toEqual([]);
    expect(await alone.exited).toBe(0);

    const open = start([binary, "run", WAREHOUSE, "--backend-port", "0"], fast.env);
    const [, url = ""] = await open.until(/backend on (http:\/\/127\.0\.0\.1:\d+)/);
    await open.until(/serving until stopped/);
    const goal = await agent(["call", "goal", "robot_at(room_one)", "--to", url]);
    expect(goal.code).toBe(0);
    const executed = await agent(["call", "execute", "--to", url]);
    expect([executed.code, executed.stdout]).toEqual([0, expect.stringContaining("✓ move(")]);
    open.kill();
    expect(await open.exited).toBe(0);
  }, 30_000);

  test("without a goal, and without a way to set one, it ends with 2 and says so", async () => {
    const { code, stderr } = await agent(["run", WAREHOUSE]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("it has no goal")]);
    expect(stderr).toContain("--backend-port");
  });

  test("Ctrl-C during a step finishes the step and ends with 130; its folder is gone", async () => {
    using folder = new Folder();
    const env = { WAREHOUSE_STEP_MS: "300", TMPDIR: folder.path };
    const run = start([binary, "run", WAREHOUSE, "--goal", "box_at(room_two, box_a)"], env);
    await run.until(/… move/);
    expect(readdirSync(folder.path)).toHaveLength(1);
    run.kill("SIGINT");
    expect(await run.exited).toBe(130);
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

/** The TCP ports that a process listens on, from its open sockets. */
function listening(pid: number): string[] {
  const sockets = new Set<string>();
  for (const link of readdirSync(`/proc/${pid}/fd`)) {
    const target = Bun.spawnSync(["readlink", `/proc/${pid}/fd/${link}`]).stdout.toString();
    const inode = /socket:\[(\d+)\]/.exec(target)?.[1];
    if (inode !== undefined) sockets.add(inode);
  }
  const LISTEN = "0A";
  return ["tcp", "tcp6"]
    .flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, "utf8").split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN && sockets.has(fields[9] ?? ""))
    .map((fields) => fields[1] ?? "");
}
