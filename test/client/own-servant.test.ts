import { expect, spyOn, test } from "bun:test";
import { action, BeliefResult, belief } from "servant-agent";
import { RemoteOrchestrator } from "../../src/client/orchestrator.ts";
import { move, type Room, robotAt, roomOne } from "../../src/domains/warehouse.ts";

class Cart {
  room: Room = roomOne;
  @action(move)
  drive({ end }: { end: Room }) {
    this.room = end;
    return { success: true, telemetry: { metres: 3 } };
  }
  @action("weigh", { params: { safeParse: (data: unknown) => ({ success: true, data }) } })
  weigh() {
    return true;
  }
  @belief(robotAt)
  where() {
    return BeliefResult.sole(robotAt(this.room));
  }
}

test("a class whose setup nobody calls here is told of", () => {
  const warn = spyOn(console, "warn").mockImplementation(() => {});
  try {
    const orchestrator = new RemoteOrchestrator("http://127.0.0.1:8421");
    orchestrator.registerClass(Cart);
    expect(warn).not.toHaveBeenCalled();
    orchestrator.registerClass(
      class Lift extends Cart {
        setup() {}
      },
    );
    expect(warn.mock.calls).toEqual([[expect.stringContaining("Lift has setup(), called by")]]);
  } finally {
    warn.mockRestore();
  }
});

test("a program can be a servant of its own", async () => {
  const orchestrator = new RemoteOrchestrator("http://127.0.0.1:8421").registerClass(Cart);
  expect(orchestrator.getRegisteredTransitionNames()).toEqual(["move"]);
  expect(orchestrator.getRegisteredAnonymousActionNames()).toEqual(["weigh"]);
  expect(orchestrator.getRegisteredBeliefFluents()).toEqual(["robot_at"]);
  const params = { start: "room_one", end: "room_two" };
  const result = await orchestrator.triggerAction("move", params, { auditId: "a1" });
  expect(result).toMatchObject({ success: true, auditId: "a1", telemetry: { metres: 3 } });
  expect(await orchestrator.triggerBelief("robot_at", { auditId: "a2" })).toMatchObject({
    success: true,
    audit_id: "a2",
    observed_state: { "robot_at(room_two)": true },
    exclusive_fluents: ["robot_at"],
  });
  expect(() => orchestrator.triggerAction("fly")).toThrow("no class registered here");
  expect(() => orchestrator.registerClass(class Empty {})).toThrow("no handlers");
});
