import { expect, test } from "bun:test";
import type { AuditId } from "../../src/core/assignment.ts";
import { move, robotAt } from "../../src/domains/warehouse.ts";
import {
  type ActionContext,
  action,
  BeliefResult,
  belief,
  Reconcile,
  reconcile,
  type SafeContext,
  safe,
  z,
} from "../../src/sdk/index.ts";
import { testPlugin } from "../../src/sdk/testing.ts";

class Cart {
  #room = "room_one";
  @action(move)
  async drive({ end }: { end: { name: string } }, ctx: ActionContext) {
    ctx.log.warning("driving", { to: end.name });
    ctx.progress(0.5);
    await ctx.orchestrator.setGoal(["robot_at(room_one)"]);
    ctx.signal.throwIfAborted();
    this.#room = end.name;
  }
  @belief(robotAt)
  where(ctx: ActionContext) {
    ctx.log.debug(ctx.transition);
    return BeliefResult.sole(`robot_at(${this.#room})`);
  }
}

const params = { start: "room_one", end: "room_two" };

test("testPlugin() runs handlers and keeps what they told", async () => {
  const goals: unknown[] = [];
  const cart = await testPlugin(Cart, { setGoal: async (atoms) => void goals.push(atoms) });
  const result = await cart.act("move", params);
  expect(result).toMatchObject({ success: true, auditId: "test-1" });
  expect(goals).toEqual([["robot_at(room_one)"]]);
  expect((await cart.observe("robot_at")).observed.map(({ atom }) => String(atom))).toEqual([
    "robot_at(room_two)",
  ]);
  expect(cart.logs).toMatchObject([
    { level: "warn", auditId: "test-1", message: "driving", fields: { to: "room_two" } },
    { level: "debug", auditId: "test-2", message: "robot_at" },
  ]);
  expect(cart.progress).toEqual([{ fraction: 0.5, message: "" }]);
});

test("testPlugin() says which orchestrator method the test must give", async () => {
  const cart = await testPlugin(Cart);
  expect(await cart.act("move", params)).toMatchObject({
    success: false,
    code: "usage.invalid",
    message: "Cannot call orchestrator.setGoal: give testPlugin() one that has it",
  });
});

test("testPlugin() passes a test's signal on", async () => {
  const abort = new AbortController();
  const cart = await testPlugin(Cart, { setGoal: async () => abort.abort() });
  expect(await cart.act("move", params, abort.signal)).toMatchObject({
    code: "handler.cancelled",
  });
});

test("testPlugin() lets a handler print its context", async () => {
  class Printer {
    @action(move)
    print(_params: object, { orchestrator }: ActionContext) {
      return { success: true, message: `${Object.prototype.toString.call(orchestrator)}` };
    }
  }
  const printer = await testPlugin(Printer);
  expect(await printer.act("move", params)).toMatchObject({ message: "[object Object]" });
});

test("testPlugin() refuses a class as the agent would", async () => {
  const refused = await testPlugin(class Plain {}).catch((cause) => cause);
  expect(refused).toMatchObject({ code: "plugin.no-handlers" });
});

class Careful {
  isMoving = true;
  @action(move)
  async drive(_params: unknown, ctx: ActionContext) {
    await ctx.untilResumed();
    return { success: true, message: `paused: ${ctx.paused}` };
  }
  @reconcile(move)
  look({ end }: { end: { name: string } }) {
    if (end.name === "room_two") return Reconcile.done("it is there");
    throw new Error("no camera");
  }
  @safe()
  halt(ctx: SafeContext) {
    if (!this.isMoving) throw new Error("it stands already");
    this.isMoving = false;
    ctx.log.info("halted");
  }
}

test("testPlugin() asks a plugin what became of an action", async () => {
  const cart = await testPlugin(Careful);
  expect(await cart.reconcile("move", params)).toEqual({ state: "done", message: "it is there" });
  const failed = cart.reconcile("move", { start: "room_two", end: "room_one" });
  expect(await failed.catch((cause) => cause)).toMatchObject({
    code: "handler.threw",
    message: "no camera",
  });
  const missing = await cart.reconcile("move", {}).catch((cause) => cause);
  expect(missing).toMatchObject({ code: "assignment.bad-params" });
});

test("testPlugin() makes a plugin's machine safe", async () => {
  const cart = await testPlugin(Careful);
  await cart.safe();
  expect(cart.logs.map(({ message }) => message)).toEqual(["halted"]);
  expect(await cart.safe().catch((cause) => cause)).toMatchObject({
    code: "handler.threw",
    message: "it stands already",
  });
});

test.each([false, 1, {}, "safe"])(
  "a safe method that returns %p is not believed",
  async (value) => {
    class Doubtful extends Careful {}
    Doubtful.prototype.halt = () => value as unknown as undefined;
    const cart = await testPlugin(Doubtful);
    expect(await cart.safe().catch((cause) => cause)).toMatchObject({ code: "handler.bad-result" });
  },
);

test("testPlugin() pauses handlers and lets them go on", async () => {
  const cart = await testPlugin(Careful);
  cart.setPaused(true);
  let isOver = false;
  const run = cart.act("move", params).finally(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  cart.setPaused(false);
  expect(await run).toMatchObject({ success: true, message: "paused: false" });
});

class Scale {
  grams: number | null = 2;
  @action("open", { params: z.object({}) })
  open(_params: object, { events, telemetry }: ActionContext) {
    const close = telemetry.stream("weight", () => this.grams, 500);
    telemetry.stream("broken", () => Promise.reject(new Error("no cell")), 1_000);
    events.alert("overload", "high", { grams: 250 });
    if (this.grams === null) close();
  }
}

test("testPlugin() keeps events, and reads a stream when the test asks", async () => {
  const scale = await testPlugin(Scale);
  await scale.act("open");
  expect(scale.streams).toEqual({ weight: 500, broken: 1_000 });
  expect(await scale.sample("weight")).toEqual({ value: 2 });
  expect(await scale.sample("broken").catch(({ message }) => message)).toBe("no cell");
  expect(scale.events).toEqual([
    {
      kind: "alert",
      auditId: "test-1" as AuditId,
      fields: { type: "overload", severity: "high", grams: 250 },
    },
  ]);
  expect(await scale.sample("height").catch(({ message }) => message)).toBe(
    'Cannot read stream "height": it is not open (open: weight, broken)',
  );
});

test("testPlugin() closes a stream", async () => {
  class Closing extends Scale {
    override grams = null;
  }
  const scale = await testPlugin(Closing);
  await scale.act("open");
  expect(scale.streams).toEqual({ broken: 1_000 });
});

test("testPlugin() sets a plugin up, calls its hooks and shuts it down", async () => {
  class Rig {
    calls: string[] = [];
    setup({ log, telemetry }: SafeContext) {
      this.calls.push("setup");
      telemetry.stream("calls", () => this.calls.length, 500);
      log.info("connected");
    }
    @action("open", { params: z.object({}) })
    open() {
      return { success: true, telemetry: { calls: this.calls } };
    }
    reset() {
      this.calls.push("reset");
    }
    cancel() {
      throw new Error("too late");
    }
    async shutdown({ log }: SafeContext) {
      log.info("put away");
    }
  }
  const rig = await testPlugin(Rig);
  await rig.hook("reset");
  await rig.hook("pause");
  expect(await rig.hook("cancel").catch(({ message }) => message)).toBe("too late");
  expect(await rig.act("open")).toMatchObject({
    auditId: "test-1",
    telemetry: { calls: ["setup", "reset"] },
  });
  expect(await rig.sample("calls")).toEqual({ value: 2 });
  await rig.shutdown();
  expect(rig.logs).toEqual([
    { level: "info", message: "connected", fields: {} },
    { level: "info", message: "put away", fields: {} },
  ]);
  class Broken extends Rig {
    override setup() {
      throw new Error("no port");
    }
  }
  expect(await testPlugin(Broken).catch((cause) => cause)).toMatchObject({
    code: "plugin.load-failed",
    message: "Cannot set the plugin up: no port",
  });
});
