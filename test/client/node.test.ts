// Goal: whoever writes a program on Node gets a client that waits for hours, from the package alone.
// Method: pack it as for the registry, unpack it into a project with nothing else in it, and run that
// on Node with a `fetch` that fails: what cannot be called cannot time out either.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { symlink } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { root } from "../../scripts/binary.ts";
import { fakeDynos } from "../support/fake-dynos.ts";
import { fakeGateway, PASSWORD } from "../support/fake-gateway.ts";
import { type Project, packedLibrary, project } from "../support/project.ts";

const PACK_TIMEOUT_MS = 120_000;
const PREAMBLE = `
globalThis.fetch = () => { throw new Error("Node's fetch was used"); };

import * as client from "servant-agent/client";
import { boxA, boxAt, move, roomOne, roomTwo } from "servant-agent/domains/warehouse";
const { Mission, RemoteAuthExpired, RemoteOrchestrator, RemoteRequestError } = client;
const say = (value) => console.log(JSON.stringify(value));
const url = process.argv[2] || "http://127.0.0.1:1";
const orchestrator = new RemoteOrchestrator(url, { timeoutMs: 2_000 });
`;
let scratch: Project;
beforeAll(async () => {
  scratch = await project({ "package.json": '{"name": "scratch", "type": "module"}' });
  await packedLibrary(join(scratch.path, "node_modules", "servant-agent"));
}, PACK_TIMEOUT_MS);
afterAll(() => scratch[Symbol.asyncDispose]());

/** Runs a program on Node; what it said, a value for each line. */
async function onNode(program: string, url: string): Promise<unknown[]> {
  const path = join(scratch.path, `${crypto.randomUUID()}.mjs`);
  await Bun.write(path, PREAMBLE + program);
  const child = Bun.spawn(["node", path, url], {
    cwd: scratch.path,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`node ended with ${code}: ${stderr}`);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

test("the package's client runs on Node, with nothing else installed", async () => {
  await using backend = fakeDynos({
    "POST /goal": null,
    "POST /execute_blocks": { results: [{ success: true, message: "" }] },
    "GET /state": { state: ["hands_free()"] },
    "GET /goal": Response.json({ detail: "because" }, { status: 422 }),
    "GET /fluents": Response.json({}, { status: 401 }),
  });
  const said = await onNode(
    `
    await orchestrator.setGoal(boxAt(roomTwo, boxA));
    say(await orchestrator.getCurrentState());
    const mission = new Mission("m").addAction(move, { start: roomOne, end: roomTwo });
    say(await mission.execute(orchestrator));
    const failure = (cause) => cause;
    const refused = await orchestrator.getGoal().catch(failure);
    say([refused instanceof RemoteRequestError, refused.statusCode, refused.detail]);
    say((await orchestrator.listFluents().catch(failure)) instanceof RemoteAuthExpired);
    say((await new RemoteOrchestrator("http://127.0.0.1:1").health().catch(failure)).code);
    `,
    backend.url,
  );
  expect(said).toEqual([
    ["hands_free"],
    [{ success: true, message: "" }],
    [true, 422, "because"],
    true,
    "backend.unreachable",
  ]);
  const [goal] = backend.heard;
  expect(goal?.body).toEqual({ goal: ["box_at(room_two, box_a)"] });
  expect(goal?.headers.get("x-requested-with")).toBe("dynos");
});

test("the package's client logs in to a gateway on Node, and makes a session of its own", async () => {
  await using gateway = fakeGateway();
  const said = await onNode(
    `
    const { SessionManager } = client;
    const { token } = await SessionManager.logIn(url, "alice", ${JSON.stringify(PASSWORD)});
    const own = await RemoteOrchestrator.fromSessionManager(url, { token, label: "sea" });
    const gateway = new SessionManager(url, { token });
    say((await gateway.list()).map(({ label, session_id }) => [label, session_id === own.sessionId]));
    say(await gateway.logs(own.sessionId));
    await own.reset();
    await own.close();
    await gateway.logOut();
    const failure = await gateway.list().catch((cause) => cause);
    say([failure instanceof RemoteAuthExpired, failure.message.includes("log in again")]);
    const wrong = await SessionManager.logIn(url, "alice", "guess").catch((cause) => cause);
    say([wrong.code, wrong.kind]);
    `,
    gateway.url,
  );
  expect(said).toEqual([
    [["sea", true]],
    "one\ntwo\u001b[2J",
    [true, true],
    ["login.wrong", "auth"],
  ]);
  expect(gateway.sessions.size).toBe(0);
});

test("the package's client type-checks as its page writes it, and tells a wrong object", async () => {
  const page = await Bun.file(join(root, "docs", "client.md")).text();
  const [, sample = ""] = /```ts\n\/\/ tidy.ts\n([\s\S]*?)```/.exec(page) ?? [];
  const options = ["--module", "NodeNext", "--target", "ESNext", "--lib", "ESNext,DOM"];
  const check = async (text: string) => {
    await Bun.write(join(scratch.path, "tidy.ts"), text);
    const tsc = join(root, "node_modules", ".bin", "tsc");
    const command = [tsc, "--noEmit", "--strict", "--types", "", ...options, "tidy.ts"];
    return Bun.spawnSync(command, { cwd: scratch.path }).stdout.toString();
  };
  // The types of its answers are written with zod, which installing the package brings along.
  await symlink(join(root, "node_modules", "zod"), join(scratch.path, "node_modules", "zod"));
  expect(await check(sample)).toBe("");
  expect(await check(sample.replace("end: roomOne", "end: boxA"))).toContain("tidy.ts");
});

test("on Node an execution may be held for longer than any answer", async () => {
  const held = Promise.withResolvers<Response>();
  await using backend = fakeDynos({
    "POST /execute": () => held.promise,
    // The ordinary limit has gone by: only then is the execution answered.
    "GET /state": () => new Promise<never>(() => {}),
    "GET /goal": () => {
      held.resolve(Response.json({ results: [{ success: true, message: "at last" }] }));
      return { goal: [] };
    },
  });
  const said = await onNode(
    `
    const executed = orchestrator.executePlan();
    say(await orchestrator.getCurrentState().catch((cause) => cause.message));
    await orchestrator.getGoal();
    say(await executed);
    `,
    backend.url,
  );
  expect(said).toEqual([
    expect.stringContaining("no answer within 2 s"),
    [{ success: true, message: "at last" }],
  ]);
});

test("on Node an abort ends a held request, and the server sees it", async () => {
  const heard = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const server = createServer(async ({ method, socket }, response) => {
    if (method === "POST") {
      socket.on("close", () => gone.resolve());
      heard.resolve();
    } else {
      await heard.promise; // the program aborts when the execution is under way
      response.end('{"goal": []}');
    }
  });
  const said = await onNode(
    `
    const stop = new AbortController();
    const executed = orchestrator.executePlan({ signal: stop.signal }).catch((cause) => cause.message);
    await orchestrator.getGoal();
    stop.abort(new Error("enough"));
    say(await executed);
    `,
    await listening(server),
  );
  expect(said).toEqual([expect.stringContaining("enough")]);
  await gone.promise;
  server.close();
});

test("on Node reads share a connection, and what changes something has its own", async () => {
  const connections: string[] = [];
  const server = createServer((request, response) => {
    connections.push(`${request.method} ${request.socket.remotePort}`);
    request.resume().on("end", () => response.end('{"goal": [], "state": []}'));
  });
  await onNode(
    `
    for (const _ of [1, 2, 3]) await orchestrator.getGoal();
    for (const _ of [1, 2]) await orchestrator.setGoal([]);
    say("done");
    `,
    await listening(server),
  );
  server.close();
  const of = (method: string) => new Set(connections.filter((each) => each.startsWith(method)));
  expect({ reads: of("GET").size, writes: of("POST").size }).toEqual({ reads: 1, writes: 2 });
});

test("on Node a read goes again when the server closed its idle connection just then", async () => {
  // It answers one request of each connection; the next one finds it closed.
  const said = await onNode(
    `
    const { createServer } = await import("node:net");
    let answered = 0;
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        answered += 1;
        socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 12\\r\\n\\r\\n{"goal": []}');
        socket.once("data", () => socket.destroy());
      });
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const near = new RemoteOrchestrator("http://127.0.0.1:" + server.address().port);
    for (const _ of [1, 2, 3]) await near.getGoal();
    say(answered);
    process.exit();
    `,
    "",
  );
  expect(said).toEqual([3]);
});

// Of half-open links: what the kernel does once it is asked to probe is the kernel's.
test.skipIf(Bun.which("ss") === null)("on Node a silent connection is probed", async () => {
  let seen = "";
  const server = createServer(async (request, response) => {
    const { remotePort } = request.socket;
    seen = Bun.spawnSync(["ss", "-tnoH", `sport = :${remotePort}`]).stdout.toString();
    request.resume();
    response.end('{"results": []}');
  });
  await onNode(`say(await orchestrator.executePlan());`, await listening(server));
  server.close();
  expect(seen).toContain("timer:(keepalive");
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}
