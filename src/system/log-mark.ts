/**
 * A mark beside the log while an agent writes it. It says which number was given out last, before
 * anybody hears of it: lines that a killed agent had not yet written are lost, but the next agent
 * knows how many they were, and no number stands for two lines.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";

/**
 * What the kernel keeps survives the agent, not the machine: after that went down the mark is old.
 * So many numbers are left out then.
 */
export const UNSEEN_LINES = 1_000_000;
const NUMBER_CHARS = 16;

export class LogMark {
  readonly #path: string;
  readonly #text = Buffer.alloc(NUMBER_CHARS);
  #fd: number | undefined;

  private constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  /** Makes the mark. @throws what the system says */
  static open(path: string, lastSeq: number): LogMark {
    const mark = new LogMark(path, openSync(path, "w", 0o600));
    mark.note(lastSeq);
    if (mark.#fd !== undefined) writeSync(mark.#fd, ` ${bootId()}\n`, NUMBER_CHARS);
    return mark;
  }

  /** This number is given out. A write of one page that is there: it waits for no disk. */
  note(seq: number): void {
    if (this.#fd === undefined) return;
    this.#text.write(String(seq).padStart(NUMBER_CHARS, "0"), "latin1");
    try {
      writeSync(this.#fd, this.#text, 0, NUMBER_CHARS, 0);
    } catch {
      this.#void();
    }
  }

  /** Another one, for somebody took this one away. @throws what the system says */
  renewed(): LogMark {
    this.#close();
    return LogMark.open(this.#path, Number(this.#text.toString("latin1")));
  }

  /** The log is whole. @throws what the system says */
  remove(): void {
    this.#close();
    rmSync(this.#path, { force: true });
  }

  /** One that cannot be kept up says nothing any more. */
  #void(): void {
    try {
      if (this.#fd !== undefined) ftruncateSync(this.#fd, 0);
    } catch {
      // the disk is going: `boot` in a stream's hello still tells this life from the next
    }
    this.#close();
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** The first number that certainly stands for no line, where an agent left its mark. */
export function nextAfterMark(path: string, lastSeq: number): number {
  const [number = "", boot = ""] = readFileSync(path, "latin1").trim().split(" ");
  const given = Math.max(lastSeq, Number(number) || 0);
  return boot !== "" && boot === bootId() ? given + 1 : given + 1 + UNSEEN_LINES;
}

/** Another one after each start of the machine; empty where nobody knows. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return "";
  }
}
