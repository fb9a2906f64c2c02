/** A Python program of the tests that is worked by lines of JSON: an answer line for each order line. */

export class PythonLines implements Disposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<string, void>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(command: readonly string[]) {
    this.#child = Bun.spawn([...command], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = linesOf(this.#child.stdout);
  }

  /**
   * One order after the other; each has its answer.
   *
   * @throws Error with what went wrong there
   */
  do<T>(order: { readonly do: string; readonly [argument: string]: unknown }): Promise<T> {
    const done = this.#last.then(async () => {
      this.#child.stdin.write(`${JSON.stringify(order)}\n`);
      this.#child.stdin.flush();
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`Python has ended during "${order.do}"`);
      const { answer, error } = JSON.parse(value) as { answer: T; error?: string };
      if (error !== undefined) throw new Error(error);
      return answer;
    });
    this.#last = done.catch(() => {});
    return done;
  }

  /** SIGSTOP and SIGCONT, too. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The process ends as by a power cut. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of stream) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
