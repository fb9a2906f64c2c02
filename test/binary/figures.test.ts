// Goal: every figure of /metrics and /v1/status is what happened, no more and no less.
// Method: the compiled agent through success, failure, cancels, a crash of its plugin, an outage and
// a kill, each of them counted by hand.
import { expect, test } from "bun:test";
import { HostileBackend } from "../support/hostile-backend.ts";
import { LocalScene } from "../support/local-agent.ts";

/** Samples of `/metrics` by name and labels; a family that is asked for and absent is undefined. */
async function metricsOf(scene: LocalScene): Promise<Record<string, number>> {
  const text = await (await scene.ask("/metrics")).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at).replace(/^agent_/, ""), Number(line.slice(at + 1))];
    }),
  );
}

test("the figures count what happened, and begin anew with the agent", async () => {
  await using scene = await LocalScene.open();
  const { folder } = scene;
  const done = (count: number) =>
    scene.peer.until(`${count} results`, () => scene.peer.taken.length === count);
  const told = async (name: string, value: number) => {
    while ((await metricsOf(scene))[name] !== value) await Bun.sleep(10);
  };

  // Answered: two done, two not, one unreadable, one unknown.
  for (const [id, what] of Object.entries({
    s1: "succeed",
    s2: "succeed",
    f1: "fail",
    f2: "throw",
  })) {
    scene.peer.assign(id, { do: what });
  }
  scene.peer.polls.push(Response.json({ audit_id: "u1", transition_name: 7 }));
  scene.peer.assign("u2", {}, "fly");
  scene.peer.assign("s1", { do: "succeed" }); // once more: it is not run, and not counted
  await done(7);

  // Called off: one that runs, asked twice.
  scene.peer.assign("c1", { do: "until cancelled, then fail" });
  await scene.peer.until("it runs", () => folder.effects().some((line) => line.startsWith("c1 ")));
  expect(await metricsOf(scene)).toMatchObject({
    'assignments_in_hand{phase="started"}': 1,
    'assignments_in_hand{phase="accepted"}': 0,
  });
  expect((await scene.ask("/v1/assignments/c1/cancel", { method: "POST" })).status).toBe(200);
  await done(8);

  // The plugin's process ends under an assignment, and another one takes its place.
  const before = (await scene.status()).child;
  scene.peer.assign("x1", { do: "exit" });
  await done(9);
  await told("ready", 1);
  const after = (await scene.status()).child;
  expect(before).toMatchObject({ pid: expect.any(Number), restarts: 0 });
  expect(after).toMatchObject({ restarts: 1, lastEnd: expect.stringContaining("exit code 0") });
  expect(after.pid).not.toBe(before.pid);

  expect(await metricsOf(scene)).toMatchObject({
    assignments_accepted_total: 7, // the unreadable one is answered and no more
    'assignments_total{outcome="succeeded"}': 2,
    'assignments_total{outcome="failed"}': 5,
    'assignments_total{outcome="rejected"}': 1,
    assignments_cancelled_total: 1,
    assignment_duration_seconds_count: 7,
    'assignments_in_hand{phase="started"}': 0,
    results_delivered_total: 9,
    results_delayed_total: 0,
    registrations_total: 1,
    child_restarts_total: 1,
    link_up: 1,
    link_failures_total: 0,
    outbox_results: 0,
    outbox_oldest_seconds: 0,
  });
  const calm = await scene.status();
  expect(calm.counts).toEqual({ accepted: 7, succeeded: 2, failed: 6, delivered: 9 });
  expect(calm.outbox).toEqual({ waiting: 0, aside: 0 });

  // The backend goes while one runs, whose result waits.
  scene.peer.assign("w1", { do: "succeed", ms: 300 });
  await scene.peer.until("it runs", () => folder.effects().includes("w1 succeed"));
  const { port } = scene.peer;
  await scene.peer.stop();
  await told("outbox_results", 1);
  await told("link_up", 0);
  const out = await scene.status();
  expect(out).toMatchObject({ state: "not-ready", outbox: { waiting: 1, aside: 0 } });
  expect(out.link).toMatchObject({ state: "down", reason: expect.any(String) });
  expect(Date.parse(out.outbox.oldestAt ?? "")).toBeWithin(
    Date.parse(out.startedAt),
    Date.parse(out.now) + 1,
  );
  const outMetrics = await metricsOf(scene);
  expect(outMetrics).toMatchObject({ ready: 0, 'assignments_total{outcome="succeeded"}': 3 });
  expect(outMetrics.outbox_oldest_seconds).toBeGreaterThan(0);
  expect(outMetrics.link_failures_total).toBe(scene.servant.events("link.lost").length);
  expect(outMetrics.results_delayed_total).toBe(scene.servant.events("result.delayed").length);

  // It comes back.
  scene.peer = new HostileBackend(port);
  await done(1);
  await told("link_up", 1);
  await told("outbox_results", 0);
  expect(await metricsOf(scene)).toMatchObject({
    ready: 1,
    link_reconnects_total: 1,
    results_delivered_total: 10,
    outbox_oldest_seconds: 0,
  });
  expect((await scene.status()).link).toMatchObject({ state: "up", failures: 0 });

  // Killed while one runs: the next one counts from nothing, and answers for it.
  scene.peer.assign("k1", { do: "until cancelled, then fail" });
  await scene.peer.until("it runs", () => folder.effects().some((line) => line.startsWith("k1 ")));
  await scene.servant.stop("SIGKILL");
  await scene.start();
  await scene.peer.result("k1");
  await told("outbox_results", 0);
  // One more when the kill came before the delivery of w1 was kept: it is sent again.
  const again = scene.peer.taken.filter(({ audit_id }) => audit_id === "w1").length - 1;
  await told("results_delivered_total", 1 + again);
  expect(await metricsOf(scene)).toMatchObject({
    assignments_accepted_total: 0,
    'assignments_total{outcome="succeeded"}': 0,
    'assignments_total{outcome="failed"}': 1,
    'assignments_total{outcome="rejected"}': 0,
    child_restarts_total: 0,
    'assignments_in_hand{phase="started"}': 0,
  });
}, 30_000);
