// Goal: every session command does what it says at a gateway, names are never guessed, and the default session
// is what the person chose. Method: the commands as people run them, before a small gateway on a real socket.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeGateway, fakeGateway, record, TOKEN } from "../support/fake-gateway.ts";
import { type Project, project } from "../support/project.ts";
import { onTerminal } from "../support/terminal.ts";
import { command, MAIN } from "./calling.ts";

const LABEL = "sea";
let gateway: FakeGateway;
let folder: Project;
let config: string;
beforeEach(async () => {
  gateway = fakeGateway();
  gateway.tokens.add(TOKEN);
  folder = await project();
  config = join(folder.path, "config.json");
  save({ backend_url: gateway.url, token: TOKEN, username: "alice", role: "user" });
});
afterEach(async () => {
  await gateway[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const save = (members: object) => writeFileSync(config, JSON.stringify(members), { mode: 0o600 });
const saved = () => JSON.parse(readFileSync(config, "utf8")) as Record<string, unknown>;

const session = (...args: string[]) =>
  command(["session", ...args], { env: { DYNOS_CONFIG_PATH: config } });

function put(members: Parameters<typeof record>[0], count: number, status = "running"): string {
  const made: ReturnType<typeof record> = { ...record(members, count), status };
  gateway.sessions.set(String(made.session_id), made);
  return String(made.session_id);
}

test("create makes a session as it was asked for, and the default", async () => {
  const { code, stdout } = await session(
    "create",
    "--label",
    LABEL,
    "--timeout",
    "12h",
    "--robot",
    "r",
  );
  expect(code).toBe(0);
  expect(gateway.bodies.at(-1)).toEqual({
    label: LABEL,
    timeout_s: 43_200,
    config: { robot: "r" },
  });
  const [id = ""] = gateway.sessions.keys();
  for (const part of [LABEL, id, "default", "robot r", "12h"]) expect(stdout).toContain(part);
  expect(saved()).toMatchObject({ default_session: id, token: TOKEN, username: "alice" });
  const json = await session("create", "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({ status: "running", timeout_s: 172_800 });
  expect(saved().default_session).toBe(JSON.parse(json.stdout).session_id);
});

test("create tells of a label that another session has", async () => {
  put({ label: LABEL }, 0);
  put({ label: "other" }, 1);
  const { code, stdout } = await session("create", "--label", LABEL);
  expect([code, gateway.sessions.size]).toEqual([0, 3]);
  expect(stdout).toContain("2 of yours have this label: name them by their ids");
  expect((await session("create", "--label", "third")).stdout).not.toContain("by their ids");
});

test("list shows them as a table, with the default marked", async () => {
  expect((await session("list")).stdout).toContain("agent session create");
  const id = put({ label: LABEL }, 1);
  put({ label: "dark\u001b[2J" }, 2, "dead");
  save({ ...saved(), default_session: id });
  const { stdout } = await session("list");
  const [headings, first = "", second = ""] = stdout.split("\n");
  expect(headings).toMatch(/^NAME +ID +STATUS +TIMEOUT +EXPIRES +DEFAULT$/);
  expect(first).toMatch(new RegExp(`^${LABEL} +${id} +running +2d +in 1d23h +\\*$`));
  expect(second).toMatch(/^dark\\x1b\[2J .* dead /);
  expect((await session("list", "--all")).stdout).toMatch(/^OWNER .*\nalice /);
  expect(gateway.heard.at(-1)).toBe("GET /sessions?all_=true");
  const json = JSON.parse((await session("list", "--json")).stdout);
  expect(json).toMatchObject({
    default_session: id,
    sessions: [{ label: LABEL }, { status: "dead" }],
  });
});

test("info, extend, reset, logs and stop take a label, an id, its beginning, or the default", async () => {
  const id = put({ label: LABEL, config: { robot: "r" } }, 1);
  save({ ...saved(), default_session: id });
  for (const name of [[LABEL], [id], [id.slice(0, 8)], []]) {
    expect((await session("info", ...name)).stdout, name.join()).toContain(
      `${LABEL} (${id}), your default`,
    );
  }
  expect(JSON.parse((await session("info", "--json")).stdout)).toMatchObject({ is_default: true });
  const extended = await session("extend", "--timeout", "30m");
  expect(extended.stdout).toContain("30m now; it was 2d");
  expect(gateway.bodies.at(-1)).toEqual({ timeout_s: 1_800 });
  expect((await session("reset", LABEL)).stdout).toContain("afresh");
  expect(gateway.heard).toContain(`POST /sessions/${id}/reset`);
  expect((await session("logs")).stdout).toBe("one\ntwo\u001b[2J\n");
  expect(JSON.parse((await session("logs", "--json")).stdout).logs).toStartWith("one");
  const stopped = await session("stop");
  expect(stopped.stdout).toContain("no default session now");
  expect([gateway.sessions.size, saved().default_session]).toEqual([0, undefined]);
});

test("a dead session is seen, reset and stopped, and not made the default", async () => {
  const id = put({ label: LABEL }, 1, "dead");
  save({ ...saved(), default_session: id });
  expect((await session("info")).stdout).toContain("agent session reset");
  const swap = await session("swap", LABEL);
  expect([swap.code, swap.stderr]).toEqual([1, expect.stringContaining("it is dead")]);
  expect((await session("reset")).code).toBe(0);
  expect((await session("swap", LABEL, "--json")).code).toBe(0);
  expect(gateway.sessions.get(id)?.status).toBe("running");
});

test("on a terminal that ids do not fit on, list shows as much of them as commands take", async () => {
  const id = put({ label: LABEL }, 1);
  const onTerminalOf = async (columns: number) => {
    const sized = ["sh", "-c", `stty cols ${columns} && exec "$@"`, "sh"];
    const env = { DYNOS_CONFIG_PATH: config, NO_COLOR: "1" };
    const person = onTerminal([...sized, process.execPath, MAIN, "session", "list"], env);
    expect(await person.exited).toBe(0);
    return person.shown();
  };
  expect(await onTerminalOf(100)).toContain(`${LABEL}   ${id}  running`);
  const narrow = await onTerminalOf(60);
  expect(narrow).toContain(`${LABEL}   ${id.slice(0, 8)}  running`);
  for (const line of narrow.split("\r\n")) expect(line.length).toBeLessThanOrEqual(60);
});

test("a label of several is refused with their ids, and no session is picked unasked", async () => {
  const ids = [put({ label: LABEL }, 1), put({ label: LABEL }, 2)];
  const ambiguous = await session("stop", LABEL);
  expect(ambiguous.code).toBe(2);
  for (const id of ids) expect(ambiguous.stderr).toContain(id);
  expect((await session("stop", "nobody")).code).toBe(1);
  for (const members of [saved(), { ...saved(), default_session: "gone" }]) {
    save(members);
    for (const name of ["info", "reset", "stop", "logs"]) {
      const { code, stderr } = await session(name);
      expect(code, name).toBe(2);
      for (const way of ["list", "swap NAME", "create"]) expect(stderr).toContain(`session ${way}`);
    }
  }
  expect(gateway.sessions.size).toBe(2);
  expect((await session("swap", ids[1]?.slice(0, 8) ?? "")).code).toBe(0);
  expect(saved().default_session).toBe(ids[1]);
  await session("stop", ids[0] ?? "");
  expect(saved().default_session).toBe(ids[1]); // another one was stopped
});

test("call --session takes a label, an id or its beginning; one that is not known asks no backend", async () => {
  const id = put({ label: LABEL }, 1);
  const asked = async (name: string) => {
    gateway.heard.length = 0;
    const env = { DYNOS_CONFIG_PATH: config };
    const { code, stderr } = await command(["call", "state", "--session", name], { env });
    return { code, stderr, asked: gateway.heard.filter((each) => each.includes("/s/")) };
  };
  for (const name of [LABEL, id.slice(0, 8), id]) {
    expect((await asked(name)).asked).toEqual([`GET /s/${id}/state`]);
  }
  expect(gateway.heard).toHaveLength(1); // a whole id is not looked up
  const wrong = await asked("see");
  expect([wrong.code, wrong.asked]).toEqual([1, []]);
  expect(wrong.stderr).toContain('nearest is "sea"');
  put({ label: LABEL }, 2);
  expect(await asked(LABEL)).toMatchObject({ code: 2, asked: [] });
});

test("without a session the way to choose one is the hint", async () => {
  const env = { DYNOS_CONFIG_PATH: config };
  const { code, stderr } = await command(["call", "state"], { env });
  expect([code, gateway.heard]).toEqual([2, []]);
  expect(stderr).toMatch(/hint: .*--session NAME.*agent session swap NAME/);
});

test("without a login, or with one that is over, it says to log in", async () => {
  gateway.tokens.clear();
  const over = await session("list");
  expect([over.code, over.stderr]).toEqual([77, expect.stringContaining("agent login")]);
  save({ backend_url: gateway.url });
  const none = await session("create");
  expect([none.code, none.stderr]).toEqual([77, expect.stringContaining("agent login URL")]);
});

test.each([
  "create --timeout 8d",
  "create --timeout 1w",
  "create --label=",
  "extend",
  "extend --timeout 0",
  "swap",
])("refuses %j before anybody is asked", async (line) => {
  expect((await session(...line.split(" "))).code).toBe(2);
  expect(gateway.heard).toEqual([]);
});

test("top at a gateway that tells no uses shows what it lists, an admin everybody's", async () => {
  put({ label: LABEL }, 1, "dead");
  const listed = () => gateway.heard.filter((each) => each.startsWith("GET /sessions"));
  const { code, stdout, stderr } = await session("top", "--once");
  expect([code, stderr]).toEqual([0, expect.stringContaining("no admin")]);
  expect(stdout).toMatch(
    /^1 session, 1 dead\nLABEL +OWNER .*\nsea +alice +dead +00000001 .* 8500\n$/,
  );
  expect(listed()).toEqual(["GET /sessions"]);
  save({ backend_url: gateway.url, token: TOKEN, username: "alice", role: "admin" });
  const admin = await session("top", "--json", "--once");
  expect(JSON.parse(admin.stdout)).toMatchObject({
    told: "records",
    totals: { count: 1, dead: 1 },
  });
  expect(listed()).toEqual(["GET /sessions", "GET /sessions?all_=true"]);
});

test("top ends when the login is over, and says how to go on", async () => {
  gateway.tokens.clear();
  const { code, stderr } = await session("top");
  expect([code, stderr]).toEqual([77, expect.stringContaining("agent login")]);
});
