import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../support/binary.ts";
import { clone, type Project, project } from "../support/project.ts";

/** An install or a build from nothing, on a small machine, over the network. */
const INSTALL_TIMEOUT_MS = 240_000;

function run(command: readonly string[], cwd: string): { code: number; output: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd });
  return { code: exitCode, output: `${stdout}${stderr}` };
}

// Newer npm does not run a package's install scripts unasked, and Bun's puts its executable in
// place: our scripts must do without it.
const newestNpm = run(["npm", "view", "npm@12", "version"], root).code === 0;

test.each([
  { name: "npm ci --ignore-scripts", command: ["npm", "ci", "--ignore-scripts"], can: true },
  { name: "npm 12's ci", command: ["npx", "-y", "npm@12", "ci"], can: newestNpm },
])(
  "$name in a fresh clone leads to a build",
  async ({ name, command, can }) => {
    if (!can) {
      console.warn(`NOT TESTED: ${name} is not to be had from the registry`);
      return;
    }
    await using copy = await clone();
    expect(run([...command, "--no-audit", "--no-fund"], copy.path)).toMatchObject({ code: 0 });
    expect(run(["npm", "run", "build"], copy.path)).toMatchObject({ code: 0 });
    const version = run([join(copy.path, "dist", "agent"), "--version"], copy.path);
    expect(version.code).toBe(0);
  },
  INSTALL_TIMEOUT_MS,
);

// Goal: whoever writes a plugin gets types from the package and is told of a wrong argument.
// Method: pack it as for the registry, unpack it into another project, run the compiler there.
let author: Project;
beforeAll(async () => {
  author = await project({
    "package.json": '{"name": "author", "type": "module"}',
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        target: "ESNext",
        module: "NodeNext",
        lib: ["ESNext", "DOM"],
        types: [],
        strict: true,
        noEmit: true,
        skipLibCheck: false,
      },
      include: ["*.ts"],
    }),
  });
  await using copy = await clone();
  await symlink(join(root, "node_modules"), join(copy.path, "node_modules"));
  const packed = run(["npm", "pack", "--silent"], copy.path);
  if (packed.code !== 0) throw new Error(packed.output);
  const archive = join(copy.path, packed.output.trim().split("\n").at(-1) ?? "");
  const installed = join(author.path, "node_modules", "servant-agent");
  await mkdir(installed, { recursive: true });
  const unpacked = run(["tar", "-xzf", archive, "-C", installed, "--strip-components=1"], root);
  if (unpacked.code !== 0) throw new Error(unpacked.output);
  await symlink(join(root, "node_modules", "zod"), join(author.path, "node_modules", "zod"));
}, INSTALL_TIMEOUT_MS);
afterAll(() => author[Symbol.asyncDispose]());

async function typeCheck(plugin: string): Promise<{ code: number; output: string }> {
  await Bun.write(join(author.path, "cart.ts"), plugin);
  return run([join(root, "node_modules", ".bin", "tsc"), "-p", author.path], author.path);
}

const CART = `
import { action, belief, BeliefResult, type ActionContext, z } from "servant-agent";
import { move, robotAt, roomTwo, type Room } from "servant-agent/domains/warehouse";

export class Cart {
  room: Room = roomTwo;
  @action(move, { timeoutMs: 60_000, uses: ["wheels"] })
  async drive({ end }: { start: Room; end: Room }, ctx: ActionContext) {
    ctx.log.info("driving", { end: end.name });
    this.room = end;
    return { success: true, telemetry: { metres: 3.2 } };
  }
  @action("weigh", { params: z.object({ grams: z.number() }) })
  weigh({ grams }: { grams: number }) {
    return grams > 0;
  }
  @belief(robotAt)
  where() {
    return BeliefResult.sole(robotAt(this.room));
  }
}
`;

test("the package holds the program, the client, types, the plugins and the licence", () => {
  const installed = join(author.path, "node_modules", "servant-agent");
  const client = ["dist/client/index.js", "dist/domains/warehouse.js", "dist/puda/index.js"];
  const others = ["dist/agent", "dist/types/sdk/index.d.ts", "plugins", "LICENSE"];
  for (const path of [...others, ...client]) {
    expect({ path, there: existsSync(join(installed, path)) }).toEqual({ path, there: true });
  }
});

test("a plugin type-checks against the package", async () => {
  expect(await typeCheck(CART)).toEqual({ code: 0, output: "" });
});

test.each([
  { mistake: "an object of another type", from: "{ start: Room; end: Room }", to: "{ end: 3 }" },
  { mistake: "an option that there is not", from: "timeoutMs:", to: "timeout:" },
  { mistake: "a fluent applied to a number", from: "robotAt(this.room)", to: "robotAt(3)" },
  { mistake: "an answer that is no result", from: "success: true", to: "success: 1" },
])("$mistake fails to type-check", async ({ from, to }) => {
  const { code, output } = await typeCheck(CART.replace(from, to));
  expect(code).not.toBe(0);
  expect(output).toContain("cart.ts");
});
