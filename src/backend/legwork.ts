/**
 * How far scripts are: which of their legs are done. It outlives the step, the plan and the process,
 * so that a survey which was cut off goes on where it stopped; the step's success ends it.
 */
import * as z from "zod/mini";
import { type Atom, parseAtom } from "../core/atom.ts";
import type { StepDef } from "../core/domain.ts";
import { stepText } from "./progress.ts";
import { type Keep, keepNothing, type StoredDocument } from "./store.ts";

/** Scripts that are remembered; beyond it the oldest are forgotten. */
export const SCRIPTS_MAX = 1_000;

const AtomText = z.pipe(
  z.string(),
  z.transform((text: string): Atom => parseAtom(text)),
);
export const LegsDone = z.object({
  done: z.number(),
  mark: z.string(),
  from: z.object({ fluents: z.array(z.string()), atoms: z.array(AtomText) }),
});
export interface LegsDone {
  /** So many, from the first on. */
  readonly done: number;
  /** Of those legs: others with the same number are not the same. */
  readonly mark: string;
  /** Where things were when the script was laid out: a script may depend on it. */
  readonly from: { readonly fluents: readonly string[]; readonly atoms: readonly Atom[] };
}

export class Legwork {
  readonly #keep: Keep;
  readonly #byStep = new Map<string, LegsDone>();

  constructor(keep: Keep = keepNothing, kept: readonly StoredDocument[] = []) {
    this.#keep = keep;
    for (const { key, value } of kept) {
      const { data } = LegsDone.safeParse(value); // another version's: flown from the first leg
      if (data !== undefined) this.#byStep.set(key, data);
    }
  }

  of(step: StepDef): LegsDone | undefined {
    return this.#byStep.get(stepText(step));
  }

  note(step: StepDef, legs: LegsDone): void {
    const key = stepText(step);
    this.#byStep.set(key, legs);
    const { done, mark, from } = legs;
    const { fluents, atoms } = from;
    this.#keep.put("script", key, { done, mark, from: { fluents, atoms } });
    for (const oldest of this.#byStep.keys()) {
      if (this.#byStep.size <= SCRIPTS_MAX) break;
      this.#drop(oldest);
    }
  }

  forget(step: StepDef): void {
    this.#drop(stepText(step));
  }

  clear(): void {
    this.#byStep.clear();
    this.#keep.clear("script");
  }

  #drop(key: string): void {
    if (this.#byStep.delete(key)) this.#keep.remove("script", key);
  }
}
