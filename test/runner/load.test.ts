import { expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../../scripts/binary.ts";
import type { ServantError } from "../../src/core/errors.ts";
import { resolveReference } from "../../src/runner/reference.ts";
import { project } from "../support/project.ts";
import { act, IMPORTS, never, openChild, openIn, pluginSource } from "./plugin-child.ts";

/** A package whose entry only its exports map tells. */
const WHEELS = {
  "node_modules/wheels/package.json": JSON.stringify({
    name: "wheels",
    version: "1.0.0",
    exports: { ".": "./lib/start.mjs", "./cart": "./lib/cart.mjs", "./big.js": "./lib/cart.mjs" },
  }),
  "node_modules/wheels/lib/start.mjs": 'export const kind = "rubber";',
  "node_modules/wheels/lib/cart.mjs": `${IMPORTS}
import { kind } from "./start.mjs";
const roll = transition("roll", {});
export class Cart { kind = kind; }
const decorate = action(roll);
Cart.prototype.roll = () => ({ success: true, telemetry: { kind } });
Cart[Symbol.metadata] = {};
decorate(Cart.prototype.roll, { kind: "method", name: "roll", metadata: Cart[Symbol.metadata] });
`,
};

test("a plugin may use TypeScript, relative imports, JSON, packages and top-level await", async () => {
  await using child = await openChild({
    ...WHEELS,
    "settings.json": '{ "grams": 12 }',
    "parts/weigh.ts": "export enum Unit { gram = 'g' }\nexport const unit: string = Unit.gram;",
    "plugin.ts": `import settings from "./settings.json";
import { unit } from "./parts/weigh.ts";
import { unit as again } from "./parts/weigh";
import { kind } from "wheels";
import type { Nothing } from "not-installed";
const late = await Promise.resolve("late");
${pluginSource(`
  private telemetry?: Nothing = undefined;
  @act("tell") tell(): { success: boolean } {
    return { success: true, telemetry: { ...settings, unit, again, kind, late } };
  }`)}`,
  });
  const { telemetry } = await child.runner.run(act("tell"), never);
  expect(telemetry).toEqual({ grams: 12, unit: "g", again: "g", kind: "rubber", late: "late" });
});

test("a plugin gets our own modules without any install, and its own zod", async () => {
  await using child = await openChild({
    "node_modules/zod/package.json": '{ "name": "zod", "version": "0.0.1", "main": "mine.js" }',
    "node_modules/zod/mine.js": 'module.exports.mine = "my own zod";',
    "node_modules/servant-agent/package.json": '{ "name": "servant-agent", "version": "0.0.1" }',
    "plugin.ts": `import { mine } from "zod";
import { testPlugin } from "servant-agent/testing";
import { move, roomOne } from "servant-agent/domains/warehouse";
${pluginSource(`
  @act("tell") tell() {
    const schema = z.object({ grams: z.number() });
    const grams = schema.safeParse({ grams: "x" }).success;
    return { success: true, telemetry: { mine, grams, kind: typeof testPlugin, has: "object" in z } };
  }
  @action(move) drive({ end }) { return { success: true, telemetry: { end } }; }`)}`,
  });
  const { telemetry } = await child.runner.run(act("tell"), never);
  expect(telemetry).toEqual({ mine: "my own zod", grams: false, kind: "function", has: true });
  const params = { start: "room_one", end: "room_two" };
  const moved = await child.runner.run(act("move", params), never);
  expect(moved.telemetry).toEqual({ end: "room_two" });
});

test("a plugin of a package runs, by name or by a subpath of its exports", async () => {
  for (const name of ["wheels/cart", "wheels/big.js"]) {
    const folder = await project(WHEELS);
    const { path, className } = resolveReference(`${name}:Cart`, folder.path);
    await using child = await openIn(folder, path, className);
    const { telemetry } = await child.runner.run(act("roll"), never);
    expect(telemetry).toEqual({ kind: "rubber" });
  }
});

test("the child tells what the plugin offers", async () => {
  await using child = await openIn(
    await project(),
    join(root, "plugins", "warehouse.ts"),
    "WarehouseNode",
  );
  const { offer } = child.runner;
  expect(offer.transitions).toEqual(["move", "pick", "place"]);
  expect(offer.fluents).toEqual(["robot_at", "holding"]);
  expect(offer.domainModules).toEqual(["dynos_warehouse.warehouse"]);
  expect(offer.startState.map(String)).toContain("box_at(room_one, box_a)");
  expect(offer.vocabulary.objects.map(({ name }) => name)).toContain("room_two");
});

async function failure(
  files: string | Record<string, string>,
  options: Parameters<typeof openChild>[1] = {},
): Promise<ServantError> {
  try {
    await using child = await openChild(files, options);
    throw new Error(`it loaded as ${child.pid()}`);
  } catch (cause) {
    return cause as ServantError;
  }
}

const FINE = '  @act("fine") fine() { return true; }';

test.each<[string, string | Record<string, string>, string, string]>([
  ["a syntax error", "export class P {\n  drive( {}\n}\n", "plugin.load-failed", "plugin.ts:3:"],
  [
    "a syntax error in what it imports",
    { "plugin.ts": 'import "./part.ts";', "part.ts": "const x = ;\n" },
    "plugin.load-failed",
    "part.ts:1:11: ",
  ],
  [
    "an error at import",
    'const wheels = 3;\nthrow new Error("no wheels");\n',
    "plugin.load-failed",
    "no wheels (",
  ],
  ["the position of that error", 'const x = 3;\nthrow new Error("x");\n', "", "plugin.ts:2:"],
  ["a text thrown at import", 'throw "no wheels";', "plugin.load-failed", ": no wheels"],
  ["a missing dependency", 'import "not-there";', "plugin.load-failed", "not-there"],
  ["a missing file", 'import "./not-there.ts";', "plugin.load-failed", "./not-there.ts"],
  [
    "a missing export",
    'import { walk } from "servant-agent";\nwalk();',
    "plugin.load-failed",
    "walk",
  ],
  ["no such class", "export class Q {}\nexport const r = () => 1;", "plugin.class-missing", "Q, r"],
  ["a class not exported", "class P {}\nnew P();", "plugin.class-missing", "exports no class"],
  ["a class by default", "export default class P {}", "plugin.class-missing", "default"],
  ["a thing that is no class", "export const P = {};", "plugin.class-missing", '"P"'],
  ["no handlers", "export class P {}", "plugin.no-handlers", '"P"'],
  [
    "two handlers",
    pluginSource(`${FINE}\n  @act("fine") again() {}`),
    "plugin.duplicate-handler",
    '"fine" and "again"',
  ],
  [
    "a constructor that throws",
    pluginSource(`${FINE}\n  constructor() { throw new Error("no port"); }`),
    "plugin.load-failed",
    'Cannot construct class "P": no port',
  ],
  ["a bad name", `${IMPORTS}fluent("two words");`, "plugin.load-failed", "plugin.ts:2:"],
  ["an end at import", "process.exit(3);", "plugin.load-failed", "exit code 3"],
  ["a crash at import", "process.abort();", "plugin.load-failed", "signal SIG"],
  [
    "legacy decorators",
    `${IMPORTS}class P { walk() {} }\naction(transition("walk", {}))(P.prototype, "walk", {});`,
    "plugin.legacy-decorator",
    "plugin.ts:3:",
  ],
])("a plugin with %s is refused with code and reason", async (_name, files, code, says) => {
  const refused = await failure(files);
  if (code !== "") expect(refused.code as string).toBe(code);
  expect(refused.message).toContain(says);
});

test("a plugin that never finishes loading is refused after a while", async () => {
  for (const source of ["await new Promise(() => {});", "for (;;);"]) {
    const refused = await failure(source, { loadTimeoutMs: 300 });
    expect(refused).toMatchObject({ code: "plugin.load-failed" });
    expect(refused.message).toContain("not ready after 0.3 s");
  }
});

// From source the runtime heeds the tsconfig of the folder it starts in; the binary never does.
test("experimentalDecorators where the agent starts from source is told with its place", async () => {
  const folder = await project({
    "tsconfig.json": '{ "compilerOptions": { "experimentalDecorators": true } }',
    "plugin.ts": pluginSource(FINE),
  });
  const { path } = folder;
  const refused = await openIn(folder, join(path, "plugin.ts"), "P", { cwd: path }).catch(
    (cause) => cause,
  );
  expect(refused).toMatchObject({ code: "plugin.legacy-decorator" });
  expect(refused.message).toContain(`${path}/plugin.ts:`);
});
