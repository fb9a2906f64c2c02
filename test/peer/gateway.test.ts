// Goal: people with the public Python CLI, or with ours, find the gateway as they know it: logins, every session
// command, their own world and nobody else's, servants and missions, and what becomes of a session that ends.
// Method: one script, run by each client unmodified, over https with an authority made for the test, before the
// compiled `agent host --sessions`.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PEOPLE, RunningGateway } from "../support/gateway.ts";
import {
  type Client,
  ourClient,
  Person,
  processOf,
  publicClient,
} from "../support/gateway-clients.ts";
import { PATIENCE_MS, start } from "../support/running.ts";
import { onTerminal } from "../support/terminal.ts";

/** Python starts for each command; on a busy machine that takes seconds. */
const SLOW_MS = 180_000;

const ours = await ourClient();
const clients = [await publicClient("0.1.2"), await publicClient("0.2.2"), ours].filter(
  (client) => client !== undefined,
);
let gateway: RunningGateway;

async function until(holds: () => Promise<boolean>): Promise<void> {
  const lateAtMs = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > lateAtMs) throw new Error(`never: ${holds}`);
    await Bun.sleep(50);
  }
}

describe.skipIf(clients.length < 3)("a login of one program", () => {
  test(
    "is the other's, too; but not when others could read it",
    async () => {
      gateway = await RunningGateway.start();
      try {
        const [careless, careful] = clients as [Client, Client];
        const bob = new Person(careful, gateway, "bob");
        const ourBob = new Person(ours, gateway, "bob", bob.config);
        await bob.logIn("bob");
        await bob.does("session", "create", "--label", "theirs");
        await ourBob.does("call", "goal", "robot_at(room_two)");
        expect(await bob.does("call", "goal")).toContain("robot_at(room_two)");
        const { session_id } = await ourBob.create("--label", "ours");
        expect(await bob.does("session", "info")).toContain(session_id);
        await ourBob.logIn("bob");
        expect(await bob.does("session", "list")).toContain("theirs");
        await ourBob.does("logout");
        expect(await bob.fails("whoami")).toContain("Not logged in");
        const carol = new Person(careless, gateway, "carol"); // writes with the mask's mode
        await carol.logIn("carol");
        const refused = await new Person(ours, gateway, "carol", carol.config).fails("whoami");
        expect(refused).toContain(`chmod 600 ${carol.config}`);
      } finally {
        await gateway[Symbol.asyncDispose]();
      }
    },
    SLOW_MS,
  );
});

describe.each(clients)("$name", (client) => {
  beforeAll(async () => {
    gateway = await RunningGateway.start();
  }, PATIENCE_MS);
  afterAll(() => gateway[Symbol.asyncDispose]());

  test(
    "login, wrong and right, with a password that is typed and not shown",
    async () => {
      const bob = new Person(client, gateway, "bob");
      const wrong = ["login", "--to", gateway.url, "-u", "bob", "--password", "guess"];
      expect(await bob.fails(...wrong)).toContain("wrong name or password");
      expect(() => bob.saved).toThrow();
      const { password } = PEOPLE.bob;
      for (const typed of ["guess", password]) {
        const keyboard = onTerminal([...client.program, "login", "--to", gateway.url], bob.env);
        await keyboard.until(client.asks.name);
        keyboard.type("bob\r");
        await keyboard.until(client.asks.password);
        keyboard.type(`${typed}\r`);
        expect((await keyboard.exited) === 0).toBe(typed === password);
        expect(keyboard.shown()).not.toContain(typed);
      }
      expect(bob.saved).toMatchObject({ backend_url: gateway.url, username: "bob", role: "user" });
      expect(await bob.does("whoami")).not.toContain(bob.saved.token);
      expect(await bob.fails("call", "state")).toContain("session create");
    },
    SLOW_MS,
  );

  test(
    "hash-password makes an entry that lets somebody in",
    async () => {
      const dave = new Person(client, gateway, "dave");
      const args = ["--json", "dave", "--rounds", "4", "--role", "admin"];
      const keyboard = onTerminal([...client.program, "hash-password", ...args], dave.env);
      for (const question of ["Password", client.asks.again]) {
        await keyboard.until(question);
        keyboard.type("swördfish\r");
      }
      expect(await keyboard.exited).toBe(0);
      expect(keyboard.shown()).not.toContain("fish");
      const [, entry = ""] = /("dave"[\s\S]*\})/.exec(keyboard.shown()) ?? [];
      const file = JSON.parse(readFileSync(gateway.usersPath, "utf8")) as { users: object };
      const users = { ...file.users, ...(JSON.parse(`{${entry}}`) as object) };
      writeFileSync(gateway.usersPath, JSON.stringify({ users }));
      const login = ["login", "--to", gateway.url, "-u", "dave", "--password", "swördfish"];
      await until(async () => (await dave.run(...login)).code === 0);
      expect(dave.saved).toMatchObject({ username: "dave", role: "admin" });
    },
    SLOW_MS,
  );

  test(
    "a login that is over is told, with the way out",
    async () => {
      await using brief = await RunningGateway.start({ args: ["--token-max", "2s"] });
      const bob = new Person(client, brief, "bob");
      await bob.logIn("bob");
      await until(async () => (await bob.run("session", "list")).code !== 0);
      expect(await bob.fails("session", "create")).toContain("401");
      const copied = { ...bob.saved, default_session: crypto.randomUUID() };
      writeFileSync(bob.config, JSON.stringify(copied));
      expect(await bob.fails("call", "state")).toMatch(/log ?in/i);
    },
    SLOW_MS,
  );

  test(
    "every session command",
    async () => {
      const carol = new Person(client, gateway, "carol");
      await carol.logIn("carol");
      const sea = await carol.create(
        "--label",
        "sea",
        "--timeout",
        "12h",
        "--robot",
        "sentry-mock",
      );
      expect(sea).toMatchObject({
        label: "sea",
        timeout_s: 43_200,
        config: { robot: "sentry-mock" },
        owner_username: "carol",
        status: "running",
      });
      const lab = await carol.create();
      expect(lab.timeout_s).toBe(172_800);
      expect(lab.label).toMatch(/^\w+-\w+$/);
      const [list, info, infoOfSea] = await Promise.all([
        carol.does("session", "list"),
        carol.does("session", "info"),
        carol.does("session", "info", "sea"),
      ]);
      for (const { session_id, label } of [sea, lab]) {
        expect(list).toContain(session_id);
        expect(list).toContain(label ?? "?");
      }
      expect(info).toContain(lab.session_id);
      expect(infoOfSea).toContain("sentry-mock");
      const [, , tooLong, noRobot] = await Promise.all([
        carol.does("session", "extend", "sea", "--timeout", "4d"),
        carol.does("session", "extend", "--timeout", "30m"),
        carol.fails("session", "extend", "--timeout", "8d"),
        carol.fails("session", "create", "--robot", "nobody"),
      ]);
      expect(tooLong).toMatch(/604800|7d/);
      expect(noRobot).toContain("sentry-mock");
      expect((await carol.record(sea.session_id)).timeout_s).toBe(345_600);
      expect((await carol.record(lab.session_id)).timeout_s).toBe(1_800);
      await carol.does("session", "swap", "sea");
      expect(carol.saved.default_session).toBe(sea.session_id);
      const twin = await carol.create("--label", "sea");
      const ambiguous = await carol.fails("session", "stop", "sea");
      for (const { session_id } of [sea, twin]) expect(ambiguous).toContain(session_id);
      await carol.does("session", "stop");
      expect(carol.saved.default_session ?? null).toBeNull();
      await carol.fails("session", "info");
      await Promise.all(
        [sea, lab].map(({ session_id }) => carol.does("session", "stop", session_id)),
      );
      expect(await carol.does("session", "list")).not.toContain(sea.session_id);
    },
    SLOW_MS,
  );

  test(
    "two people have two worlds; an admin sees both",
    async () => {
      const [alice, bob, carol] = (["alice", "bob", "carol"] as const).map(
        (name) => new Person(client, gateway, name),
      ) as [Person, Person, Person];
      await Promise.all([alice.logIn("alice"), bob.logIn("bob"), carol.logIn("carol")]);
      const [his, hers] = await Promise.all([bob.create(), carol.create()]);
      await bob.does("call", "goal", "robot_at(room_two)");
      expect(await bob.does("call", "goal")).toContain("robot_at(room_two)");
      expect(await carol.does("call", "goal")).not.toContain("robot_at");
      expect(await bob.does("session", "list")).not.toContain(hers.session_id);
      const stranger = `${his.session_id}/../${hers.session_id}`;
      await Promise.all([
        ...[["info"], ["stop"], ["reset"], ["extend", "--timeout", "1d"]].map((what) =>
          bob.fails("session", ...what, hers.session_id),
        ),
        bob.fails("call", "state", "--session", hers.session_id),
        bob.fails("call", "state", "--session", stranger),
        bob.fails("session", "list", "--all"),
      ]);
      expect(processOf(hers)).toBeGreaterThan(0); // it was not stopped
      const everybodys = await alice.does("session", "list", "--all");
      for (const { session_id } of [his, hers]) expect(everybodys).toContain(session_id);
      await Promise.all([bob.does("session", "stop"), carol.does("session", "stop")]);
    },
    SLOW_MS,
  );

  test(
    "a servant and a mission go through the gateway",
    async () => {
      const bob = new Person(client, gateway, "bob");
      await bob.logIn("bob");
      await bob.create();
      const robot = bob.start("connect", client.robot);
      await robot.until(client.isConnected);
      await bob.does("call", "goal", "box_at(room_two, box_a)");
      if (client.script === undefined) {
        const mission = join(gateway.folder, "tidy.json");
        const blocks = [{ type: "plan", goal: ["box_at(room_two, box_a)"] }];
        writeFileSync(mission, JSON.stringify({ name: "tidy", blocks }));
        await bob.does("call", "mission", "save", mission);
        const results = await bob.does("call", "mission", "execute", "tidy", "--json");
        expect(results).not.toContain('"success": false');
        expect(await bob.does("call", "state")).toContain("box_at(room_two, box_a)");
      } else {
        const script = start([...client.script], bob.env);
        expect([await script.exited, script.output()]).toEqual([0, script.output()]);
        const done = JSON.parse(script.output().trim().split("\n").at(-1) ?? "");
        expect(done).toMatchObject({ results: [{ success: true }], own: { after: [] } });
        expect(done.own.before).toHaveLength(1);
        expect(JSON.stringify(done.state)).toContain("room_two");
      }
      robot.kill();
      expect(await robot.exited).toBe(0);
      await bob.does("session", "stop");
    },
    SLOW_MS,
  );

  test(
    "a session that was idle for too long is gone, and the client says so",
    async () => {
      const bob = new Person(client, gateway, "bob");
      await bob.logIn("bob");
      const { session_id } = await bob.create("--timeout", "1s");
      await until(async () => !(await bob.does("session", "list")).includes(session_id));
      await bob.fails("call", "state");
      expect(await bob.fails("session", "info")).toContain("session create");
    },
    SLOW_MS,
  );

  test(
    "a session whose process was killed is dead until it is reset",
    async () => {
      const bob = new Person(client, gateway, "bob");
      await bob.logIn("bob");
      const session = await bob.create("--label", "frail");
      await bob.does("call", "goal", "robot_at(room_two)");
      process.kill(processOf(session), "SIGKILL");
      await until(async () => (await bob.record(session.session_id)).status === "dead");
      expect(await bob.does("session", "list")).toContain("dead");
      expect(await bob.fails("call", "state")).toMatch(/session reset/);
      await bob.does("session", "reset", "frail");
      expect(await bob.record(session.session_id)).toMatchObject({
        status: "running",
        url: session.url,
      });
      expect(await bob.does("call", "goal")).not.toContain("robot_at");
      await bob.does("session", "stop", "frail");
    },
    SLOW_MS,
  );

  test(
    "a logout revokes the token, also where it was copied to",
    async () => {
      const [bob, thief] = [
        new Person(client, gateway, "bob"),
        new Person(client, gateway, "copy"),
      ];
      await bob.logIn("bob");
      const { session_id } = await bob.create();
      copyFileSync(bob.config, thief.config);
      await thief.does("call", "state");
      await bob.does("logout");
      expect(bob.saved).toEqual({ backend_url: gateway.url });
      expect(await thief.fails("call", "state")).toMatch(/log ?in/i);
      expect(await thief.fails("session", "list")).toContain("401");
      expect(await bob.fails("session", "list")).toMatch(/log(?:ged)? ?in/i);
      await bob.logIn("bob");
      await bob.does("session", "stop", session_id);
    },
    SLOW_MS,
  );
});
