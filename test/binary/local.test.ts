// Goal: the door of a running agent tells and does what it promises, and what no stranger or browser
// may learn leaves the agent nowhere. Method: the compiled program with a backend of the test's, its
// own commands, and requests as programs and browsers send them.
import { expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { systemClock } from "../../src/system/clock.ts";
import { openLogFiles } from "../../src/system/log-files.ts";
import { REST_MS } from "../../src/system/thrift.ts";
import { AssignmentPage, AssignmentStory, Status } from "../../src/wire/local.ts";
import { ensureBinary } from "../support/binary.ts";

import { LocalScene } from "../support/local-agent.ts";
import { Folder, RunningServant } from "../support/servant.ts";
import { ServantScene } from "../support/servant-scene.ts";
import { StreamClient } from "../support/stream-client.ts";

test("status, story and metrics tell of an assignment while it runs and after", async () => {
  await using scene = await LocalScene.open();
  const { peer } = scene;
  peer.assign("a1", { do: "until cancelled, then fail" });
  await peer.until("it runs", () => scene.folder.effects().length > 0);
  const running = Status.parse(await scene.status());
  expect(running).toMatchObject({ state: "ready", link: { state: "up", registrations: 1 } });
  expect(running.inHand).toMatchObject([{ auditId: "a1", phase: "started", kind: "action" }]);
  expect(running.child.pid).toBeGreaterThan(0);
  const screen = await scene.run("status");
  expect(screen).toMatchObject({ code: 0, err: "" });
  expect(screen.out).toMatch(/^ready {2}agent \d+/);
  expect(screen.out).toContain("[a1]");

  expect(await scene.run("cancel", "a1", "--reason", "in the way")).toMatchObject({ code: 0 });
  expect(await peer.result("a1")).toMatchObject({ success: false });
  await peer.until("it is delivered", () => scene.servant.events("result.delivered").length === 1);
  const story = AssignmentStory.parse(await (await scene.ask("/v1/assignments/a1")).json());
  expect(story).toMatchObject({ phase: "delivered", cancelled: "in the way", success: false });
  expect(story.facts.map(({ type }) => type)).toEqual([
    ...["accepted", "started", "cancelled", "finished", "delivered"],
  ]);
  const page = async (query: string) =>
    AssignmentPage.parse(await (await scene.ask(`/v1/assignments${query}`)).json()).assignments;
  // A delivery is committed along with what comes next, or a moment later.
  while ((await page("?state=closed")).length === 0) await Bun.sleep(20);
  expect(await page("?state=unfinished")).toEqual([]);
  expect(await page("")).toMatchObject([
    { auditId: "a1", what: "work(until cancelled, then fail)" },
  ]);
  const metrics = await (await scene.ask("/metrics")).text();
  expect(metrics).toContain('agent_assignments_total{outcome="failed"} 1\n');
  expect(metrics).toContain("agent_assignments_cancelled_total 1\n");
  expect(metrics).toMatch(/agent_poll_duration_seconds_count [1-9]/);

  const again = await scene.run("cancel", "a1");
  expect([again.code, again.err]).toEqual([1, expect.stringContaining("it is delivered")]);
  const unknown = await scene.run("cancel", "a2");
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining("never came")]);
});

test("pages of assignments are newest first and whole", async () => {
  await using scene = await LocalScene.open();
  for (let n = 1; n <= 25; n++) scene.peer.assign(`a${n}`);
  await scene.peer.until("all are taken", () => scene.peer.taken.length === 25);
  const seen: string[] = [];
  for (let before: number | undefined, first = true; first || before !== undefined; first = false) {
    const query = before === undefined ? "" : `&before=${before}`;
    const answer = await scene.ask(`/v1/assignments?limit=10${query}`);
    const page = AssignmentPage.parse(await answer.json());
    seen.push(...page.assignments.map(({ auditId }) => auditId));
    before = page.next;
  }
  expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => `a${25 - n}`));
});

test("pause, resume and drain act as the signals do; readiness follows", async () => {
  await using scene = await LocalScene.open();
  const ready = async () => (await fetch(`${scene.url}/ready`)).status;
  const post = (path: string) => scene.ask(path, { method: "POST" });
  await scene.peer.until("it polls", () => scene.peer.requests("/next_assignment").length > 0);
  expect(await ready()).toBe(200);
  expect((await post("/v1/pause")).status).toBe(200);
  expect(await ready()).toBe(503);
  expect(await scene.status()).toMatchObject({ state: "paused", paused: "asked to by a person" });
  expect(JSON.parse((await scene.run("pause", "--json")).out)).toMatchObject({ paused: true });
  expect((await post("/v1/resume")).status).toBe(200);
  expect(await ready()).toBe(200);
  expect((await scene.run("drain")).out).toMatch(/^agent \d+ stops: 0 in hand, 0 results to go\n$/);
  expect(await scene.servant.ended()).toBe(0);
  expect(existsSync(join(scene.folder.state, "local.json"))).toBe(false);
});

test("commands say where they looked when no agent runs, or it has no door", async () => {
  await using scene = await LocalScene.open();
  await scene.servant.stop();
  for (const command of [["status"], ["open"], ["drain"], ["cancel", "a1"], ["logs", "-f"]]) {
    const { code, err, out } = await scene.run(...command);
    expect([code, out, err], command[0]).toEqual([1, "", expect.stringContaining("none runs")]);
    expect(err).toContain(scene.folder.state);
  }
  const servant = await scene.launch({ args: ["--no-local"] });
  await scene.peer.until("it runs", () => servant.events("servant.registered").length === 1);
  const { code, err } = await scene.run("status");
  expect([code, err]).toEqual([1, expect.stringContaining("no local door")]);
  // The log is written a moment after it is said.
  while (!(await scene.run("logs")).out.includes("registered as servant")) await Bun.sleep(20);
  expect(await servant.stop()).toBe(0);
});

test("an agent that is stuck is said to be, and its log is read from the disk", async () => {
  await using scene = await LocalScene.open();
  // The log is written a moment after it is said.
  const registered = "registered as servant";
  const folder = join(scene.folder.state, "log");
  const isWritten = () =>
    readdirSync(folder).some((name) =>
      readFileSync(join(folder, name), "utf8").includes(registered),
    );
  while (!isWritten()) await Bun.sleep(20);
  process.kill(scene.servant.process.pid, "SIGSTOP");
  try {
    const { code, err, out } = await scene.run("logs");
    expect([code, err]).toEqual([0, expect.stringContaining("does not answer")]);
    expect(out).toContain(registered);
    const status = await scene.run("status");
    expect([status.code, status.out]).toEqual([1, ""]);
    expect(status.err).toContain("Cannot reach the local door");
    expect(status.err).toContain("its process");
  } finally {
    process.kill(scene.servant.process.pid, "SIGCONT");
  }
  expect((await scene.run("status")).code).toBe(0);
});

test("a taken default port makes it take another and say so, an asked one ends it", async () => {
  await using scene = new ServantScene();
  // Whoever has the default port: this test, or somebody else.
  using taken = takePort(8422);
  const servant = await scene.connect();
  const [opened] = servant.events("door.opened");
  expect(opened?.message).toMatch(/^local door on http:\/\/127\.0\.0\.1:\d+, its port is taken$/);
  expect(opened?.message).not.toContain(":8422,");
  expect(await servant.stop()).toBe(0);

  const args = ["--port", String(taken.port)];
  const refused = await scene.launch({ args });
  expect(await refused.ended()).toBe(1);
  expect(refused.stray.join("\n")).toContain(`127.0.0.1:${taken.port}: it is taken`);
});

test("beyond loopback it refuses to start without TLS; places that exclude each other too", async () => {
  await using scene = new ServantScene();
  const refusals: [string[], string][] = [
    [["--bind", "0.0.0.0"], "without TLS"],
    [["--bind", "::"], "without TLS"],
    [["--bind", "127.1"], "without TLS"],
    [["--bind", "0.0.0.0", "--tls-cert", "/nowhere"], "certificate and key"],
    [["--tls-cert", "/nowhere", "--tls-key", "/nowhere"], "/nowhere"],
    [["--no-local", "--port", "0"], "--no-local together with --port"],
    [["--local", "unix:/x", "--bind", "::1"], "--local together with --bind"],
    [["--local", "tcp:1"], "unix:PATH"],
  ];
  for (const [args, why] of refusals) {
    const servant = await scene.launch({ args });
    expect(await servant.ended(), args.join(" ")).toBe(2);
    expect(servant.stray.join("\n"), args.join(" ")).toContain(why);
  }
  expect(scene.peer.requests("/servant/register")).toEqual([]);
});

test("a socket file is its owner's alone, and one that a kill left is taken over", async () => {
  using place = new Folder();
  const socket = join(place.path, "door.sock");
  await using scene = await LocalScene.open("--local", `unix:${socket}`);
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  expect(scene.place()).toEqual({ socket, pid: scene.servant.process.pid });
  expect((await scene.run("status")).out).toStartWith("ready");
  const over = (path: string, headers = {}) =>
    fetch(`http://localhost${path}`, { unix: socket, headers });
  expect((await over("/health")).status).toBe(200);
  expect((await over("/v1/status")).status).toBe(401);
  const second = await RunningServant.start(scene.peer.url, place, {
    args: ["--local", `unix:${socket}`],
  });
  expect(await second.ended()).toBe(1);
  expect(second.stray.join("\n")).toContain("it is taken");
  // By another name of its folder it is the same one.
  const link = join(place.path, "link");
  symlinkSync(place.path, link);
  const other = await RunningServant.start(scene.peer.url, place, {
    args: ["--local", `unix:${join(link, "door.sock")}`],
  });
  expect(await other.ended()).toBe(1);
  expect((await scene.run("status")).out).toStartWith("ready");
  await scene.servant.stop("SIGKILL");
  await scene.start("--local", `unix:${socket}`);
  expect((await scene.run("status")).code).toBe(0);
  await scene.servant.stop();
  expect(existsSync(socket)).toBe(false);
  writeFileSync(socket, "somebody's");
  const third = await RunningServant.start(scene.peer.url, place, {
    args: ["--local", `unix:${socket}`],
  });
  expect(await third.ended()).toBe(2);
  expect(readFileSync(socket, "utf8")).toBe("somebody's");
});

test("the token is kept over restarts, never readable by others, and made anew when it is none", async () => {
  await using scene = await LocalScene.open();
  const path = join(scene.folder.state, "token");
  const { token } = scene;
  expect(token.length).toBeGreaterThanOrEqual(43);
  await scene.servant.stop();
  chmodSync(path, 0o644);
  await scene.start();
  expect([scene.token, statSync(path).mode & 0o777]).toEqual([token, 0o600]);
  await scene.servant.stop();
  for (const torn of ["", "short", "with spaces in it, which no header can hold, ever"]) {
    writeFileSync(path, torn);
    await scene.start();
    expect([torn, token]).not.toContain(scene.token);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await scene.servant.stop();
  }
});

test("what is in the token's place and is none is left as it is, and the agent works without a door", async () => {
  const kinds: [string, (path: string) => void][] = [
    ["a folder", (path) => mkdirSync(path, { mode: 0o755 })],
    ["a link", (path) => symlinkSync("/etc/hostname", path)],
    ["a pipe", (path) => Bun.spawnSync(["mkfifo", "-m", "644", path])],
  ];
  for (const [kind, make] of kinds) {
    await using scene = new ServantScene();
    const path = join(scene.folder.state, "token");
    mkdirSync(scene.folder.state, { recursive: true });
    make(path);
    const { mode } = lstatSync(path);
    const servant = await scene.connect();
    expect(servant.events("door.trouble")[0]?.message, kind).toContain("Cannot keep a secret");
    expect(lstatSync(path).mode, kind).toBe(mode);
    expect(await servant.stop()).toBe(0);
    const wished = await scene.launch({ args: ["--port", "0"] });
    expect(await wished.ended(), kind).toBe(1);
  }
});

test("a browser comes in once by a link and stays in over a restart of the agent", async () => {
  await using scene = await LocalScene.open();
  const port = new URL(scene.url).port;
  const { out } = await scene.run("open");
  const { cookie, key } = await enter(out.trim());
  expect(cookie).toStartWith(`agent-session-${port}=`);
  expect((await fetch(out.trim())).status).toBe(401);
  const headers = { Cookie: cookie, "Agent-Page-Key": key, Origin: scene.url };
  const asPage = () => fetch(`${scene.url}/v1/status`, { headers });
  expect((await asPage()).status).toBe(200);
  await scene.servant.stop();
  await scene.start("--port", port);
  expect((await asPage()).status).toBe(200);
});

test("neither token nor link nor cookie is written anywhere but where it belongs", async () => {
  await using scene = await LocalScene.open();
  const { out } = await scene.run("open", "--json");
  const { url } = JSON.parse(out) as { url: string };
  const code = new URL(url).searchParams.get("code") ?? "";
  const entered = await enter(url);
  const [, cookie = ""] = entered.cookie.split("=");
  const { key } = entered;
  const wrong = "a-wrong-token-that-somebody-tried-0123456789";
  for (const secret of [scene.token, cookie, key, code, wrong]) {
    // In every place of a request where something might find it worth a word.
    const headers = {
      Authorization: `Bearer ${secret}`,
      Cookie: `x=${secret}`,
      "Agent-Page-Key": secret,
      "Sec-WebSocket-Protocol": `agent.page-key.${secret}`,
      Origin: "https://x",
    };
    await fetch(`${scene.url}/v1/status`, { headers });
    await fetch(`${scene.url}/v1/${secret}?token=${secret}`, { headers });
    await fetch(`${scene.url}/v1/stream?token=${secret}`, { headers });
  }
  scene.peer.assign("a1");
  await scene.peer.result("a1");
  await scene.run("status");
  const log = await (await scene.ask("/v1/logs")).text();
  const metrics = await (await scene.ask("/metrics")).text();
  await scene.run("drain");
  expect(await scene.servant.ended()).toBe(0);
  const offline = await scene.run("logs", "--json");
  const output = JSON.stringify([scene.servant.lines, scene.servant.stray]);
  const files = scene.files().filter(({ name }) => name !== "state/token");
  const places = { log, metrics, offline: JSON.stringify(offline), output, effects: "" };
  const received = JSON.stringify(
    scene.peer.received.map(({ headers, ...rest }) => [rest, [...headers]]),
  );
  for (const secret of [scene.token, cookie, key, code, wrong]) {
    expect(secret.length).toBeGreaterThan(30);
    for (const [name, text] of Object.entries({ ...places, received })) {
      expect(text.includes(secret), name).toBe(false);
    }
    for (const { name, text } of files) expect(text.includes(secret), name).toBe(false);
  }
  for (const { name, mode } of scene.files().filter((file) => file.name.startsWith("state/"))) {
    expect(mode & 0o077, name).toBe(0);
  }
});

test("secrets that a plugin prints are told nowhere, only its result has what it returned", async () => {
  await using scene = await LocalScene.open();
  using reader = new StreamClient(
    `${scene.url.replace("http:", "ws:")}/v1/stream?since=0`,
    undefined,
    scene.token,
  );
  scene.peer.assign("a1", { do: "tell secrets" });
  expect(await scene.peer.result("a1")).toMatchObject({ telemetry: { clientSecret: "hidden-10" } });
  // A plugin may read the token's file: it is masked wherever it says it.
  scene.peer.assign("a2", { do: scene.token });
  await scene.peer.result("a2");
  const delivered = (messages: string[]) => messages.filter((each) => each === "result delivered");
  await reader.until(({ messages }) => delivered(messages).length === 2);
  const log = await (await scene.ask("/v1/logs")).text();
  const status = JSON.stringify(await scene.status());
  expect(await scene.servant.stop()).toBe(0);
  const offline = await scene.run("logs");
  const output = JSON.stringify([scene.servant.lines, scene.servant.stray]);
  const stream = JSON.stringify(reader.frames);
  const files = Object.fromEntries(scene.files().map(({ name, text }) => [name, text]));
  const places = { log, status, stream, output, offline: JSON.stringify(offline), ...files };
  for (const [name, text] of Object.entries(places)) {
    if (name.startsWith("state/journal.sqlite")) continue; // what it returned is what it returned
    expect(text.match(/hidden-\d+/g) ?? [], name).toEqual([]);
    if (name !== "state/token" && name !== "effects") expect(text, name).not.toContain(scene.token);
  }
  expect(stream.split("[secret]").length - 1).toBeGreaterThanOrEqual(10);
  const mistyped = await scene.run("connect", "x:Y", "--to", "ftp://carol:hidden-11@host");
  expect(mistyped.err).toContain("ftp://[secret]@host");
});

test("logs -f goes on over a kill and restart of the agent, by level, source and assignment", async () => {
  await using scene = await LocalScene.open();
  const command = [await ensureBinary(), "logs", "-f", "--json"];
  const follower = Bun.spawn([...command, "--state-dir", scene.folder.state, "--since", "1h"], {
    stdout: "pipe",
    stderr: "ignore",
  });
  let text = "";
  const read = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of follower.stdout) text += decoder.decode(chunk, { stream: true });
  })();
  const until = async (auditId: string) => {
    while (!text.includes(`working on ${auditId}`)) await Bun.sleep(20);
  };
  scene.peer.assign("first");
  await until("first");
  await scene.servant.stop("SIGKILL");
  await scene.start();
  scene.peer.assign("second");
  await until("second");
  follower.kill("SIGINT");
  expect(await follower.exited).toBe(0);
  await read;
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { seq?: number });
  const seqs = lines.flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  const only = await scene.run("logs", "--audit", "second", "--source", "plugin");
  expect(only.out).toMatch(
    /^(--- .*\n)?\d\d:\d\d:\d\d {3}plugin {2}\[second\] working on second\n$/,
  );
  // Of the numbers that a kill left out it may tell.
  const errors = (await scene.run("logs", "--level", "error")).out;
  expect(errors.replace(/^---.*\n/gm, "")).toBe("");
  expect((await scene.run("logs", "--since", "tomorrow")).code).toBe(2);
  const future = await scene.run("logs", "--since", "2199-01-01");
  expect([future.code, future.err]).toEqual([2, expect.stringContaining("in the future")]);
});

test("logs of a stopped agent tell the day where it changes, and direct nobody's reading", async () => {
  await using scene = new ServantScene();
  const clock = { ...systemClock, now: () => Date.parse("2026-03-02T12:00:00Z") };
  const files = openLogFiles(join(scene.folder.state, "log"), { clock });
  const line = { level: "info", source: "plugin", fields: {} };
  const texts = [
    { seq: 1, time: "2026-03-01T12:00:00.000Z", ...line, message: "\u202egnp.exe\u001b[2J" },
    { seq: 2, time: "2026-03-02T12:00:00.000Z", ...line, message: "👩‍🚀" },
  ].map((each) => `${JSON.stringify(each)}\n`);
  files.append({ first: 1, last: 2, bytes: new TextEncoder().encode(texts.join("")) });
  await files.close();
  const { code, out } = await scene.run("logs");
  const time = "\\d\\d:00:00 {3}plugin {2}";
  expect(out).toMatch(
    new RegExp(
      `^--- 2026-03-0.\n${time}\\\\u202egnp.exe\\\\x1b\\[2J\n--- 2026-03-0.\n${time} *👩‍🚀\n$`,
    ),
  );
  expect(code).toBe(0);
  expect((await scene.run("logs", "--json")).out).toBe(texts.join(""));
  expect((await scene.run("logs", "--since", "2199-01-01")).code).toBe(2);
});

test("a thousand connections, dawdlers and floods leave the agent at its work", async () => {
  await using scene = await LocalScene.open();
  const { peer } = scene;
  const { hostname, port } = new URL(scene.url);
  const sockets = await Promise.all(
    Array.from({ length: 1_000 }, (_, n) =>
      Bun.connect({
        hostname,
        port: Number(port),
        socket: {
          open(socket) {
            if (n % 2 === 0) socket.write("GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
          },
          data() {},
          error() {},
        },
      }),
    ),
  );
  const flood = Promise.all(
    Array.from({ length: 300 }, () => fetch(`${scene.url}/v1/status`).then(({ status }) => status)),
  );
  for (let n = 0; n < 20; n++) peer.assign(`a${n}`);
  await peer.until("all are taken", () => peer.taken.length === 20);
  expect(new Set(await flood)).toEqual(new Set([401, 429]));
  expect((await scene.status()).state).toBe("ready");
  expect(scene.servant.lines.filter(({ level }) => level === "error")).toEqual([]);
  for (const socket of sockets) socket.terminate();
}, 60_000);

test("whoever holds every file descriptor of the agent does not end it, nor stop its work", async () => {
  await using scene = new ServantScene();
  const { peer } = scene;
  const under = ["bash", "-c", 'ulimit -n 128; exec "$0" "$@"'];
  const args = ["--port", "0"];
  const servant = await scene.launch({ under, args });
  await peer.until("it is registered", () => servant.events("servant.registered").length === 1);
  const port = Number(/:(\d+)$/.exec(servant.events("door.opened")[0]?.message ?? "")?.[1]);
  const sockets = Array.from({ length: 200 }, () =>
    connect(port, "127.0.0.1").on("error", () => {}),
  );
  const held = () => readdirSync(`/proc/${servant.process.pid}/fd`).length;
  await peer.until("every descriptor is held", () => held() >= 128);
  for (let n = 0; n < 5; n++) peer.assign(`a${n}`);
  await peer.until("all are taken", () => peer.taken.length === 5);
  // At rest it gives memory back, for which it would read a file.
  const rested = performance.now() + REST_MS + 1_000;
  await peer.until("it has rested", () => performance.now() > rested);
  for (const each of sockets) each.destroy();
  peer.assign("last");
  expect(await peer.result("last", 20_000)).toMatchObject({ success: true });
  expect(await servant.stop()).toBe(0);
}, 60_000);

/** What a browser gets for its link. */
async function enter(link: string): Promise<{ readonly cookie: string; readonly key: string }> {
  const entered = await fetch(link);
  const [cookie = ""] = entered.headers.get("set-cookie")?.split(";") ?? [];
  return { cookie, key: /data-key="([\w-]+)"/.exec(await entered.text())?.[1] ?? "" };
}

function takePort(port: number): { readonly port: number } & Disposable {
  try {
    const server = Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response() });
    return { port, [Symbol.dispose]: () => void server.stop(true) };
  } catch {
    return { port, [Symbol.dispose]: () => {} };
  }
}
