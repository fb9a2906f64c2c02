/** The plan and the state of the embedded backend. Hidden when none lives in this agent. */
import type { PlanStep, World } from "../../wire/local.ts";
import { byId, h, keyedList, type Part, setAttribute, setText } from "../parts/dom.ts";
import { icon } from "../parts/icon.ts";
import type { Outcome } from "../parts/tone.ts";
import { countText } from "../parts/words.ts";
import type { Model } from "./model.ts";

const OUTCOMES: Readonly<Record<PlanStep["phase"], Outcome>> = {
  waiting: { word: "waits", shape: "ring", tone: "idle" },
  running: { word: "runs", shape: "play", tone: "busy" },
  done: { word: "done", shape: "check", tone: "good" },
  failed: { word: "failed", shape: "alert", tone: "bad" },
};

export function worldView(model: Model): void {
  const section = byId("world");
  const plan = keyedList<PlanStep & { readonly nth: number }>(
    byId("plan"),
    ({ nth }) => `${nth}`,
    step,
  );
  const state = keyedList<string>(
    byId("state"),
    (atom) => atom,
    (atom) => ({ element: h("li", {}, atom), update: () => {} }),
  );
  let drawn: World | undefined;
  model.onDraw(({ world }) => {
    if (world === drawn) return;
    drawn = world;
    section.hidden = world === undefined;
    if (world === undefined) return;
    plan(world.plan.map((each, nth) => ({ ...each, nth })));
    showRunning(section);
    setText(
      byId("goal"),
      world.goal.length === 0 ? "No goal is set." : `Goal: ${world.goal.join(", ")}`,
    );
    setText(byId("state-title"), `State: ${countText(world.atoms)} atoms hold`);
    state(world.state);
  });
}

/** A long plan scrolls along with what runs. */
function showRunning(section: HTMLElement): void {
  const running = section.querySelector<HTMLElement>('[data-phase="running"]');
  if (running === null) return;
  const top = running.offsetTop - section.offsetTop;
  const bottom = top + running.offsetHeight;
  const { scrollTop, clientHeight } = section;
  if (top < scrollTop || bottom > scrollTop + clientHeight) {
    section.scrollTop = bottom - clientHeight * 0.7;
  }
}

function step(): Part<PlanStep> {
  const shape = icon();
  const word = h("span", { class: "word" });
  const what = h("span", { class: "what" });
  const message = h("span", { class: "message" });
  const element = h("li", {}, shape.element, word, what, message);
  return {
    element,
    update(told) {
      const outcome = OUTCOMES[told.phase];
      shape.show(outcome);
      setAttribute(element, "data-phase", told.phase);
      setText(word, outcome.word);
      setText(what, told.what);
      setText(message, told.phase === "failed" ? told.message : "");
    },
  };
}
