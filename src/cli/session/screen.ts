/** A terminal's other screen: drawn over in place, and as it was when it is left. */

/** Where what is drawn goes. */
export interface ScreenStream {
  write(text: string): unknown;
  readonly columns?: number;
  readonly rows?: number;
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
}
export interface ScreenKeys {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  off(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
/** Terminals that know it show a frame at once; others pass over it. */
const [FRAME, SHOWN] = ["\u001b[?2026h", "\u001b[?2026l"];
const HOME = "\u001b[H";
const TO_LINE_END = "\u001b[K";
const TO_SCREEN_END = "\u001b[J";

export class Screen {
  readonly #out: ScreenStream;
  readonly #keys: ScreenKeys;
  readonly #heard: (bytes: Uint8Array) => void;
  readonly #resized: () => void;

  /** `typed` gets each key; `resized` is called when there is another room. */
  constructor(
    out: ScreenStream,
    keys: ScreenKeys,
    { typed, resized }: { typed: (key: string) => void; resized: () => void },
  ) {
    this.#out = out;
    this.#keys = keys;
    this.#heard = (bytes) => {
      for (const key of new TextDecoder().decode(bytes)) typed(key);
    };
    this.#resized = resized;
    if (keys.isTTY === true) keys.setRawMode?.(true); // first: what is typed is not to be seen
    keys.on("data", this.#heard);
    keys.resume();
    out.on("resize", resized);
    out.write(ENTER);
  }

  get columns(): number {
    return this.#out.columns || 80; // a terminal that does not know it says 0
  }

  get rows(): number {
    return this.#out.rows || 24;
  }

  /** Overwrites what is there: nothing is wiped before, so nothing flickers. */
  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, this.rows).map((line) => line + TO_LINE_END);
    this.#out.write(`${FRAME}${HOME}${shown.join("\r\n")}${TO_SCREEN_END}${SHOWN}`);
  }

  leave(): void {
    this.#out.off("resize", this.#resized);
    this.#keys.off("data", this.#heard);
    this.#keys.pause();
    this.#out.write(LEAVE);
    if (this.#keys.isTTY === true) this.#keys.setRawMode?.(false);
  }
}
