/** What the backend inside this process plans and takes for true, for the local door. */
import type { Backend } from "../backend/backend.ts";
import { type Progress, stepText } from "../backend/progress.ts";
import { AtomsOf } from "../wire/dynos.ts";
import type { World } from "../wire/local.ts";
import { StepList } from "./call/step-list.ts";

/** How many atoms are listed at most. */
const ATOMS_MAX = 1_000;

/** Keeps the steps of the present execution, or of the last one. */
export class PlanWatch {
  #list = new StepList();
  #isOver = false;

  get steps(): World["plan"] {
    return this.#list.steps.map(({ text, phase, message }) => ({ what: text, phase, message }));
  }

  observe(progress: Progress): void {
    const now = performance.now();
    switch (progress.type) {
      case "planned":
        if (this.#isOver) this.#list = new StepList();
        this.#isOver = false;
        this.#list.planned(progress.steps.map(stepText));
        break;
      case "step.started":
        this.#list.started(stepText(progress.step), now, now);
        break;
      case "step.finished":
        this.#list.finished(stepText(progress.step), progress.success, progress.message, now);
        break;
      case "done":
        this.#isOver = true;
        break;
    }
  }
}

export async function worldOf(backend: Backend, { steps }: PlanWatch): Promise<World> {
  const read = async (path: string): Promise<unknown> => {
    const answer = await backend.fetch(new Request(`http://embedded.localhost${path}`));
    return await answer.json();
  };
  const [goal, state] = await Promise.all([read("/goal"), read("/state")]);
  const atoms = AtomsOf.state.parse(state).state;
  return {
    goal: AtomsOf.goal.parse(goal).goal,
    plan: steps,
    state: atoms.slice(0, ATOMS_MAX),
    atoms: atoms.length,
  };
}
