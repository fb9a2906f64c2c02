// The client and our backend, each as it is, on a real socket: what the one asks the other answers.
import { expect, test } from "bun:test";
import { action, BeliefResult, belief } from "servant-agent";
import { Mission } from "../../src/client/mission.ts";
import { RemoteOrchestrator } from "../../src/client/orchestrator.ts";
import { parseAtom } from "../../src/core/atom.ts";
import type { JsonObject } from "../../src/core/json.ts";
import {
  box,
  boxA,
  boxAt,
  move,
  pick,
  place,
  type Room,
  robotAt,
  roomOne,
  roomTwo,
  warehouse,
} from "../../src/domains/warehouse.ts";
import { harness } from "../backend/harness.ts";

class Robot {
  room: Room = roomOne;
  @action(move)
  drive({ end }: { end: Room }) {
    this.room = end;
  }
  @action(pick)
  lift() {}
  @action(place)
  lower() {}
  @belief(robotAt)
  where() {
    return BeliefResult.sole(robotAt(this.room));
  }
}

/** A servant in the test's own process, as a program would write one; ends with `stop`. */
async function serve(url: string, stop: AbortSignal): Promise<void> {
  const on = new RemoteOrchestrator(url, { signal: stop }).registerClass(Robot);
  const id = await on.registerServant({
    transitions: on.getRegisteredTransitionNames(),
    beliefs: on.getRegisteredBeliefFluents(),
  });
  const loop = async () => {
    while (!stop.aborted) {
      const assignment = await on.pollServantAssignment(id);
      if (assignment !== null) await on.postServantResult(id, await answer(on, assignment));
      else await Bun.sleep(5);
    }
  };
  void loop().catch((cause: unknown) => {
    if (!stop.aborted) throw cause;
  });
}

async function answer(on: RemoteOrchestrator, assignment: JsonObject): Promise<JsonObject> {
  const { kind, fluent_name, transition_name, params_json, audit_id } = assignment;
  const auditId = String(audit_id);
  if (kind === "belief") return await on.triggerBelief(String(fluent_name), { auditId });
  const params = params_json as JsonObject;
  const { success, message } = await on.triggerAction(String(transition_name), params, { auditId });
  return { success, message, audit_id: auditId };
}

test("the client plans, carries out, follows and lists, with a servant of its own", async () => {
  await using host = harness({ domains: [warehouse] });
  const stop = new AbortController();
  await serve(host.url, stop.signal);
  const on = new RemoteOrchestrator(host.url);
  await on.setStart([robotAt(roomOne), boxAt(roomOne, boxA)]);
  await on.setGoal(boxAt(roomTwo, boxA));
  expect(await on.plan()).toHaveLength(3);
  expect(on.lastPlanReason()).toMatchObject({ reason: "plan_found", relaxation: null });
  expect(await on.getPlanStepCosts()).toMatchObject({ total: 3 });
  const runs: string[] = [];
  const results = await on.executePlan({ onRun: (id) => void runs.push(id) });
  expect(results.map(({ action_name, success }) => [action_name, success])).toEqual([
    ["pick", true],
    ["move", true],
    ["place", true],
  ]);
  expect(await on.getRun(runs[0] ?? "")).toMatchObject({ status: "succeeded", results });
  expect((await on.listRuns()).map(({ run_id }) => run_id)).toEqual(runs);
  expect(await on.getCurrentState()).toContain(boxAt(roomTwo, boxA));
  expect(await on.queryBelief("robot_at")).toMatchObject({ observed: true });
  expect(await on.trigger(move, { start: roomTwo, end: roomOne })).toMatchObject({ success: true });

  const mission = new Mission("tidy")
    .addAction(move, { start: roomOne, end: roomTwo })
    .addPlan([boxAt(roomOne, boxA)])
    .addOrder([], "nothing");
  expect((await on.executeBlocks(mission)).map(({ success }) => success)).toEqual([
    true,
    true,
    true,
  ]);
  await on.saveMission(mission);
  expect(Mission.fromJSON(await on.loadMission("tidy"))).toMatchObject({ name: "tidy" });
  await on.patchMission("tidy", { op: "remove", index: 2 });
  await on.patchMission("tidy", { op: "remove", index: 0 });
  expect(await on.planMission("tidy")).toEqual([]);
  expect(await on.executeMission("tidy")).toMatchObject([{ success: true }]);
  await on.forkMission("other");
  expect((await on.listMissions()).map(({ name }) => name)).toEqual(["tidy", "other"]);
  await on.deleteMission("other");
  expect((await on.getTraces()).map(({ kind }) => kind)).toContain("behavior_end");
  expect((await on.getLogs()).length).toBeGreaterThan(0);
  stop.abort();
});

test("the client makes, changes and deletes objects, and says what it believes", async () => {
  await using host = harness({ domains: [warehouse] });
  const on = new RemoteOrchestrator(host.url);
  const made = await on.createObject(box, undefined, { weight: 3 }, { returnRef: true });
  await on.updateObject(made.name, { weight: 4 });
  const [found] = (await on.listObjects("box")).filter(({ name }) => name === made.name);
  expect(found).toMatchObject({ value_fields: { weight: 4 } });
  await on.setBelief(boxAt(roomOne, made), true);
  await on.pushBeliefBatch([{ fluent: robotAt(roomOne), value: true }]);
  expect([...(await on.getCurrentState())].sort()).toEqual(
    [boxAt(roomOne, made), parseAtom("hands_free"), robotAt(roomOne)].sort(),
  );
  expect((await on.getObjectTree()).length).toBeGreaterThan(0);
  expect(typeof (await on.getObjectsModifiedAt()).modified_at).toBe("number");
  expect(await on.getGeojson()).toMatchObject({ type: "FeatureCollection" });
  expect((await on.listFluents()).length).toBeGreaterThan(0);
  expect((await on.listObjectTypes()).map(({ name }) => name)).toContain("box");
  await on.setBelief(boxAt(roomOne, made), false);
  await on.deleteObjectCascade(made.name);
  await expect(on.deleteObject(made.name)).rejects.toMatchObject({ name: "RemoteRequestError" });
  expect(await on.resetBackend()).toMatchObject({ status: "ok" });
  await expect(on.getRun("none")).rejects.toMatchObject({ name: "RemoteRequestError" });
});
