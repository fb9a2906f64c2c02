// Our backend begins a run and is asked how far it is; a plain one holds the request. Either way the
// results are those of the end, whatever the link does in between.
import { expect, test } from "bun:test";
import { RemoteOrchestrator } from "../../src/client/orchestrator.ts";
import type { Json } from "../../src/core/json.ts";
import { type Answer, fakeDynos } from "../support/fake-dynos.ts";

const RUN = { run_id: "r1", kind: "goal", what: "a", status: "running", started: 1 };
const DONE = { success: true, message: "", action_name: "move", parameters: {} };

/** A backend whose run answers each question with the next of `answers`, the last one for ever. */
function running(answers: readonly (Answer | (() => Answer))[]) {
  let asked = 0;
  return fakeDynos({
    "POST /execute": Response.json({ run_id: "r1", status: "running" }, { status: 202 }),
    "GET /runs/r1": () => {
      const answer = answers[Math.min(asked++, answers.length - 1)] ?? null;
      return typeof answer === "function" ? answer() : answer;
    },
  });
}

const unavailable = () => Response.json({ detail: "not now" }, { status: 503 });
const ended = (rest: Readonly<Record<string, Json>>) => ({ ...RUN, ended: 2, ...rest });

test("executePlan() follows its run over an outage, to its results", async () => {
  const results = [{ ...DONE, success: false, message: "stuck" }, DONE];
  await using backend = running([
    RUN,
    unavailable,
    unavailable,
    RUN,
    ended({ status: "succeeded", success: true, results }),
  ]);
  const told: string[] = [];
  const onRun = (id: string) => void told.push(id);
  const warned: string[] = [];
  const orchestrator = new RemoteOrchestrator(backend.url, { warn: (line) => warned.push(line) });
  expect(await orchestrator.executePlan({ onRun })).toEqual(results);
  expect(told).toEqual(["r1"]);
  expect(warned).toEqual([
    expect.stringContaining("no answer about run r1, asking on: "),
    "the backend answers again about run r1",
  ]);
  expect(backend.heard[0]).toMatchObject({ path: "/execute?wait=false", body: {} });
});

test("a run that ended with its backend is no success, whatever its steps were", async () => {
  await using backend = running([
    ended({ status: "interrupted", message: "the backend ended", results: [DONE] }),
  ]);
  expect(await new RemoteOrchestrator(backend.url).executePlan()).toEqual([
    DONE,
    { type: "goal", success: false, message: "the backend ended" },
  ]);
  const underWay = [DONE, { ...DONE, success: null, message: "under way" }];
  await using another = running([ended({ status: "interrupted", results: underWay })]);
  const results = await new RemoteOrchestrator(another.url).executePlan();
  expect(results.map(({ success }) => success)).toEqual([true, false]);
});

test("a backend that stays away for too long is given up, and the run's id is told", async () => {
  await using backend = running([RUN, unavailable]);
  const asked = new RemoteOrchestrator(backend.url, { outageMs: 100 }).executePlan();
  await expect(asked).rejects.toMatchObject({
    code: "backend.unavailable",
    message: expect.stringContaining("run r1 may go on"),
  });
});

test("a run that the backend knows no more is an error at once", async () => {
  await using backend = fakeDynos({ "POST /execute": { run_id: "r1" } });
  const asked = new RemoteOrchestrator(backend.url).executePlan();
  await expect(asked).rejects.toMatchObject({ code: "backend.rejected", statusCode: 404 });
});

test("an abort ends the waiting and nothing else", async () => {
  await using backend = running([RUN]);
  const stop = new AbortController();
  const onRun = () => stop.abort();
  const asked = new RemoteOrchestrator(backend.url).executePlan({ onRun, signal: stop.signal });
  await expect(asked).rejects.toMatchObject({ code: "backend.unreachable" });
  expect(backend.heard.every(({ path }) => !path.includes("cancel"))).toBe(true);
});

test("two plans at once are refused with the backend's reason", async () => {
  await using backend = fakeDynos({
    "POST /execute": Response.json({ detail: "run r0 goes on" }, { status: 409 }),
  });
  const asked = new RemoteOrchestrator(backend.url).executePlan();
  await expect(asked).rejects.toMatchObject({ statusCode: 409, detail: "run r0 goes on" });
});
