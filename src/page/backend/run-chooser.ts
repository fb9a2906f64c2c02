/** Which run is shown: the newest, until somebody chooses an earlier one. */
import type { RunSummary } from "../../wire/direct.ts";
import { byId, h, keyedList, setText } from "../parts/dom.ts";
import { dayClockText } from "../parts/words.ts";
import type { Model } from "./model.ts";
import { isoOf, runText, STATUS } from "./views.ts";

const PLANNED =
  "This plan is made and kept, and has not begun. To carry it out, say: agent call execute";
const NOTHING = "Nothing has run yet. To carry the goal out, say: agent call execute";

interface Choice {
  /** Empty: whatever is the newest. */
  readonly id: string;
  readonly text: string;
}

export function runChooser(news: () => void): (model: Model) => void {
  const select = byId<HTMLSelectElement>("runs");
  const draw = keyedList<Choice>(
    select,
    ({ id }) => id,
    ({ id }) => {
      const element = h("option", { value: id });
      return { element, update: ({ text }) => setText(element, text) };
    },
  );
  let shown: Model | undefined;
  select.addEventListener("change", () => {
    if (shown === undefined) return;
    shown.chosen = select.value === "" ? undefined : select.value;
    news();
  });
  return (model) => {
    shown = model;
    const choices = choicesOf(model);
    draw(choices);
    select.hidden = choices.length < 2;
    const wanted = model.chosen ?? "";
    if (select.value !== wanted) select.value = wanted;
    setText(byId("run-message"), messageOf(model));
  };
}

function choicesOf({ run, runs, chosen }: Model): Choice[] {
  const earlier = runs.map((each) => ({ id: each.run_id, text: choiceText(each) }));
  const [newest, ...others] = earlier;
  if (newest === undefined) return [];
  if (chosen === undefined && run?.status === "planned") {
    return [{ id: "", text: "planned, not begun" }, ...earlier];
  }
  // Chosen by its name it stays, though a newer one begins.
  const first = chosen === undefined ? newest.text : "the newest";
  return [{ id: "", text: first }, ...(chosen === undefined ? others : earlier)];
}

function choiceText(run: RunSummary): string {
  const word = STATUS[run.status]?.word.toLowerCase() ?? run.status;
  return `${dayClockText(isoOf(run.started), Date.now())} ${runText(run)}: ${word}`;
}

function messageOf({ run, chosen, runs }: Model): string {
  if (run === undefined) return NOTHING;
  if (run.status === "planned") return PLANNED;
  const summary = runs.find(({ run_id }) => run_id === chosen);
  const message = "message" in run && typeof run.message === "string" ? run.message : "";
  if (summary === undefined) return message;
  return `An earlier run, begun ${dayClockText(isoOf(summary.started), Date.now())}: ${message}`;
}
