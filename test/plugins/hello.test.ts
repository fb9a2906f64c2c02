import { expect, test } from "bun:test";
import { testPlugin } from "servant-agent/testing";
import { Hello } from "../../plugins/hello.ts";

test("Hello greets whom it is told to", async () => {
  const hello = await testPlugin(Hello);
  expect(await hello.act("greet", { who: "world" })).toMatchObject({ success: true });
  expect(hello.logs).toMatchObject([{ level: "info", message: "Hello, world!" }]);
});

test("Hello brings its own vocabulary and a goal", async () => {
  const { offer } = await testPlugin(Hello);
  expect(offer.startGoal.map(String)).toEqual(["greeted(world)"]);
  expect(offer.vocabulary).toMatchObject({
    transitions: [{ name: "greet", params: [{ name: "who", type: "person" }] }],
    objects: [{ name: "world", type: "person" }],
  });
});

test("Hello greets nobody in particular not at all", async () => {
  const hello = await testPlugin(Hello);
  expect(await hello.act("greet")).toMatchObject({ code: "assignment.bad-params" });
});
