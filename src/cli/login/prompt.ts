/**
 * Asks a person at the terminal: a name, or a password that is not shown. On stderr, so that what a
 * command prints stays clean.
 */
import { ServantError } from "../../core/errors.ts";

/** No name and no password is longer; what is typed beyond it is dropped. */
const ANSWER_MAX_CHARS = 4_096;

/** Arrows and the like, as a terminal tells them: no characters of any answer. */
const ARROWS = new RegExp(`${"\u001b"}(?:\\[[0-9;?]*[ -/]*[@-~]|O[@-~])`, "g");

/** What a command ends with then: 128 and the signal's number. */
export const INTERRUPTED = 130;

/** The person pressed Ctrl-C, or ended the input. */
export class Interrupted extends Error {}

/** The part of a terminal's input that is used. */
export interface Keys {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  off(event: string, listener: (bytes: Uint8Array) => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** Reads lines from a terminal; what is typed ahead of a question is its answer. */
export class Prompt {
  readonly #keys: Keys;
  readonly #show: (text: string) => void;
  readonly #decoder = new TextDecoder();
  /** Typed, and not yet asked for. */
  #ahead = "";

  constructor(keys: Keys, show: (text: string) => void) {
    this.#keys = keys;
    this.#show = show;
  }

  /**
   * @throws {ServantError} `usage.invalid`: there is no terminal; `instead` says what would do.
   * @throws {Interrupted}
   */
  async ask(question: string, instead: string): Promise<string> {
    return await this.#line(question, instead, (typed) => this.#show(typed));
  }

  /** The same, and nothing of the answer is shown. */
  async secret(question: string, instead: string): Promise<string> {
    return await this.#line(question, instead, () => {});
  }

  async #line(question: string, instead: string, echo: (typed: string) => void): Promise<string> {
    const keys = this.#keys;
    if (keys.isTTY !== true || keys.setRawMode === undefined) {
      throw new ServantError("usage.invalid", `Cannot ask here: this is no terminal; ${instead}`);
    }
    // Before the question is seen: nobody types earlier than that by intent.
    keys.setRawMode(true);
    try {
      this.#show(question);
      return await this.#typed(echo);
    } finally {
      keys.setRawMode(false);
      keys.pause();
      this.#show("\n");
    }
  }

  async #typed(echo: (typed: string) => void): Promise<string> {
    const line = new Line(echo);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const take = () => {
      const { rest, outcome } = line.take(this.#ahead);
      this.#ahead = rest;
      if (outcome === "interrupted") reject(new Interrupted());
      else if (outcome === "done") resolve(line.text);
    };
    const onData = (bytes: Uint8Array) => {
      this.#ahead += this.#decoder.decode(bytes, { stream: true });
      take();
    };
    const onEnd = () => reject(new Interrupted());
    this.#keys.on("data", onData);
    this.#keys.on("end", onEnd);
    this.#keys.resume();
    take();
    try {
      return await promise;
    } finally {
      this.#keys.off("data", onData);
      this.#keys.off("end", onEnd);
    }
  }
}

/** Asks at the terminal that the command was started on. */
export function openPrompt(): Prompt {
  return new Prompt(process.stdin, (text) => void process.stderr.write(text));
}

/** One line as it is typed: what the terminal's driver does when it is not raw. */
export class Line {
  readonly #echo: (typed: string) => void;
  #typed: string[] = [];

  constructor(echo: (typed: string) => void) {
    this.#echo = echo;
  }

  get text(): string {
    return this.#typed.join("");
  }

  /** Takes keys up to the end of the line; `rest` belongs to the next one. */
  take(keys: string): {
    readonly rest: string;
    readonly outcome: "done" | "interrupted" | undefined;
  } {
    const characters = [...keys.replace(ARROWS, "")];
    for (const [at, key] of characters.entries()) {
      if (key === "\r" || key === "\n") {
        const isPair = key === "\r" && characters[at + 1] === "\n"; // pasted lines end with both
        return { rest: characters.slice(at + (isPair ? 2 : 1)).join(""), outcome: "done" };
      }
      if (key === "\u0003") return { rest: "", outcome: "interrupted" };
      if (key === "\u0004" && this.#typed.length === 0) return { rest: "", outcome: "interrupted" };
      this.#press(key);
    }
    return { rest: "", outcome: undefined };
  }

  #press(key: string): void {
    if (key === "\u007f" || key === "\b") this.#erase(1);
    else if (key === "\u0015") this.#erase(this.#typed.length);
    else if (key >= " " && this.#typed.length < ANSWER_MAX_CHARS) {
      this.#typed.push(key);
      this.#echo(key);
    }
  }

  #erase(count: number): void {
    const erased = this.#typed.splice(this.#typed.length - count, count);
    this.#echo("\b \b".repeat(erased.length));
  }
}
