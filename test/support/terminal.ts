/** A program on a terminal of its own, as a person at a keyboard sees it. */
import { PATIENCE_MS } from "./running.ts";

export interface OnTerminal {
  /** All that the terminal has shown: what the program wrote and what was echoed. */
  shown(): string;
  /** Resolves when what is shown, from the last `type` or `resize` on, holds this. */
  until(text: string | RegExp): Promise<void>;
  type(keys: string): void;
  resize(columns: number, rows: number): void;
  readonly pid: number;
  readonly exited: Promise<number>;
}

export function onTerminal(
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): OnTerminal {
  const decoder = new TextDecoder();
  let shown = "";
  let from = 0;
  let changed = Promise.withResolvers<void>();
  const child = Bun.spawn([...command], {
    env: { ...process.env, ...env },
    terminal: {
      cols: 100,
      rows: 30,
      data(_terminal, bytes) {
        shown += decoder.decode(bytes, { stream: true });
        changed.resolve();
        changed = Promise.withResolvers<void>();
      },
    },
  });
  return {
    shown: () => shown,
    async until(text) {
      const late = Bun.sleep(PATIENCE_MS).then(() => "late" as const);
      while (!holds(shown.slice(from), text)) {
        const next = await Promise.race([changed.promise, late]);
        if (next === "late") throw new Error(`never shown: ${text}\n${shown}`);
      }
    },
    type(keys) {
      from = shown.length;
      child.terminal?.write(keys);
    },
    resize(columns, rows) {
      from = shown.length;
      child.terminal?.resize(columns, rows);
    },
    pid: child.pid,
    exited: child.exited.finally(() => child.terminal?.close()),
  };
}

function holds(shown: string, text: string | RegExp): boolean {
  return typeof text === "string" ? shown.includes(text) : text.test(shown);
}
