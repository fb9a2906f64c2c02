import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import manifest from "../../package.json";
import { agent, ensureBinary } from "../support/binary.ts";
import { project } from "../support/project.ts";

const COMMANDS = ["connect", "run", "host", "call"];

test("--version prints the package's version and nothing else", async () => {
  const run = await agent(["--version"]);
  expect(run).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
});

// Goal: a supervisor or a script that asks for the version does not wait for the whole program.
// Method: the best of many starts, and of more on a busy machine, which only ever adds; a slow machine may
// take twice what the bare runtime takes there.
test("--version answers within 8 ms", async () => {
  const binary = await ensureBinary();
  const best = (env: Record<string, string>) => {
    const times = Array.from({ length: 40 }, () => {
      const started = performance.now();
      Bun.spawnSync([binary, "--version"], { env: { ...process.env, ...env } });
      return performance.now() - started;
    });
    return Math.min(...times);
  };
  const limitMs = Math.max(8, 2 * best({ BUN_BE_BUN: "1" }));
  let ours = best({});
  for (let more = 0; more < 10 && ours >= limitMs; more += 1) ours = Math.min(ours, best({}));
  expect(ours).toBeLessThan(limitMs);
});

test("--help names every command and the exit codes", async () => {
  const { code, stdout } = await agent(["--help"]);
  expect(code).toBe(0);
  for (const command of COMMANDS) expect(stdout).toContain(`\n  ${command}`);
  expect(stdout).toContain("Exit codes:");
});

test.each(COMMANDS)("%s --help has examples and exit codes", async (command) => {
  const { code, stdout } = await agent([command, "--help"]);
  expect(code).toBe(0);
  expect(stdout).toContain(`Examples:\n  agent ${command}`);
  expect(stdout).toContain("Exit codes:");
});

test.each([
  { args: ["conect", "a:b"], says: "Did you mean connect?" },
  { args: ["connect"], says: "missing required argument 'ref'" },
  { args: ["connect", "a:b", "extra"], says: "too many arguments" },
  { args: ["connect", "a:b", "--port", "70000"], says: "Give a port, 0 to 65535." },
  { args: ["connect", "a:b", "--poll-interval", "fast"], says: "Give a number of at least 0.001." },
  { args: ["connect", "a:b", "--max-failures", "-1"], says: "Give a whole number of at least 0." },
  { args: ["connect", "a:b", "--isolation", "none"], says: "child, inline" },
  { args: ["run", "a:b", "--log-format", "xml"], says: "pretty, json" },
  { args: ["host", "--lease", "0"], says: "Give a number of at least 0.1." },
  { args: [], says: "Usage: agent" },
])("wrong usage $args exits 2 and says what would do", async ({ args, says }) => {
  const { code, stdout, stderr } = await agent(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(says);
});

// Goal: the folder the agent is started in belongs to others; nothing in it runs or leaks in.
// Method: every file that the runtime would read by itself, each leaving a trace when it is.
test("a hostile current folder neither runs code nor changes the environment", async () => {
  const evil = `require("node:fs").writeFileSync("ran", "");\nexport default 1;\n`;
  await using folder = await project({
    "bunfig.toml": 'preload = ["./evil.ts"]\n[test]\npreload = ["./evil.ts"]\n',
    ".env": "DYNOS_CONFIG_PATH=./evil.json\nNODE_OPTIONS=--require=./evil.ts\n",
    ".env.local": "DYNOS_CONFIG_PATH=./evil.json\n",
    "evil.json": '{"backend_url": "http://127.0.0.1:1"}',
    "evil.ts": evil,
    "tsconfig.json": '{"compilerOptions": {"paths": {"commander": ["./evil.ts"]}}}',
    "package.json": '{"name": "evil", "type": "commonjs", "imports": {"#x": "./evil.ts"}}',
    "node_modules/commander/index.js": evil,
    "node_modules/zod/index.js": evil,
    "node_modules/servant-agent/index.js": evil,
  });
  await chmod(join(folder.path, "evil.json"), 0o600); // so that it would be believed
  const env = { HOME: folder.path, DYNOS_ALLOW_HTTP: "" };
  const version = await agent(["--version"], { cwd: folder.path, env });
  expect(version).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
  expect((await agent(["--help"], { cwd: folder.path, env })).code).toBe(0);
  const health = await agent(["call", "health"], { cwd: folder.path, env });
  expect(health.stderr + health.stdout).not.toContain("127.0.0.1:1 ");
  expect(health.stderr + health.stdout).not.toContain('127.0.0.1:1"');
  expect(existsSync(join(folder.path, "ran"))).toBe(false);
});
