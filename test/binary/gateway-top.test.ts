// Goal: `agent session top` tells people what sessions use, and leaves their terminal as it was.
// Method: the compiled program before the compiled gateway over https, on a terminal, a pipe, as a stream.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SessionRecord } from "../../src/wire/gateway.ts";
import { agent, ensureBinary } from "../support/binary.ts";
import { type Name, PEOPLE, RunningGateway } from "../support/gateway.ts";
import { start } from "../support/running.ts";
import { onTerminal } from "../support/terminal.ts";

let gateway: RunningGateway;
let session: SessionRecord;
const environments: Partial<Record<Name, Record<string, string>>> = {};

beforeAll(async () => {
  gateway = await RunningGateway.start();
  for (const name of ["alice", "bob"] as const) {
    const token = await gateway.logIn(name);
    const path = join(gateway.folder, `${name}.json`);
    const { role } = PEOPLE[name];
    const config = { backend_url: gateway.url, token, username: name, role };
    writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
    const ca = gateway.certificates?.ca ?? "";
    environments[name] = { DYNOS_CONFIG_PATH: path, NODE_EXTRA_CA_CERTS: ca, NO_COLOR: "1" };
    if (name === "bob") session = await gateway.createSession(token, { label: "survey" });
  }
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
});

const envOf = (name: Name) => environments[name] ?? {};
const top = (name: Name, ...args: string[]) =>
  agent(["session", "top", ...args], { env: envOf(name) });

test("piped it is one table; an admin sees memory and processor, others a note", async () => {
  const { code, stdout, stderr } = await top("alice");
  expect([code, stderr]).toEqual([0, ""]);
  const [totals, heads, line, ...rest] = stdout.trimEnd().split("\n");
  expect(totals).toMatch(/^1 session, memory \d+\.\dM, 0 in flight, 1 owner$/);
  expect(heads).toMatch(
    /^LABEL +OWNER +STATUS +SESSION +AGE +IDLE +EXPIRES +MEMORY +TIME +REQS +PORT$/,
  );
  const port = new URL(session.url).port;
  expect(line).toMatch(
    new RegExp(`^survey +bob +running .* \\d+\\.\\dM +\\d+\\.\\ds +0 +${port}$`),
  );
  expect(rest).toEqual([]);
  const own = await top("bob", "--once");
  expect(own.stdout).toMatch(/^1 session\nLABEL.*\nsurvey +bob +running/);
  expect(own.stderr).toContain("no admin");
});

test("--json is one document, unless it was said how often", async () => {
  const { code, stdout } = await top("alice", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ told: "all", totals: { count: 1 } });
});

test("--json with --interval is a document for each look, with the share of the processor from the second on", async () => {
  const args = ["session", "top", "--json", "--interval", "0.2"];
  const looking = start([await ensureBinary(), ...args], envOf("alice"));
  await looking.until(/\n.*\n/);
  looking.kill("SIGINT");
  expect(await looking.exited).toBe(0);
  const [first, second] = looking
    .output()
    .split("\n")
    .map((line) => (line === "" ? undefined : JSON.parse(line)));
  expect(first).toMatchObject({
    ...{ told: "all", sessions: [{ session_id: session.session_id, in_flight: 0 }] },
    totals: { count: 1, running: 1, dead: 0, owners: 1 },
  });
  expect(first.totals.memory_bytes).toBeGreaterThan(2 ** 20);
  expect(second.sessions[0].cpu_percent).toBeNumber();
});

test.each(["q", "\u0003"])("on a terminal it draws in place until %j is pressed", async (key) => {
  const command = `"${await ensureBinary()}" session top --interval 0.2; echo "ended $?"; stty -a`;
  const screen = onTerminal(["sh", "-c", command], envOf("alice"));
  await screen.until("survey");
  await screen.until("CPU%"); // the second look
  expect(screen.shown()).toStartWith("\u001b[?1049h\u001b[?25l");
  screen.type(key);
  await screen.until("ended 0");
  await screen.exited;
  const [drawn = "", after = ""] = screen.shown().split("\u001b[?25h\u001b[?1049l");
  expect(after).toMatch(/(?<!-)\bicanon\b/);
  expect(after).toMatch(/(?<!-)\becho\b/);
  // Nothing is wiped before it is drawn, and what is typed is not shown.
  expect(drawn).not.toContain("\u001b[2J");
  expect(drawn).not.toContain("^C");
});

test("a terminal that gets narrower is drawn anew at once, with what fits", async () => {
  const args = ["session", "top", "--interval", "600"];
  const screen = onTerminal([await ensureBinary(), ...args], envOf("alice"));
  await screen.until("SESSION");
  await screen.until("q ends");
  const before = screen.shown().length;
  screen.resize(32, 5);
  await screen.until("q ends");
  const lines = Bun.stripANSI(screen.shown().slice(before)).split(/\r+\n/);
  expect(lines.length).toBeLessThanOrEqual(5);
  expect(lines[1]).toBe("LABEL   OWNER  STATUS   MEMORY");
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(32);
  screen.type("q");
  expect(await screen.exited).toBe(0);
});

test("it goes on when the gateway is away for a while, and says so", async () => {
  await using other = await RunningGateway.start();
  const token = await other.logIn("alice");
  const path = join(other.folder, "alice.json");
  writeFileSync(path, JSON.stringify({ backend_url: other.url, token, role: "admin" }), {
    mode: 0o600,
  });
  const env = {
    ...envOf("alice"),
    DYNOS_CONFIG_PATH: path,
    NODE_EXTRA_CA_CERTS: other.certificates?.ca,
  };
  const screen = onTerminal([await ensureBinary(), "session", "top", "--interval", "0.2"], env);
  await screen.until("0 sessions");
  await other.stop();
  await screen.until("Cannot");
  await other.start();
  await other.createSession(token, { label: "afresh" });
  await screen.until("afresh");
  screen.type("q");
  expect(await screen.exited).toBe(0);
});

test("--to names the gateway that is logged in to; another one gets no token", async () => {
  expect((await top("alice", "--once", "--to", gateway.url)).code).toBe(0);
  const { code, stderr } = await top("alice", "--to", "https://plan.example.com");
  expect([code, stderr]).toEqual([77, expect.stringContaining("you are logged in to")]);
});
