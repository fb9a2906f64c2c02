/** The steps of a plan and how far they are: a list that is drawn again as it advances. */
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { durationText, type Paint, printable } from "../output.ts";

export type StepPhase = "waiting" | "running" | "done" | "failed";

export interface Step {
  readonly text: string;
  readonly phase: StepPhase;
  readonly message: string;
  /** By this machine's clock: what a running step is timed with. */
  readonly startedAtMs?: number;
  /** By the backend's clock. */
  readonly stampMs?: number;
  readonly tookMs?: number;
}

const SPINNER = [..."⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"];
const SPINNER_MS = 100;

/** `move(start=room_one, end=room_two)`, whichever names a backend uses for it. */
export function stepText(step: JsonObject): string {
  const name = step.action_name ?? step.transition ?? step.action ?? step.name ?? step.type;
  const params = [step.parameters, step.params].find(isJsonObject) ?? {};
  const given = Object.entries(params).map(([param, value]) => `${param}=${plain(value)}`);
  return printable(`${name === undefined ? "step" : plain(name)}(${given.join(", ")})`);
}

function plain(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Every attempt in order: what is over, what runs, what is still planned. */
export class StepList {
  #steps: Step[] = [];

  get steps(): readonly Step[] {
    return this.#steps;
  }

  /** A new plan: keeps what has run, replaces what was still to come. */
  planned(texts: readonly string[]): void {
    const begun = this.#steps.filter(({ phase }) => phase !== "waiting");
    const coming = texts.map((text): Step => ({ text, phase: "waiting", message: "" }));
    this.#steps = [...begun, ...coming];
  }

  /** `stampMs` is when, by the clock that `finished` will use too. */
  started(text: string, atMs: number, stampMs?: number): void {
    const stamp = stampMs === undefined ? {} : { stampMs };
    const running = this.#running(text);
    if (running !== undefined) {
      this.#replaceFirst((each) => each === running, { ...stamp, ...running }); // said twice
      return;
    }
    const step: Step = { text, phase: "running", message: "", startedAtMs: atMs, ...stamp };
    this.#replaceFirst((each) => each.phase === "waiting" && each.text === text, step);
  }

  finished(text: string, success: boolean, message: string, stampMs: number): void {
    const running = this.#running(text);
    const since = running?.stampMs;
    const took = since === undefined ? {} : { tookMs: Math.max(stampMs - since, 0) };
    const phase = success ? "done" : "failed";
    this.#replaceFirst(
      (each) => (running === undefined ? each.phase === "waiting" : each === running),
      { text, phase, message, ...took },
    );
  }

  #running(text: string): Step | undefined {
    return this.#steps.find((each) => each.phase === "running" && each.text === text);
  }

  #replaceFirst(matches: (step: Step) => boolean, step: Step): void {
    const at = this.#steps.findIndex(matches);
    if (at >= 0) this.#steps[at] = step;
    else {
      const firstWaiting = this.#steps.findIndex(({ phase }) => phase === "waiting");
      this.#steps.splice(firstWaiting < 0 ? this.#steps.length : firstWaiting, 0, step);
    }
  }
}

/** The list as lines, none longer than `columns`. */
export function drawSteps(
  steps: readonly Step[],
  nowMs: number,
  paint: Paint,
  columns: number,
): string[] {
  return steps.map((step) => {
    const { text, phase, message, startedAtMs } = step;
    const runningMs = startedAtMs === undefined ? undefined : nowMs - startedAtMs;
    const tookMs = step.tookMs ?? runningMs;
    const took = tookMs === undefined ? "" : `  ${durationText(tookMs)}`;
    const why = phase === "failed" && message !== "" ? `: ${printable(message)}` : "";
    const body = clip(`${text}${why}${took}`, columns - 3);
    return phase === "waiting" ? paint.dim(`· ${body}`) : `${mark(phase, nowMs, paint)} ${body}`;
  });
}

function mark(phase: StepPhase, nowMs: number, paint: Paint): string {
  if (phase === "done") return paint.green("✓");
  if (phase === "failed") return paint.red("✗");
  return paint.yellow(SPINNER[Math.floor(nowMs / SPINNER_MS) % SPINNER.length] ?? "");
}

function clip(text: string, width: number): string {
  return width > 1 && text.length > width ? `${text.slice(0, width - 1)}…` : text;
}
