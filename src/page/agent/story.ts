/** The whole story of one assignment: its facts, what it was asked with, what came out. */
import type { AssignmentStory, StoryFact } from "../../wire/local.ts";
import { show } from "../parts/dialogs.ts";
import { button, type Child, h } from "../parts/dom.ts";
import { icon } from "../parts/icon.ts";
import { clockText, dayClockText, durationText } from "../parts/words.ts";
import { door } from "./door.ts";
import type { Model } from "./model.ts";
import { notesOf, outcomeOf } from "./outcome.ts";
import { tookMs } from "./timeline.ts";

export function storyOpener(model: Model, jumpTo: (auditId: string) => void) {
  return async (auditId: string): Promise<void> => {
    const dialog = show("Assignment", [h("p", { class: "quiet" }, "Reading…")]);
    try {
      const story = await door.assignment(auditId);
      const toLog = () => {
        dialog.close();
        jumpTo(auditId);
      };
      dialog.replace(contents(story, model, toLog));
    } catch (cause) {
      dialog.replace([h("p", {}, cause instanceof Error ? cause.message : String(cause))]);
    }
  };
}

function contents(story: AssignmentStory, model: Model, toLog: () => void): Child[] {
  const outcome = outcomeOf(story);
  const shape = icon();
  shape.show(outcome);
  const took = tookMs(story, model.nowMs);
  const said = [
    ...(took === undefined ? [] : [`${durationText(took)}`]),
    ...notesOf(story),
    ...(story.message ? [story.message] : []),
  ].join(" · ");
  return [
    h("p", { class: "what" }, story.what),
    h("p", { class: "line" }, shape.element, h("strong", {}, outcome.word), h("span", {}, said)),
    h("p", { class: "line" }, h("code", {}, story.auditId), button({}, toLog, "Show in the log")),
    h("h3", {}, "Facts"),
    h("ol", { class: "facts" }, ...story.facts.map((fact) => factLine(fact, model))),
    h("h3", {}, "Assignment"),
    h("pre", {}, JSON.stringify(story.assignment, undefined, 2)),
    ...(story.result === undefined
      ? []
      : [h("h3", {}, "Result"), h("pre", {}, JSON.stringify(story.result, undefined, 2))]),
  ];
}

function factLine({ type, at, ...rest }: StoryFact, { nowMs }: Model): Element {
  const extra = Object.entries(rest)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(
      ([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`,
    );
  return h(
    "li",
    {},
    h("span", { class: "time", title: dayClockText(at, nowMs) }, clockText(at, { ms: true })),
    h("strong", {}, type),
    h("span", {}, extra.join(", ")),
  );
}
