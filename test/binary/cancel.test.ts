// Goal: a cancel reaches the handler wherever its assignment stands, what has not started never
// starts, and what is reported is what happened. Method: the compiled servant, before the compiled
// backend and before a scripted one that can tell cancels.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { agent } from "../support/binary.ts";
import { type Running, startHost } from "../support/running.ts";
import { ServantScene } from "../support/servant-scene.ts";

let scene: ServantScene;
beforeEach(() => {
  scene = new ServantScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

const connect = (to: string, ...args: string[]) => scene.launch({ to, args });
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const lateAtMs = performance.now() + 15_000;
  while (!(await holds())) {
    if (performance.now() > lateAtMs) throw new Error(`never: ${what}: ${scene.folder.effects()}`);
    await Bun.sleep(5);
  }
}
const ends = (text: string) => scene.folder.effects().some((line) => line.endsWith(text));

describe("before our backend", () => {
  let host: Running;
  let url: string;
  beforeEach(async () => {
    ({ host, url } = await startHost());
  });
  afterEach(async () => {
    host.kill("SIGKILL");
    await host.exited;
  });

  async function post(path: string, body: object) {
    const response = await fetch(url + path, { method: "POST", body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }
  const trigger = (what: string) => post("/trigger", { action: "work", params: { do: what } });
  const servants = async () => {
    const health = await (await fetch(`${url}/health`)).json();
    return (health as { servants: number }).servants;
  };
  const call = async (...args: string[]) => {
    const { code, stdout } = await agent(["call", ...args, "--to", url, "--json"]);
    return { code, answer: stdout === "" ? undefined : JSON.parse(stdout) };
  };

  test("a running action is told why, and its own answer is reported; then there is none", async () => {
    await connect(url);
    await until("it is there", async () => (await servants()) === 1);
    const answer = trigger("until cancelled, then fail");
    await until("it runs", () => ends("until cancelled, then fail"));
    const { code, answer: told } = await call("cancel", "--reason", "a person is in the room");
    expect([code, told.execution]).toEqual([0, false]);
    expect(told.cancelled).toMatchObject([{ handed_out: true, told: true }]);
    const { body } = await answer;
    expect(body.success).toBe(false);
    expect(body.message).toContain("a person is in the room");
    const again = await call("cancel", String(body.audit_id));
    expect(again.code).toBe(1); // it is answered: there is nothing to cancel
    expect((await trigger("next")).body).toMatchObject({ success: true });
  });

  test("an action that succeeds all the same is reported as success", async () => {
    await connect(url);
    await until("it is there", async () => (await servants()) === 1);
    const answer = trigger("until cancelled, then succeed");
    await until("it runs", () => ends("until cancelled, then succeed"));
    await post("/cancel", {});
    expect((await answer).body).toMatchObject({ success: true });
  });

  test("a handler that ignores it is killed after the grace, and the next one works", async () => {
    await connect(url, "--cancel-grace", "0.5");
    await until("it is there", async () => (await servants()) === 1);
    const answer = trigger("ignore");
    await until("it runs", () => ends("ignore"));
    const waiting = trigger("never");
    await until("another waits", async () => (await call("cancel")).answer.cancelled.length === 2);
    const { body } = await answer;
    expect(body).toMatchObject({ success: false, code: "handler.cancelled" });
    expect((await waiting).body).toMatchObject({ success: false, code: "execution.cancelled" });
    expect((await trigger("next")).body).toMatchObject({ success: true });
    expect(ends("never")).toBe(false);
  });
});

describe("before a backend that hands out more than one", () => {
  const understands = { "Servant-Takes": "action, belief, cancel" };
  const work = (auditId: string, what: string) =>
    scene.peer.polls.push(
      Response.json(
        { transition_name: "work", params_json: { do: what }, audit_id: auditId },
        { headers: understands },
      ),
    );
  const cancel = (auditId: string) =>
    scene.peer.polls.push(
      Response.json({ kind: "cancel", audit_id: auditId, reason: "why" }, { headers: understands }),
    );
  const starts = () => scene.folder.effects().filter((line) => !line.endsWith("ended"));

  test("one that is held never starts, one that is unknown neither, a finished one stays", async () => {
    scene.peer.registrations.push(Response.json({ servant_id: "s1" }, { headers: understands }));
    cancel("unknown");
    work("running", "until cancelled, then succeed");
    work("held", "never");
    cancel("held");
    cancel("held");
    await connect(scene.peer.url);
    expect(await scene.peer.result("held")).toMatchObject({
      success: false,
      telemetry: { code: "handler.cancelled" },
    });
    cancel("running");
    expect(await scene.peer.result("running")).toMatchObject({ success: true });
    cancel("running");
    work("unknown", "never");
    expect(await scene.peer.result("unknown")).toMatchObject({
      success: false,
      telemetry: { code: "handler.cancelled" },
    });
    work("last", "succeed");
    expect(await scene.peer.result("last")).toMatchObject({ success: true });
    expect(starts()).toEqual(["running until cancelled, then succeed", "last succeed"]);
    expect(scene.peer.taken.map(({ audit_id }) => audit_id)).toEqual([
      "held",
      "running",
      "unknown",
      "last",
    ]);
  });
});
