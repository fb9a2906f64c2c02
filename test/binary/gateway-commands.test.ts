// Goal: our own commands and servants live with a gateway for days: what ends a session or a login is told, a
// reset is survived, no token goes where it should not, and a terminal is left as it was. Method: the compiled
// program at the compiled gateway, over https with an authority made for the test.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { RunningGateway } from "../support/gateway.ts";
import { ourClient, Person } from "../support/gateway-clients.ts";
import { HostileBackend } from "../support/hostile-backend.ts";
import { type Running, start } from "../support/running.ts";
import { onTerminal } from "../support/terminal.ts";

const client = await ourClient();
let gateway: RunningGateway;
let bob: Person;
let running: Running[] = [];
beforeEach(async () => {
  gateway = await RunningGateway.start();
  bob = new Person(client, gateway, "bob");
});
afterEach(async () => {
  for (const each of running) each.kill("SIGKILL");
  await Promise.all(running.map(({ exited }) => exited));
  running = [];
  await gateway[Symbol.asyncDispose]();
});

async function connect(...args: string[]): Promise<Running> {
  const servant = bob.start("connect", client.robot, "--no-local", ...args);
  running.push(servant);
  await servant.until(/registered as servant/);
  return servant;
}

test("a servant works through the gateway, over a reset, until its session is stopped", async () => {
  await bob.logIn("bob");
  await bob.does("session", "create", "--timeout", "30m", "--label", "survey");
  await bob.does("session", "create");
  await bob.does("session", "swap", "survey");
  const servant = await connect("--session", "survey");
  await servant.until(/session expires in \d+ min unless/);
  await bob.does("call", "goal", "box_at(room_two, box_a)");
  const results = await bob.does("call", "execute", "--json");
  expect(results).toContain('"success": true');
  expect(results).not.toContain('"success": false');
  await bob.does("session", "reset");
  await servant.until(/registering again[\s\S]*registered as servant/);
  await bob.does("call", "trigger", "move(start=room_two, end=room_one)");
  await bob.does("session", "stop");
  expect(await servant.exited).toBe(69);
  expect(servant.output().match(/session expires in/g)).toHaveLength(1);
}, 60_000);

test("a servant whose login was revoked ends, and says how to go on", async () => {
  await bob.logIn("bob");
  await bob.does("session", "create");
  const servant = await connect();
  await bob.does("logout");
  expect(await servant.exited).toBe(77);
  expect(servant.output()).toContain("agent login");
}, 60_000);

test("connect --to a gateway ends with what to do, logged in or not", async () => {
  for (const _ of ["logged out", "logged in"]) {
    const { code, text } = await bob.run(
      "connect",
      client.robot,
      "--no-local",
      "--to",
      gateway.url,
    );
    expect(code).toBe(77);
    expect(text).toContain("this is a session gateway");
    expect(text).toMatch(/hint: .*agent login URL.*without --to/);
    await bob.logIn("bob");
  }
  const { code, text } = await bob.run("call", "state", "--to", gateway.url, "--session", "x");
  expect([code, text]).toEqual([1, expect.stringContaining("Cannot find session")]);
}, 60_000);

test("the token goes to the gateway that gave it, and nowhere else", async () => {
  await bob.logIn("bob");
  await bob.does("session", "create");
  const { token, default_session } = bob.saved;
  const session = default_session ?? "";
  const other = new HostileBackend();
  try {
    await bob.run("call", "state", "--to", other.url, "--timeout", "1");
    expect(other.received.length).toBeGreaterThan(0);
    const told = other.received.map(({ path, headers }) => path + JSON.stringify(headers.toJSON()));
    for (const secret of [token, session]) expect(told.join("\n")).not.toContain(secret);
  } finally {
    await other.stop();
  }
  const bare = await bob.run("connect", client.robot, "--to", gateway.url, "--session", session);
  expect([bare.code, bare.text]).toEqual([77, expect.stringContaining("401")]);
  expect((await bob.run("call", "state", "--to", gateway.url)).code).toBe(0);
  const { text } = await bob.run("whoami", "--json");
  expect(text).not.toContain(token);
  expect(statSync(bob.config).mode & 0o777).toBe(0o600);
}, 60_000);

test("a gateway whose certificate nobody trusts is told no password", async () => {
  const args = ["login", gateway.url, "-u", "bob", "--password", "builder"];
  const child = start([...client.program, ...args], { ...bob.env, NODE_EXTRA_CA_CERTS: "" });
  expect(await child.exited).toBe(75);
  expect(child.output()).toContain("NODE_EXTRA_CA_CERTS");
  expect(() => statSync(bob.config)).toThrow();
});

test.each(["\u0003", "SIGTERM"])(
  "a question ended by %j leaves the terminal as it was",
  async (how) => {
    const login = `"${client.program[0]}" login ${gateway.url} -u bob <&3`;
    const keyboard = onTerminal(
      ["sh", "-c", `exec 3<&0; ${login} & echo pid=$!=; wait; stty -a`],
      bob.env,
    );
    await keyboard.until("Password of bob");
    if (how === "SIGTERM") process.kill(Number(/pid=(\d+)=/.exec(keyboard.shown())?.[1]), how);
    else keyboard.type(how);
    await keyboard.exited;
    const [, echo] = /(-?)\becho\b/.exec(keyboard.shown().split("rows").at(-1) ?? "-echo") ?? [];
    expect(echo).toBe("");
  },
);
