/** Planners of other people, from PyPI: what they say of tasks in PDDL. */
import { join } from "node:path";
import { pythonWith } from "./python.ts";

export const PLANNERS = ["unified-planning==1.3.0", "up-fast-downward==1.0.0", "pyperplan==2.1"];

/** A Python that has them; undefined, with a warning, when it cannot be had. */
export function plannersPython(): Promise<string | undefined> {
  return pythonWith("planners", PLANNERS);
}

export interface Question {
  readonly domain: string;
  readonly problem: string;
  /** Ours, as a plan file; null when we found none. */
  readonly plan: string | null;
}
export interface Judgement {
  /** What a complete search of Fast Downward found. */
  readonly verdict?: "plan" | "none";
  /** What the cheapest plan costs. */
  readonly cost?: number;
  /** Why our plan is wrong: none, when it is right. */
  readonly faults?: readonly string[];
  /** True when unified-planning would not judge; the simulation has judged alone. */
  readonly undecided?: boolean;
  readonly error?: string;
}

/** Asks one process of theirs one question after the other. */
export class Judge {
  readonly #child;
  readonly #answers: AsyncIterator<string>;

  constructor(python: string) {
    this.#child = Bun.spawn([python, join(import.meta.dir, "planners.py")], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#answers = lines(this.#child.stdout);
  }

  async ask(question: Question): Promise<Judgement> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    await this.#child.stdin.flush();
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error("the planners' process has ended");
    return JSON.parse(value) as Judgement;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.end();
    await this.#child.exited;
  }
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
