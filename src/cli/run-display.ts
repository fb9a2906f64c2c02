/** What `agent run` shows: each step as it happens, live on a terminal, as lines elsewhere. */
import type { Progress } from "../backend/progress.ts";
import { drawSteps, StepList, stepText } from "./call/step-list.ts";
import { LiveBlock } from "./live-block.ts";
import { durationText, type Output, printable } from "./output.ts";

export interface RunDisplay {
  observe(progress: Progress): void;
  /** Prints a log line without disturbing what is drawn. */
  log(text: string): void;
  end(): void;
}

/** For programs: nothing but the document at the end; logs still go to stderr. */
export function silentDisplay(): RunDisplay {
  return { observe: () => {}, log: (text) => void process.stderr.write(text), end: () => {} };
}

export function openRunDisplay(out: Output): RunDisplay {
  return out.isTerminal ? new LiveDisplay(out) : new LineDisplay(out);
}

type Step = Extract<Progress, { type: "step.started" }>["step"];

function nameOf({ transition, parameters }: Step): string {
  return stepText({ transition, parameters });
}

class LiveDisplay implements RunDisplay {
  readonly #out: Output;
  readonly #list = new StepList();
  #block: LiveBlock | undefined;

  constructor(out: Output) {
    this.#out = out;
  }

  observe(progress: Progress): void {
    const now = performance.now();
    if (progress.type === "planned") this.#list.planned(progress.steps.map(nameOf));
    else if (progress.type === "step.started") this.#list.started(nameOf(progress.step), now, now);
    else if (progress.type === "step.finished") {
      const { step, success, message } = progress;
      this.#list.finished(nameOf(step), success, message, now);
    } else if (progress.type === "replanning") {
      this.log(`${this.#out.paint.yellow("replanning")}: ${printable(progress.reason)}\n`);
    }
    this.#block ??= new LiveBlock(this.#out, () =>
      drawSteps(this.#list.steps, performance.now(), this.#out.paint, this.#out.columns),
    );
    this.#block.draw();
  }

  log(text: string): void {
    if (this.#block === undefined) process.stderr.write(text);
    else this.#block.above(text);
  }

  end(): void {
    this.#block?.end();
    this.#block = undefined;
  }
}

class LineDisplay implements RunDisplay {
  readonly #out: Output;
  #startedAtMs = 0;

  constructor(out: Output) {
    this.#out = out;
  }

  observe(progress: Progress): void {
    const { line } = this.#out;
    if (progress.type === "planned") {
      const { length } = progress.steps;
      line(`plan: ${length} ${length === 1 ? "step" : "steps"}`);
      progress.steps.forEach((step, index) => void line(`  ${index + 1}. ${nameOf(step)}`));
    } else if (progress.type === "step.started") {
      this.#startedAtMs = performance.now();
      line(`… ${nameOf(progress.step)}`);
    } else if (progress.type === "step.finished") {
      const took = durationText(performance.now() - this.#startedAtMs);
      const { step, success, message } = progress;
      const why = success || message === "" ? "" : `: ${printable(message)}`;
      line(`${success ? "✓" : "✗"} ${nameOf(step)}${why}  ${took}`);
    } else if (progress.type === "replanning") line(`replanning: ${printable(progress.reason)}`);
  }

  log(text: string): void {
    process.stderr.write(text);
  }

  end(): void {}
}
