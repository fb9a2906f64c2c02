import { expect, test } from "bun:test";
import { openBus } from "../../src/agent/bus.ts";

test("publish() reaches every listener in turn, until its listening ends", () => {
  const bus = openBus();
  const heard: string[] = [];
  const end = bus.listen(({ type }) => heard.push(`first ${type}`));
  bus.listen(({ type }) => heard.push(`second ${type}`));
  bus.publish({ type: "journal.recovered" });
  end();
  end();
  bus.publish({ type: "agent.stopped", undelivered: 0 });
  expect(heard).toEqual([
    "first journal.recovered",
    "second journal.recovered",
    "second agent.stopped",
  ]);
});

test("a listener that throws is dropped, and the others still hear", () => {
  const bus = openBus();
  let calls = 0;
  let heard = 0;
  bus.listen(() => {
    calls += 1;
    throw new Error("broken report");
  });
  bus.listen(() => {
    heard += 1;
  });
  for (let at = 0; at < 3; at += 1) bus.publish({ type: "journal.recovered" });
  expect([calls, heard]).toEqual([1, 3]);
});
