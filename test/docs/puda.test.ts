// Goal: who follows docs/puda.md gets what it says. Method: its files and commands are played as a
// newcomer does it, in an empty folder, with the compiled program and a real NATS server; its tables are
// compared with what the program has.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NatsLink } from "../../src/nats/connect.ts";
import { natsTarget } from "../../src/nats/target.ts";
import { CommandService } from "../../src/puda/index.ts";
import { RESPONSE_CODES } from "../../src/wire/puda.ts";
import { deliveryOf, Follower, offer } from "../contract/dialects/dialect.ts";
import { adapterTo } from "../contract/dialects/puda.ts";
import { agent, ensureBinary, root } from "../support/binary.ts";
import { throwAwayCertificates } from "../support/certificates.ts";
import { type NatsOptions, natsServer, RunningNats } from "../support/nats.ts";
import { type Running, start } from "../support/running.ts";

const page = readFileSync(join(root, "docs", "puda.md"), "utf8");
const section = (title: string) => page.split(`\n## ${title}\n`)[1]?.split("\n## ")[0] ?? "";
const blocks = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(
    ([, block = ""]) => block,
  );
const program = await natsServer();

describe.skipIf(program === undefined)("five minutes", () => {
  const text = section("Five minutes");
  const [configuration = ""] = blocks(text, "conf");
  const [batch = ""] = blocks(text, "json");
  const lines = blocks(text, "sh").join("").split("\n");
  const commands = lines.filter((line) => line.startsWith("agent puda "));
  const folder = mkdtempSync(join(tmpdir(), "newcomer-"));
  let server: Running;
  let machine: Running;
  let env: Record<string, string>;

  beforeAll(async () => {
    writeFileSync(join(folder, "nats.conf"), configuration.replace(":4222", ":-1"));
    writeFileSync(join(folder, "batch.json"), batch);
    cpSync(join(root, "plugins", "balance.ts"), join(folder, "plugins", "balance.ts"));
    server = start(["sh", "-c", `cd "${folder}" && exec "${program}" -c nats.conf`]);
    const [, port = ""] = await server.until(/client connections on [\d.]+:(\d+)[\s\S]*ready/);
    const url = `nats://127.0.0.1:${port}`;
    env = { NATS_SERVERS: url, HOME: folder, XDG_STATE_HOME: "", STATE_DIRECTORY: "" };
    const connect = lines.find((line) => line.startsWith("agent connect")) ?? "";
    const words = connect.replace("nats://127.0.0.1:4222", url).split(" ").slice(1);
    const binary = await ensureBinary();
    const command = [binary, ...words, "--no-local"].map((word) => `'${word}'`).join(" ");
    machine = start(["sh", "-c", `cd "${folder}" && exec ${command}`], env);
    await machine.until(/registered as servant balance/);
  }, 60_000);
  afterAll(async () => {
    machine?.kill();
    await machine?.exited;
    server?.kill();
    await server?.exited;
    rmSync(folder, { recursive: true });
  });

  /** Plays one line; its comment says what is to be seen. */
  const play = async (line: string) => {
    const [command = "", promised = ""] = line.split("#").map((part) => part.trim());
    const words = command.split(/\s+/).slice(1);
    return { ...(await agent(words, { env, cwd: folder })), promised };
  };

  for (const line of commands.filter((each) => !each.includes("watch"))) {
    test(line, async () => {
      const { code, stdout, stderr, promised } = await play(line);
      expect([code, stderr]).toEqual([0, ""]);
      if (!promised.startsWith("{")) return;
      const shown = JSON.parse(promised) as { mass_g: number; stable: boolean };
      const got = JSON.parse(/\{.*\}/.exec(stdout)?.[0] ?? "null") as typeof shown;
      // Its noise is half a milligram.
      expect(got.mass_g).toBeCloseTo(shown.mass_g, 2);
      expect(Object.keys(got)).toEqual(Object.keys(shown));
    }, 30_000);
  }

  test("the list that is carried out weighs what was added since the tare", async () => {
    const { stdout } = await play("agent puda run batch.json");
    expect(stdout).toMatch(/✓ balance tare\(\)[\s\S]*✓ balance load[\s\S]*✓ balance weigh/);
  }, 30_000);

  test("agent puda watch shows what the balance measures", async () => {
    const watching = start([await ensureBinary(), "puda", "watch"], env);
    await watching.until(/balance {2}weight {2}mass_g=/);
    watching.kill("SIGINT");
    await watching.exited;
  }, 30_000);

  test("the page's commands are those that are played here", () => {
    expect(commands.length).toBeGreaterThanOrEqual(6);
    const others = lines.filter((line) => line !== "" && !line.startsWith("agent puda "));
    expect(others.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "python3 -m",
      "nats-server -c",
      "agent connect",
    ]);
  });
});

describe.skipIf(program === undefined)("logins", () => {
  const secret = "it's a secret";
  const folder = mkdtempSync(join(tmpdir(), "logins-"));
  const keyFile = join(folder, "lab.key");
  const certificates = throwAwayCertificates();
  const text = section("Logins, TLS and the lab's key");
  beforeAll(() => writeFileSync(keyFile, blocks(text, "text")[0] ?? ""));
  afterAll(() => {
    certificates[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  });

  const ways: [string, NatsOptions, string[], Record<string, string>][] = [
    [
      "user and password",
      { login: { user: "ana", password: secret } },
      ["--nats-user", "ana"],
      { NATS_PASSWORD: secret },
    ],
    ["a token", { login: { token: secret } }, [], { NATS_TOKEN: secret }],
    ["a private authority", { tls: certificates }, ["--nats-ca", certificates.ca], {}],
    ["a lab's key", {}, ["--payload-key", keyFile], {}],
  ];
  for (const [name, options, args, env] of ways) {
    test(`${name} is taken by the machine and by who commands it, and nobody goes without`, async () => {
      await using server = await RunningNats.start(program ?? "", options);
      const binary = await ensureBinary();
      const state = ["--state-dir", join(folder, name.replaceAll(" ", "-")), "--no-local"];
      const plugin = ["connect", join(root, "plugins", "balance.ts:Balance")];
      const to = ["--to", server.url];
      const machine = start(
        [binary, ...plugin, ...to, "--machine-id", "b", ...args, ...state],
        env,
      );
      await machine.until(/registered as servant b/);
      const ping = ["puda", "ping", "b", ...to, "--timeout", "3"];
      expect(await agent([...ping, ...args], { env })).toMatchObject({ code: 0 });
      expect((await agent(ping)).code).not.toBe(0);
      machine.kill();
      await machine.exited;
    }, 40_000);
    for (const word of [...args, ...Object.keys(env)].filter((each) => /^--|^NATS_/.test(each))) {
      test(`${word} is on the page`, () => expect(text).toContain(`${word}`));
    }
  }
});

describe.skipIf(program === undefined)("the permissions of a shared server", () => {
  const [more = ""] = blocks(section("A shared server"), "conf");
  let server: RunningNats;
  beforeAll(async () => {
    server = await RunningNats.start(program ?? "", { more });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  const login = (user: string, secret: string) => ({ user, password: `${secret}'s secret` });
  const balance = login("balance", "balance");
  const open = (id: string) => adapterTo(server.port, id, balance);

  test("a machine does all of its work with its own", async () => {
    const { backend, close } = await open("balance");
    const follower = (await new Follower(backend).register()).follow();
    await using commander = await CommandService.connect({
      servers: [server.url],
      ...login("lab", "commander"),
    });
    expect((await commander.ping("balance")).pong.machine_id).toBe("balance");
    const runId = await commander.startRun(["balance"]);
    const command = { machine: "balance", name: "move", runId, step: 1 };
    const answer = commander.sendQueueCommand(command);
    await backend.deliver(deliveryOf(await follower.assigned()), new AbortController().signal);
    expect(await answer).toMatchObject({ isSuccess: true });
    await commander.completeRun(runId);
    const paused = commander.sendImmediateCommand({ machine: "balance", name: "pause", runId });
    expect(await paused).toMatchObject({ isSuccess: true });
    await follower.stop();
    await close();
    // With a consumer of the same name there already, and the lease given back.
    const again = await open("balance");
    await new Follower(again.backend).register();
    await again.close();
    expect(server.output).not.toContain("Violation");
  }, 30_000);

  test("and nothing with another's", async () => {
    const { backend, close } = await open("pipettor");
    const failure = await backend.register(offer, AbortSignal.timeout(20_000)).catch((c) => c);
    expect(failure).toMatchObject({ code: "nats.forbidden", kind: "auth" });
    await close();
    const link = new NatsLink(
      natsTarget({ servers: [server.url], ...balance }, {}),
      "thief",
      "_INBOX.balance",
    );
    await link.open();
    for (const subject of ["puda.pipettor.>", "puda.*.cmd.queue", "_INBOX.>"]) {
      link.subscribe(subject, () => {});
    }
    const consumer = "$JS.API.CONSUMER.CREATE.COMMAND_QUEUE";
    const subjects = [
      "puda.pipettor.cmd.queue",
      "puda.balance.cmd.queue",
      "puda.pipettor.cmd.response.queue",
      "$KV.MACHINE_STATE.pipettor",
      "$JS.API.STREAM.DELETE.COMMAND_QUEUE",
      "$JS.API.STREAM.PURGE.COMMAND_QUEUE",
      "$JS.API.STREAM.MSG.GET.COMMAND_QUEUE",
      "$JS.API.CONSUMER.DELETE.COMMAND_QUEUE.cmd_queue_pipettor",
      consumer,
      `${consumer}.cmd_queue_balance`,
      `${consumer}.mine.puda.pipettor.cmd.queue`,
    ];
    for (const subject of subjects) {
      const asked = link.request(subject, "{}").catch((cause: unknown) => cause);
      expect(await asked, subject).toMatchObject({ code: "nats.forbidden" });
    }
    // What it may make is its own consumer, and no other one under that name.
    const filter = { ack_policy: "explicit", filter_subject: "puda.pipettor.cmd.queue" };
    const config = { durable_name: "cmd_queue_balance", ...filter };
    const made = await link.request(
      `${consumer}.cmd_queue_balance.puda.balance.cmd.queue`,
      JSON.stringify({ stream_name: "COMMAND_QUEUE", config }),
    );
    expect(new TextDecoder().decode(made.data)).toContain('"error"');
    await link.close();
  }, 30_000);
});

test.skipIf(program === undefined)(
  "two laboratories with an account each have a balance each",
  async () => {
    const [, more = ""] = blocks(section("A shared server"), "conf");
    await using server = await RunningNats.start(program ?? "", { more });
    const logins = ["north", "south"].map((user) => ({ user, password: `${user}'s secret` }));
    const machines = await Promise.all(
      logins.map((each) => adapterTo(server.port, "balance", each)),
    );
    for (const { backend } of machines) await new Follower(backend).register();
    for (const login of logins) {
      await using commander = await CommandService.connect({ servers: [server.url], ...login });
      expect(await commander.pingFleet()).toMatchObject([{ pong: { machine_id: "balance" } }]);
    }
    await Promise.all(machines.map(({ close }) => close()));
  },
  30_000,
);

test.skipIf(Bun.which("systemd-analyze") === null)("systemd takes the service as it stands", () => {
  const [unit = ""] = blocks(section("As a service"), "ini");
  const folder = mkdtempSync(join(tmpdir(), "unit-"));
  const file = join(folder, "balance.service");
  writeFileSync(file, unit.replace("/usr/local/bin/agent", process.execPath));
  const { exitCode, stderr } = Bun.spawnSync(["systemd-analyze", "verify", file]);
  rmSync(folder, { recursive: true });
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);
});

test("every option of a PUDA machine is on the page, and no other", async () => {
  const { stdout } = await agent(["connect", "--help"]);
  const [, own = ""] = stdout.split("Options of a PUDA machine");
  const options = [...(own.split("\n\n")[0] ?? "").matchAll(/^ +(--[a-z-]+)/gm)].map(
    ([, name = ""]) => name,
  );
  expect(options.length).toBeGreaterThan(6);
  expect(options.filter((name) => !page.includes(`\`${name}`))).toEqual([]);
  const named = [...section("The machine").matchAll(/^\| `(--[a-z-]+)/gm)].map(([, name]) => name);
  expect(named.filter((name) => name !== undefined && !stdout.includes(name))).toEqual([]);
});

test("the page has every code, and no other", () => {
  const rows = section("Answers")
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  const codes = rows.flatMap((row) => row.split("|")[1]?.match(/[A-Z_]{5,}/g) ?? []);
  expect(codes.sort()).toEqual([...RESPONSE_CODES].sort());
});

test("what the page says is seen is what the program says", () => {
  const rows = section("When something is wrong")
    .split("\n")
    .filter((line) => line.startsWith("| "));
  const texts = rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text),
  );
  const source = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => readFileSync(join(root, "src", path), "utf8"))
    .join("\n");
  // What the server says itself, or what is made of several parts.
  const theirs = /^(Authorization|Permissions) Violation$|\.\.\.|^Cannot send the result/;
  const own = texts.filter((text) => text.length > 8 && !theirs.test(text));
  expect(own.length).toBeGreaterThan(8);
  expect(own.filter((text) => !source.includes(text))).toEqual([]);
});

test("every page that it links to is there", () => {
  const links = [...page.matchAll(/\]\(([^)#]+\.md)/g)].map(([, path = ""]) => path);
  expect(links.filter((path) => !existsSync(join(root, "docs", path)))).toEqual([]);
});
