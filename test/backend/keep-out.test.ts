// Goal: no step ends in a place with no_entry, in whatever way it gets there.
import { expect, test } from "bun:test";
import { domain, fluent, objectType, transition, when } from "../../src/core/vocabulary.ts";
import { harness } from "./harness.ts";

const room = objectType("room");
const [bath, bathroom] = [room("bath"), room("bathroom")];
const at = fluent("at", { room });
const near = fluent("near", { room }, { other: room });
const noEntry = fluent("no_entry", { room });
const stormy = fluent("stormy");
/** Let go, it is blown into the bath if there is a storm. */
const drift = transition("drift", {
  params: { from: room },
  preconditions: (p) => [at(p.from)],
  effects: (p) => [when(stormy(), { adds: [at(bath)], removes: [at(p.from)] })],
});
const watch = transition("watch", {
  preconditions: () => [at(bathroom)],
  adds: () => [noEntry(bath), near(bathroom, bath)],
});
const sailing = domain("sailing", {
  transitions: [drift, watch],
  fluents: [noEntry, stormy],
});

test("a plan does not drift into a keep-out, nor does what is triggered", async () => {
  await using http = harness({ domains: [sailing] });
  await http.register(["drift"]);
  const start = ["at(bathroom)", "stormy"];
  await http.post("/goal", { goal: ["at(bath)"] });
  await http.post("/start", { start });
  expect((await http.post("/plan")).body).toMatchObject({ plan: [{ action_name: "drift" }] });
  // Calm now, and who knows what comes while the step waits its turn.
  for (const state of [start, ["at(bathroom)"]]) {
    await http.post("/start", { start: [...state, "no_entry(bath)"] });
    expect((await http.post("/plan")).body).toMatchObject({ plan: null });
    const drifting = { action: "drift", params: { from: "bathroom" } };
    const { status, body } = await http.post("/trigger", drifting);
    expect([status, body.code]).toEqual([409, "step.keep-out"]);
    expect(body.detail).toContain("no_entry(bath) holds");
  }
});

test("a keep-out holds for its own place alone, and what names it beside another is no entry", async () => {
  await using http = harness({ domains: [sailing] });
  await http.register(["watch"]);
  await http.post("/goal", { goal: ["near(bathroom, bath)"] });
  await http.post("/start", { start: ["at(bathroom)", "no_entry(bath)"] });
  expect((await http.post("/plan")).body).toMatchObject({ plan: [{ action_name: "watch" }] });
});
