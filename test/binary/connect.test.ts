// Goal: the compiled agent keeps its promises as a user runs it: nothing lost, nothing twice, and
// every fault answered. Method: the binary against a scripted backend on a real socket.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { HostileBackend } from "../support/hostile-backend.ts";
import { ServantScene } from "../support/servant-scene.ts";

let scene: ServantScene;
beforeEach(() => {
  scene = new ServantScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

const gone = () => Response.json({ detail: "no such servant" }, { status: 404 });

async function connect(options: Parameters<ServantScene["launch"]>[0] = {}) {
  const polls = scene.peer.requests("/next_assignment").length;
  const servant = await scene.launch(options);
  await scene.peer.until("a poll", () => {
    return scene.peer.requests("/next_assignment").length > polls;
  });
  return servant;
}

describe("agent connect", () => {
  test("registers, runs an assignment, posts its result, and stops with 0 on SIGTERM", async () => {
    const servant = await connect();
    scene.peer.assign("a1", { do: "measure" });
    expect(await scene.peer.result("a1")).toEqual({
      audit_id: "a1",
      success: true,
      message: "",
      telemetry: { done: "measure" },
    });
    expect(scene.peer.requests("/servant/register")[0]?.body).toMatchObject({
      transitions: ["work"],
      beliefs: ["ready"],
    });
    expect(await servant.stop()).toBe(0);
    expect(servant.stray).toEqual([]);
  });

  const faults: [string, { success: boolean; message: RegExp; code?: string }][] = [
    ["fail", { success: false, message: /^could not$/ }],
    ["throw", { success: false, message: /broken arm/, code: "handler.threw" }],
    ["throw text", { success: false, message: /only text/, code: "handler.threw" }],
    ["exit", { success: false, message: /exit code 0/, code: "handler.crashed" }],
    ["loop", { success: false, message: /no answer/, code: "handler.hung" }],
    ["cycle", { success: false, message: /not JSON/, code: "handler.bad-result" }],
    ["bigint", { success: false, message: /not JSON/, code: "handler.bad-result" }],
    ["number", { success: false, message: /a number/, code: "handler.bad-result" }],
  ];
  test("a handler's every fault fails its assignment, and the next one works", async () => {
    const servant = await connect({ args: ["--hang-timeout", "1"] });
    for (const [what, expected] of faults) {
      scene.peer.assign(what, { do: what });
      scene.peer.assign(`after ${what}`, { do: "succeed" });
      const result = await scene.peer.result(what);
      expect(result.success, what).toBe(expected.success);
      expect(String(result.message), what).toMatch(expected.message);
      const { code } = (result.telemetry ?? {}) as { code?: string };
      expect(code, what).toBe(expected.code as string);
      expect((await scene.peer.result(`after ${what}`)).success, what).toBe(true);
    }
    expect(await servant.stop()).toBe(0);
  }, 30_000);

  test("an audit id delivered twice, and after a restart again, runs once", async () => {
    const first = await connect();
    for (let round = 0; round < 3; round++) scene.peer.assign("a1", { do: "count" });
    await scene.peer.until(
      "three answers",
      () => scene.peer.taken.length >= 1 && scene.peer.polls.length === 0,
    );
    await first.stop();
    await connect();
    scene.peer.assign("a1", { do: "count" });
    const before = scene.peer.taken.length;
    await scene.peer.until("the stored result again", () => scene.peer.taken.length > before);
    expect(scene.peer.taken.at(-1)).toMatchObject({ audit_id: "a1", telemetry: { done: "count" } });
    expect(scene.folder.effects()).toEqual(["a1 count", "a1 ended"]);
  });

  test("another content under a known audit id is answered failed and never run", async () => {
    await connect();
    scene.peer.assign("a1", { do: "first" });
    await scene.peer.result("a1");
    scene.peer.assign("a1", { do: "second" });
    await scene.peer.until("a second answer", () => scene.peer.taken.length === 2);
    expect(scene.peer.taken[1]).toMatchObject({
      audit_id: "a1",
      success: false,
      telemetry: { code: "assignment.id-reused" },
    });
    expect(scene.folder.effects()).toEqual(["a1 first", "a1 ended"]);
  });

  test("kill -9 between handler and POST loses no result and repeats no effect", async () => {
    const first = await connect();
    scene.peer.results.push(() => new Promise<Response>(() => {})); // the POST never gets an answer
    scene.peer.assign("a1", { do: "weld" });
    await scene.peer.until("the POST", () => scene.peer.requests("/result").length === 1);
    await first.stop("SIGKILL");
    await connect();
    expect(await scene.peer.result("a1")).toMatchObject({
      success: true,
      telemetry: { done: "weld" },
    });
    expect(scene.folder.effects()).toEqual(["a1 weld", "a1 ended"]);
  });

  test("kill -9 while the handler acts is answered handler.interrupted, not run again", async () => {
    const first = await connect();
    scene.peer.assign("a1", { do: "weld", ms: 60_000 });
    await scene.peer.until("the effect", () => scene.folder.effects().length === 1);
    await first.stop("SIGKILL");
    await connect();
    expect(await scene.peer.result("a1")).toMatchObject({
      success: false,
      telemetry: { code: "handler.interrupted" },
    });
    expect(scene.folder.effects()).toEqual(["a1 weld"]);
  });

  test("SIGTERM while acting finishes the action, posts its result and exits 0", async () => {
    const servant = await connect();
    scene.peer.assign("a1", { do: "weld", ms: 500 });
    scene.peer.assign("a2", { do: "next" });
    await scene.peer.until(
      "the effect",
      () => scene.folder.effects().length === 1 && scene.peer.polls.length === 0,
    );
    await scene.peer.until(
      "a1 and a2 in hand",
      () => servant.events("assignment.accepted").length === 2,
    );
    expect(await servant.stop()).toBe(0);
    expect(await scene.peer.result("a1")).toMatchObject({ success: true });
    expect(await scene.peer.result("a2")).toMatchObject({
      success: false,
      telemetry: { code: "agent.draining" },
    });
    expect(scene.folder.effects()).toEqual(["a1 weld", "a1 ended"]);
  });

  test("a belief is answered while an action runs", async () => {
    await connect();
    scene.peer.assign("a1", { do: "weld", ms: 60_000 });
    await scene.peer.until("the effect", () => scene.folder.effects().length === 1);
    scene.peer.ask("b1", "ready");
    expect(await scene.peer.result("b1")).toEqual({
      audit_id: "b1",
      success: true,
      is_unchecked: false,
      observed_state: { ready: true },
      exclusive_fluents: ["ready"],
      message: "",
    });
  });

  test("what the backend answers wrongly is told and counted, and the agent stays up", async () => {
    const servant = await connect({ args: ["--max-assignment", "2000"] });
    for (const body of ["<html>", "null", "[1]", '{"kind":"dance"}']) {
      scene.peer.polls.push(new Response(body));
    }
    scene.peer.polls.push(Response.json({ kind: "dance", audit_id: "odd" }));
    scene.peer.assign("large", { do: "x".repeat(5_000_000) });
    scene.peer.assign("wrong", { ms: "no number" });
    scene.peer.assign("unknown", {}, "fly");
    scene.peer.assign("good", { do: "work" });
    expect(await scene.peer.result("good")).toMatchObject({ success: true });
    const codeOf = async (id: string) =>
      ((await scene.peer.result(id)).telemetry as { code: string }).code;
    expect(await codeOf("odd")).toBe("assignment.malformed");
    expect(await codeOf("large")).toBe("assignment.too-large");
    expect(await codeOf("wrong")).toBe("assignment.bad-params");
    expect(await codeOf("unknown")).toBe("assignment.unknown");
    // Not each of them: the next one that is told, seconds later, counts them all.
    await scene.peer.until("one told", () => servant.events("poll.malformed").length === 1);
  });

  test("polls and results that fail in passing are tried again", async () => {
    const servant = await connect();
    for (const status of [500, 429]) scene.peer.polls.push(new Response(null, { status }));
    scene.peer.results.push(new Response(null, { status: 503 }));
    scene.peer.assign("a1", { do: "work" });
    expect(await scene.peer.result("a1", 15_000)).toMatchObject({ success: true });
    expect(scene.peer.requests("/result").length).toBe(2);
    expect(servant.events("link.lost").length).toBe(2);
    expect(servant.events("link.restored").length).toBe(1);
  }, 30_000);

  test("a result goes to the servant that received it, after 404 to the present one", async () => {
    const first = await connect();
    scene.peer.results.push(() => new Promise<Response>(() => {}));
    scene.peer.assign("a1", { do: "weld" });
    await scene.peer.until("the POST", () => scene.peer.requests("/result").length === 1);
    await first.stop("SIGKILL");
    scene.peer.results.push(new Response(null, { status: 404 }));
    await connect();
    await scene.peer.result("a1");
    expect(scene.peer.requests("/result").map(({ path }) => path)).toEqual([
      "/servant/servant-1/result",
      "/servant/servant-1/result",
      "/servant/servant-2/result",
    ]);
  });

  test("a backend that forgot the servant gets it back, and what it had to tell", async () => {
    const servant = await connect();
    scene.peer.results.push(gone(), gone()); // to the first registration, before and after the second
    scene.peer.assign("a1", { do: "weld" });
    expect(await scene.peer.result("a1")).toMatchObject({ success: true });
    expect(scene.peer.requests("/result").at(-1)?.path).toBe("/servant/servant-2/result");
    scene.peer.assign("a2", { do: "work" });
    await scene.peer.result("a2");
    scene.peer.polls.push(gone());
    await scene.peer.until(
      "a third registration",
      () => scene.peer.requests("/servant/register").length === 3,
    );
    scene.peer.assign("a3", { do: "work" });
    await scene.peer.result("a3");
    expect(scene.peer.requests("/start")).toHaveLength(0);
    expect(servant.events("servant.forgotten")).toHaveLength(2);
    expect(scene.folder.effects().filter((line) => line === "a1 weld")).toHaveLength(1);
    expect(await servant.stop()).toBe(0);
  });

  test("two that fight for one place do not fight for ever: it ends with 69", async () => {
    scene.peer.assign("a1", { do: "work" });
    const servant = await connect();
    await scene.peer.result("a1");
    scene.peer.polls.push(...Array.from({ length: 9 }, gone));
    expect(await servant.ended()).toBe(69);
    expect(scene.peer.requests("/servant/register")).toHaveLength(4); // the first one had work
    expect(servant.stray.join("\n")).toContain("Cannot stay registered, 3 times in a minute");
  });

  test("with --reregister off a result outlives the exit with 69", async () => {
    const first = await connect({ args: ["--reregister", "off"] });
    scene.peer.results.push(new Response(null, { status: 404 }));
    scene.peer.assign("a1", { do: "weld" });
    expect(await first.ended()).toBe(69);
    scene.peer.results.push(new Response(null, { status: 410 })); // to the old id, once more
    await connect();
    expect(await scene.peer.result("a1")).toMatchObject({ success: true });
    expect(scene.peer.requests("/result").at(-1)?.path).toBe("/servant/servant-2/result");
    expect(scene.folder.effects()).toEqual(["a1 weld", "a1 ended"]);
  });

  test("a result that no registration knows is asked for once more, then refused and kept", async () => {
    const gone = () => new Response(null, { status: 404 });
    const first = await connect();
    scene.peer.results.push(() => new Promise<Response>(() => {}));
    scene.peer.assign("a1", { do: "weld" });
    await scene.peer.until("the POST", () => scene.peer.requests("/result").length === 1);
    await first.stop("SIGKILL");
    scene.peer.results.push(gone(), gone());
    const second = await connect();
    await scene.peer.until("it told", () => second.events("result.delayed").length === 1);
    scene.peer.assign("a2", { do: "work" }); // the others go on
    await scene.peer.result("a2");
    scene.peer.results.push(gone(), gone());
    await scene.peer.until("its refusal", () => second.events("result.refused").length === 1);
    expect(await second.stop()).toBe(0);
    await connect();
    scene.peer.assign("a1", { do: "weld" }); // it is asked for again: the stored result goes out
    expect(await scene.peer.result("a1")).toMatchObject({
      success: true,
      telemetry: { done: "weld" },
    });
    expect(scene.folder.effects().filter((line) => line === "a1 weld")).toHaveLength(1);
  }, 30_000);

  test("a redirect is a passing trouble: nothing is lost and the agent stays", async () => {
    const portal = () => new Response(null, { status: 302, headers: { Location: "/login" } });
    await connect();
    scene.peer.polls.push(portal());
    scene.peer.results.push(portal());
    scene.peer.assign("a1", { do: "work" });
    expect(await scene.peer.result("a1", 15_000)).toMatchObject({ success: true });
  }, 30_000);

  test("entries of another backend are kept, told and not sent to this one", async () => {
    const first = await connect();
    scene.peer.results.push(() => new Promise<Response>(() => {}));
    scene.peer.assign("a1", { do: "weld" });
    await scene.peer.until("the POST", () => scene.peer.requests("/result").length === 1);
    await first.stop("SIGKILL");
    const other = new HostileBackend();
    const second = await scene.launch({ to: other.url });
    other.assign("b1", { do: "work" });
    await other.result("b1");
    expect(other.taken).toHaveLength(1);
    expect(second.events("journal.elsewhere")[0]?.message).toContain(scene.peer.url);
    await second.stop();
    await other.stop();
    await connect();
    expect(await scene.peer.result("a1")).toMatchObject({ success: true });
  });

  test("the plugin never sees the agent's secrets, and reaches the backend through it", async () => {
    await connect({
      env: { MY_API_KEY: "k", DYNOS_CONFIG_PATH: "/nowhere", NODE_OPTIONS: "", KEPT_TOKEN: "t" },
      args: ["--pass-env", "KEPT_TOKEN"],
    });
    scene.peer.assign("a1", { do: "environment" });
    const names = Object.keys((await scene.peer.result("a1")).telemetry as object);
    expect(names).toContain("EFFECTS_FILE");
    expect(names).toContain("KEPT_TOKEN");
    for (const name of ["MY_API_KEY", "DYNOS_CONFIG_PATH", "NODE_OPTIONS"]) {
      expect(names).not.toContain(name);
    }
    scene.peer.assign("a2", { do: "objects" });
    await scene.peer.until(
      "the handler's request",
      () => scene.peer.requests("/state").length === 1,
    );
  });

  test("what the plugin prints is logged with the audit id", async () => {
    const servant = await connect();
    scene.peer.assign("a1", { do: "work" });
    await scene.peer.result("a1");
    await servant.stop();
    const printed = servant.lines.filter(({ source }) => source === "plugin");
    expect(printed).toContainEqual(
      expect.objectContaining({ auditId: "a1", message: "working on a1", level: "info" }),
    );
  });
});

describe("agent connect ends", () => {
  test("with 69 when the session is gone, its result delivered first where it can be", async () => {
    const servant = await connect();
    scene.peer.assign("a1", { do: "work" });
    await scene.peer.result("a1");
    const detail = { detail: "no such servant" };
    scene.peer.polls.push(
      ...Array.from({ length: 4 }, () => Response.json(detail, { status: 404 })),
    );
    expect(await servant.ended()).toBe(69);
    expect(servant.stray.join("\n")).toContain("no such servant");
  });

  test("with 77 when it is not logged in", async () => {
    const servant = await connect();
    scene.peer.polls.push(Response.json({ detail: "expired" }, { status: 401 }));
    expect(await servant.ended()).toBe(77);
    expect(servant.stray.join("\n")).toMatch(/expired[\s\S]*hint: Log in/);
  });

  test("with 75 when it gave up", async () => {
    const servant = await connect({ args: ["--max-failures", "1"] });
    for (let count = 0; count < 3; count++)
      scene.peer.polls.push(new Response(null, { status: 500 }));
    expect(await servant.ended()).toBe(75);
  }, 15_000);

  test("with 1 when another agent holds the state folder, and says which", async () => {
    const first = await connect();
    const second = await scene.launch();
    expect(await second.ended()).toBe(1);
    expect(second.stray.join("\n")).toContain(`process ${first.process.pid}`);
    expect(second.stray.join("\n")).toContain("--state-dir");
    // The lock dies with its holder, whatever the holder left behind.
    await first.stop("SIGKILL");
    const third = await connect();
    expect(await third.stop()).toBe(0);
  });

  test("when the backend is not there: not at all, it says so and tries again", async () => {
    const url = scene.peer.url;
    const port = scene.peer.port;
    await scene.peer.stop();
    const servant = await scene.launch({ to: url });
    while (servant.events("link.lost").length === 0) await Bun.sleep(10);
    scene.peer = new HostileBackend(port);
    scene.peer.assign("a1", { do: "work" });
    expect(await scene.peer.result("a1", 15_000)).toMatchObject({ success: true });
  }, 30_000);
});
