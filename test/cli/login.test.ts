// Goal: a login is kept for its owner alone, goes where it was meant to go, and a password is never shown.
// Method: the commands as a person runs them, before a small gateway on a real socket, also on a terminal.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { chmod, symlink } from "node:fs/promises";
import { join } from "node:path";
import { type FakeGateway, fakeGateway, PASSWORD } from "../support/fake-gateway.ts";
import { type Project, project } from "../support/project.ts";
import { onTerminal } from "../support/terminal.ts";
import { command, MAIN } from "./calling.ts";

let gateway: FakeGateway;
let folder: Project;
let config: string;
beforeEach(async () => {
  gateway = fakeGateway();
  folder = await project();
  config = join(folder.path, ".dynos", "config.json");
});
afterEach(async () => {
  await gateway[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const env = () => ({ DYNOS_CONFIG_PATH: config, NO_COLOR: "1" });
const typed = (...args: string[]) => onTerminal([process.execPath, MAIN, ...args], env());
const saved = () => JSON.parse(readFileSync(config, "utf8")) as Record<string, unknown>;
const agent = (args: readonly string[], stdin?: string) =>
  command(args, { env: env(), ...(stdin === undefined ? {} : { stdin }) });
const login = (...args: string[]) =>
  agent(["login", gateway.url, "-u", "alice", "--password-stdin", ...args], `${PASSWORD}\n`);

describe("login", () => {
  test("keeps the token for its owner alone, and shows none of it", async () => {
    const { code, stdout, stderr } = await login();
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`Logged in as alice (user) at ${gateway.url}`);
    const [token = ""] = gateway.tokens;
    expect(saved()).toEqual({ backend_url: gateway.url, token, username: "alice", role: "user" });
    expect(statSync(config).mode & 0o777).toBe(0o600);
    expect(stdout).not.toContain(token);
    const json = await login("--json");
    expect(JSON.parse(json.stdout)).toEqual({
      backend_url: gateway.url,
      username: "alice",
      role: "user",
      default_session: null,
    });
  });

  test("asks on a terminal, and does not show what is typed as a password", async () => {
    const person = typed("login", gateway.url);
    await person.until("Name at");
    person.type("alicf\u007fe\r");
    await person.until("Password of alice");
    person.type(`${PASSWORD}x\u007f\r`);
    await person.until("Logged in as alice");
    expect(await person.exited).toBe(0);
    expect(person.shown()).not.toContain(PASSWORD.slice(0, 4));
    expect(gateway.bodies[0]).toEqual({ username: "alice", password: PASSWORD });
  });

  test("warns of --password on a terminal; Ctrl-C ends the question", async () => {
    const hasty = typed("login", gateway.url, "-u", "a", "--password", "no");
    expect(await hasty.exited).toBe(77);
    expect(hasty.shown()).toContain("shell's history");
    expect(hasty.shown()).toContain("Invalid credentials");
    const patient = typed("login", gateway.url, "-u", "a");
    await patient.until("Password of a");
    patient.type("half\u0003");
    expect(await patient.exited).toBe(130);
    expect(gateway.heard).toHaveLength(1);
  });

  test("goes to DYNOS's own gateway when no other is known, and says where it goes", async () => {
    const person = typed("login");
    await person.until("Name at https://api.dynosplan.com: ");
    person.type("\u0003");
    expect(await person.exited).toBe(130);
  });

  test("without a terminal it says what would do, and asks nobody", async () => {
    const { code, stderr } = await agent(["login", gateway.url, "-u", "alice"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--password-stdin")]);
    const nameless = await agent(["login", gateway.url], PASSWORD);
    expect([nameless.code, nameless.stderr]).toEqual([2, expect.stringContaining("--user NAME")]);
    expect(gateway.heard).toEqual([]);
  });

  test("a wrong password leaves the login that there was", async () => {
    await login();
    const before = saved();
    const { code, stderr } = await agent(["login", "-u", "alice", "--password", "guess"]);
    expect([code, stderr]).toEqual([77, expect.stringContaining("Invalid credentials")]);
    expect(stderr).not.toContain("guess");
    expect(saved()).toEqual(before);
  });

  test("a session stays the default only for the same person at the same gateway", async () => {
    await login();
    await agent(["session", "create"]);
    const session = saved().default_session;
    expect(session).toBeString();
    await login();
    expect(saved().default_session).toBe(session);
    await agent(["login", "-u", "bob", "--password-stdin"], PASSWORD);
    expect(saved()).toMatchObject({ username: "bob", backend_url: gateway.url });
    expect(saved()).not.toHaveProperty("default_session");
    await agent(["session", "create"]);
    await using other = fakeGateway();
    await agent(["login", "--to", other.url, "-u", "bob", "--password-stdin"], PASSWORD);
    expect(saved().backend_url).toBe(other.url);
    expect(saved()).not.toHaveProperty("default_session");
  });

  test("no token is asked for that would have no safe place", async () => {
    await login();
    const { length } = gateway.heard;
    await chmod(config, 0o640);
    expect(await login()).toMatchObject({ code: 2, stderr: expect.stringContaining("chmod 600") });
    await chmod(config, 0o600);
    const link = join(folder.path, "link.json");
    await symlink(config, link);
    const before = readFileSync(config, "utf8");
    config = link;
    expect(await login()).toMatchObject({ code: 2, stderr: expect.stringContaining("is a link") });
    expect(readFileSync(config, "utf8")).toBe(before);
    expect(gateway.heard).toHaveLength(length);
  });

  test("no password travels in clear, nor to a place that was not meant", async () => {
    const clear = await agent(["login", "http://plan.example.com", "-u", "a", "--password", "b"]);
    expect([clear.code, clear.stderr]).toEqual([2, expect.stringContaining("DYNOS_ALLOW_HTTP")]);
    const both = await agent(["login", gateway.url, "--to", "localhost:1", "-u", "a"]);
    expect(both.code).toBe(2);
    expect(gateway.heard).toEqual([]);
  });
});

describe("logout", () => {
  test("revokes the token, and keeps nothing but the gateway's address", async () => {
    await login();
    await agent(["session", "create"]);
    const { code, stdout } = await agent(["logout"]);
    expect([code, stdout]).toEqual([0, `Logged out of ${gateway.url}\n`]);
    expect(gateway.tokens.size).toBe(0);
    expect(saved()).toEqual({ backend_url: gateway.url });
    const again = await agent(["logout"]);
    expect([again.code, again.stdout]).toEqual([0, "Nobody is logged in\n"]);
    const whoami = await agent(["whoami"]);
    expect([whoami.code, whoami.stderr]).toEqual([77, expect.stringContaining("agent login")]);
  });

  test("also where the gateway does not answer, and says that it does not", async () => {
    await login();
    await gateway[Symbol.asyncDispose]();
    const { code, stdout, stderr } = await agent(["logout", "--json"]);
    expect([code, JSON.parse(stdout)]).toEqual([0, { logged_out: true, revoked: false }]);
    expect(stderr).toContain("Cannot revoke the token");
    expect(saved()).toEqual({ backend_url: gateway.url });
  });

  test("a token is not sent in clear to be revoked", async () => {
    await login();
    const file = { ...saved(), backend_url: "http://plan.example.com" };
    writeFileSync(config, JSON.stringify(file), { mode: 0o600 });
    const { code, stderr } = await agent(["logout"]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("http to another machine")]);
    expect(saved()).toEqual({ backend_url: "http://plan.example.com" });
  });
});

test("whoami shows who is where, and the token's ends alone", async () => {
  await login();
  const [token = ""] = gateway.tokens;
  const { code, stdout } = await agent(["whoami"]);
  expect(code).toBe(0);
  for (const part of [gateway.url, "alice", "user", "agent session create"]) {
    expect(stdout).toContain(part);
  }
  expect(stdout).toContain(`${token.slice(0, 6)}...${token.slice(-4)}`);
  expect(stdout).not.toContain(token);
  expect(JSON.parse((await agent(["whoami", "--json"])).stdout)).toMatchObject({
    username: "alice",
    default_session: null,
  });
});

describe("hash-password", () => {
  test("prints a hash that verifies, or a member of the users file", async () => {
    const { code, stdout } = await agent([
      "hash-password",
      "--rounds",
      "4",
      "--password",
      "sésame",
    ]);
    expect([code, stdout.slice(0, 7)]).toEqual([0, "$2b$04$"]);
    expect(await Bun.password.verify("sésame", stdout.trim())).toBe(true);
    const args = ["--rounds", "4", "--json", "alice", "--role", "admin", "--password-stdin"];
    const entry = await agent(["hash-password", ...args], "sesame\nmore");
    const users = JSON.parse(`{${entry.stdout}}`) as Record<string, Record<string, string>>;
    expect(users.alice).toMatchObject({ display_name: "alice", role: "admin" });
    expect(await Bun.password.verify("sesame", users.alice?.password_hash ?? "")).toBe(true);
  });

  test("--into makes a users file, and then enters others and other passwords", async () => {
    const users = join(folder.path, "login.json");
    const enter = async (user: string, password: string, ...args: string[]) => {
      const given = ["--rounds", "4", "--password-stdin", "--into", users, "--json", user];
      const { code, stdout, stderr } = await agent(["hash-password", ...given, ...args], password);
      expect([code, stderr]).toEqual([0, ""]);
      return stdout;
    };
    const file = () => JSON.parse(readFileSync(users, "utf8"));
    writeFileSync(users, "");
    expect(await enter("bob", "none")).toContain("Entered bob (user)");
    rmSync(users);
    expect(await enter("alice", "one", "--role", "admin")).toBe(
      `Entered alice (admin) in "${users}"; 1 may log in\n`,
    );
    expect(statSync(users).mode & 0o777).toBe(0o600);
    expect(await enter("constructor", "two", "--display-name", "C")).toContain("2 may log in");
    const before = file();
    writeFileSync(users, JSON.stringify({ ...before, of: "the lab" }));
    expect(await enter("alice", "three")).toContain("alice (admin) has another password");
    const after = file();
    expect(after).toMatchObject({ of: "the lab", users: { alice: { role: "admin" } } });
    expect(Object.keys(after.users)).toEqual(["alice", "constructor"]);
    expect(await Bun.password.verify("three", after.users.alice.password_hash)).toBe(true);
    expect(readdirSync(folder.path)).toContain("login.json");
    expect(readdirSync(folder.path).filter((name) => name.endsWith(".new"))).toEqual([]);
  });

  test("--into leaves a file alone that a gateway would not take", async () => {
    const users = join(folder.path, "login.json");
    writeFileSync(users, '{"users": {"eve": {"password_hash": "plain"}}}');
    const args = ["--rounds", "4", "--password-stdin", "--into", users, "--json", "alice"];
    const { code, stderr } = await agent(["hash-password", ...args], "one");
    expect([code, stderr]).toEqual([2, expect.stringContaining("eve.password_hash")]);
    expect(readFileSync(users, "utf8")).toContain("plain");
    const nobody = ["--password", "a", "--json", "__proto__", "--into", `${users}.other`];
    const refused = await agent(["hash-password", "--rounds", "4", ...nobody]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("it is no name")]);
    expect(existsSync(`${users}.other`)).toBe(false);
  });

  test("asks twice, and takes nothing but the same", async () => {
    for (const [again, code] of [["sesame", 0] as const, ["sesami", 2] as const]) {
      const person = typed("hash-password", "--rounds", "4");
      await person.until("Password: ");
      person.type("sesame\r");
      await person.until("The same again: ");
      person.type(`${again}\r`);
      expect(await person.exited).toBe(code);
      expect(person.shown().includes("$2b$04$")).toBe(code === 0);
      expect(person.shown()).not.toContain("sesam");
    }
  });

  test.each([
    [["--password", ""], "an empty password"],
    [["--password", "é".repeat(37)], "a password of 74 bytes"],
    [["--password", "a", "--rounds", "3"], "at least 4"],
    [["--password", "a", "--rounds", "21"], "4 to 20"],
    [["--password", "a", "--role", "king", "--json", "b"], "user, admin"],
    [["--password", "a", "--role", "admin"], "--json USER"],
    [["--password", "a", "--into", "login.json"], "--json USER"],
    [["--password", "a", "--password-stdin"], "both --password and"],
  ])("refuses %j", async (args, why) => {
    const { code, stdout, stderr } = await agent(["hash-password", ...args]);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(why)]);
  });
});
