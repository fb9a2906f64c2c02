// Goal: a plugin's plain methods `pause`, `resume`, `cancel` and `reset` run when somebody at the
// backend asks for them, beside a handler that runs; a handler of that name is none.
import { expect, test } from "bun:test";
import { action } from "../support/fake-ports.ts";
import { never, openChild, pluginSource } from "./plugin-child.ts";

test("a hook runs beside a handler, with its own context, and what it throws is told", async () => {
  const source = pluginSource(`
    cancel(ctx) { ctx.log.info("cancel heard"); this.isOver = true; }
    reset() { throw new Error("the door is open"); }
    async pause() { await sleep(1); }
    @act("resume") resume() { return true; }
    @act("move") async move() { while (!this.isOver) await sleep(5); return true; }
  `);
  await using child = await openChild(source);
  const { runner } = child;
  const moving = runner.run(action("a1"), never);
  expect(await runner.hook("pause")).toEqual({ is: "done" });
  expect(await runner.hook("reset")).toEqual({ is: "failed", message: "the door is open" });
  expect(await runner.hook("resume")).toEqual({ is: "absent" });
  expect(await runner.hook("cancel")).toEqual({ is: "done" });
  expect(await moving).toMatchObject({ success: true });
  await child.seen((event) => (event.type === "plugin.log" ? event.message : undefined));
  expect(child.logs()).toMatchObject([{ message: "cancel heard" }]);
});
