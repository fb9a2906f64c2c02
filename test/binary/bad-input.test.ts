// Goal: whoever starts the agent wrongly is told what is wrong and how out of it, and a supervisor
// knows from the exit code whether starting again can help. Method: the compiled binary.
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { agent, root } from "../support/binary.ts";
import { Folder } from "../support/servant.ts";

const HELLO = join(root, "plugins", "hello.ts:Hello");
const nobody = "http://127.0.0.1:1";

/** Runs `agent connect` with a plugin written for this test; resolves to how it ended. */
async function connectTo(source: string, reference = "plugin.ts:Plugin") {
  using folder = new Folder();
  writeFileSync(join(folder.path, "plugin.ts"), source);
  const args = ["connect", join(folder.path, reference), "--to", nobody];
  return await agent([...args, "--state-dir", folder.state], { cwd: folder.path });
}

describe("agent connect refuses, with 2 and a hint,", () => {
  const references: [string, string, RegExp][] = [
    ["a reference without a colon", "plugin.ts", /module:Class/],
    ["a missing file", "./missing.ts:Plugin", /Cannot find plugin file ".*missing\.ts"/],
    ["a missing package", "no-such-package:Plugin", /no-such-package/],
    ["an empty class name", "./plugin.ts:", /module:Class/],
  ];
  for (const [name, reference, message] of references) {
    test(name, async () => {
      using folder = new Folder();
      const args = ["connect", reference, "--to", nobody, "--state-dir", folder.state];
      const { code, stderr } = await agent(args, { cwd: folder.path });
      expect(stderr).toMatch(message);
      expect(stderr).toContain("hint: ");
      expect(code).toBe(2);
    });
  }

  const head = `import { action, belief } from "servant-agent";
import { move, pick } from "servant-agent/domains/warehouse";\n`;
  const plugins: [string, string, RegExp][] = [
    ["a missing class, naming those there are", "export class Other {}", /"Plugin".*Other/],
    ["a class without handlers", "export class Plugin { move() {} }", /it has no handlers/],
    [
      "two handlers for one transition",
      `${head}export class Plugin { @action(move) a() {} @action(move) b() {} }`,
      /"move": "a" and "b"/,
    ],
    ["a plugin that throws when it loads", `throw new Error("no camera");`, /no camera/],
    ["a dependency that is missing", `import "nowhere-to-be-found";`, /nowhere-to-be-found/],
    [
      "a constructor that throws",
      `${head}export class Plugin { constructor() { throw new Error("no arm") } @action(pick) a() {} }`,
      /no arm/,
    ],
  ];
  for (const [name, source, message] of plugins) {
    test(name, async () => {
      const { code, stderr } = await connectTo(source);
      expect(stderr).toMatch(message);
      expect(code).toBe(2);
    });
  }

  test("a syntax error, with its position", async () => {
    const broken = join(root, "test", "fixtures", "broken", "syntax.ts:Broken");
    using folder = new Folder();
    const args = ["connect", broken, "--to", nobody, "--state-dir", folder.state];
    const { code, stderr } = await agent(args);
    expect(stderr).toMatch(/syntax\.ts:3:\d+/);
    expect(code).toBe(2);
  });

  test("http to another machine, unless the environment allows it", async () => {
    using folder = new Folder();
    const args = ["connect", HELLO, "--to", "http://192.0.2.1:8421", "--state-dir", folder.state];
    const { code, stderr } = await agent(args, { env: { DYNOS_ALLOW_HTTP: "" } });
    expect(stderr).toContain("DYNOS_ALLOW_HTTP=1");
    expect(code).toBe(2);
  });

  test("a URL that is none, and an option that is none", async () => {
    for (const args of [
      ["connect", HELLO, "--to", "ftp://localhost"],
      ["connect", HELLO, "--poll-interval", "soon"],
      ["connect", HELLO, "--isolation", "thread"],
      ["connect", HELLO, "--state-dir", ""],
      ["connect", HELLO, "--session", ""],
      ["host", "--bind", "nonsense"],
      ["host", "--domain", "no-such-domain"],
      ["host", "--domain", "./no-such-file.json"],
      ["connect"],
      ["conect", HELLO],
    ]) {
      const { code, stderr } = await agent(args);
      expect(stderr.length, args.join(" ")).toBeGreaterThan(10);
      expect(code, args.join(" ")).toBe(2);
    }
  });
});

describe("agent fails, with 1,", () => {
  test("on a state folder that cannot be written", async () => {
    using folder = new Folder();
    const blocked = join(folder.path, "file");
    writeFileSync(blocked, "");
    const args = ["connect", HELLO, "--to", nobody, "--state-dir", join(blocked, "state")];
    const { code, stderr } = await agent(args);
    expect(stderr).toContain("Cannot keep state in");
    expect(stderr).toContain("--state-dir");
    expect(code).toBe(1);
  });

  test("on a port in use", async () => {
    const taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    const port = String(taken.port);
    const { code, stderr } = await agent(["host", "--port", port]);
    await taken.stop(true);
    expect(stderr).toContain(`127.0.0.1:${port}`);
    expect(stderr).toMatch(/taken|in use/);
    expect(code).toBe(1);
  });

  test("on a journal of another version, without touching it", async () => {
    using folder = new Folder();
    mkdirSync(folder.state);
    const path = join(folder.state, "journal.sqlite");
    const { Database } = await import("bun:sqlite");
    const database = new Database(path, { create: true });
    database.run("PRAGMA user_version = 99");
    database.run("CREATE TABLE precious (x)");
    database.close();
    const args = ["connect", HELLO, "--to", nobody, "--state-dir", folder.state];
    const { code, stderr } = await agent(args);
    expect(stderr).toContain("another version");
    expect(code).toBe(1);
    const again = new Database(path);
    expect(again.query("SELECT name FROM sqlite_master").all()).toEqual([{ name: "precious" }]);
    again.close();
  });
});

test("a DYNOS config file that others can read is refused, with the way out", async () => {
  using folder = new Folder();
  const path = join(folder.path, "config.json");
  writeFileSync(path, JSON.stringify({ backend_url: nobody, token: "t".repeat(32) }));
  chmodSync(path, 0o644);
  const { code, stderr } = await agent(["connect", HELLO, "--state-dir", folder.state], {
    env: { DYNOS_CONFIG_PATH: path },
  });
  expect(stderr).toContain("chmod 600");
  expect(stderr).not.toContain("tttt");
  expect(code).toBe(2);
});
