/** What is wanted, what holds, what there is. */
import { h, keyedList, setAttribute, setText } from "./dom.ts";
import { icon } from "./icon.ts";
import { countText } from "./words.ts";

/** Atoms and objects that are listed; beyond it a count tells of the others. */
const LISTED_MAX = 1_000;

export interface Scene {
  readonly goal: readonly string[];
  /** Atoms that hold, or the first of them. */
  readonly state: readonly string[];
  /** How many hold. */
  readonly atoms: number;
}
export interface ObjectRecord {
  readonly name: string;
  readonly type: string;
  readonly value_fields: Readonly<Record<string, unknown>>;
}

export interface ScenePlaces {
  readonly goal: HTMLElement;
  readonly stateTitle: HTMLElement;
  readonly state: HTMLElement;
}

export function scenePanel({ goal, stateTitle, state }: ScenePlaces): (scene: Scene) => void {
  const drawState = atomList(state);
  const list = h("ul", { class: "goal-atoms" });
  const drawGoal = keyedList<{ readonly atom: string; readonly holds: boolean }>(
    list,
    ({ atom }) => atom,
    () => {
      const shape = icon();
      const word = h("span", { class: "unseen" });
      const text = h("span");
      return {
        element: h("li", {}, shape.element, word, text),
        update({ atom, holds }) {
          shape.show(holds ? { shape: "check", tone: "good" } : { shape: "ring", tone: "idle" });
          setText(word, holds ? "reached: " : "wanted: ");
          setText(text, atom);
        },
      };
    },
  );
  const lead = h("span");
  goal.replaceChildren(lead, list);
  return (scene) => {
    const held = new Set(scene.state);
    setText(lead, scene.goal.length === 0 ? "No goal is set." : "Goal: ");
    drawGoal(scene.goal.slice(0, LISTED_MAX).map((atom) => ({ atom, holds: held.has(atom) })));
    setText(stateTitle, `State: ${countText(scene.atoms)} atoms hold`);
    drawState(scene.state.slice(0, LISTED_MAX));
  };
}

/** The objects that nothing may enter. */
export function keepOutsIn(state: readonly string[]): ReadonlySet<string> {
  return new Set(state.flatMap((atom) => /^no_entry\(([^,]+)\)$/.exec(atom)?.[1] ?? []));
}

function atomList(list: HTMLElement): (atoms: readonly string[]) => void {
  return keyedList<string>(
    list,
    (atom) => atom,
    (atom) => ({ element: h("li", {}, atom), update: () => {} }),
  );
}

/** Objects by type, with their fields. */
export function objectPanel(
  title: HTMLElement,
  list: HTMLElement,
): (objects: readonly ObjectRecord[]) => void {
  const draw = keyedList<ObjectRecord>(
    list,
    ({ name }) => name,
    () => {
      const name = h("strong");
      const type = h("span", { class: "soft" });
      const fields = h("code");
      return {
        element: h("li", {}, name, type, fields),
        update(object) {
          setText(name, object.name);
          setText(type, object.type);
          const values = Object.entries(object.value_fields);
          const text = values.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(" ");
          setText(fields, text.length > 200 ? `${text.slice(0, 200)}…` : text);
          setAttribute(fields, "title", text.length > 200 ? text.slice(0, 2_000) : undefined);
        },
      };
    },
  );
  let shown: readonly ObjectRecord[] | undefined;
  return (objects) => {
    if (objects === shown) return;
    shown = objects;
    setText(title, `Objects: ${countText(objects.length)}`);
    draw([...objects].sort(byType).slice(0, LISTED_MAX));
  };
}

function byType(one: ObjectRecord, other: ObjectRecord): number {
  return one.type.localeCompare(other.type) || one.name.localeCompare(other.name);
}
