/** The last lines of the log, in memory: as many as fit its two limits, lines and bytes. */
import { headOf, type LogChunk, linesOf } from "../core/log.ts";

export const RING_LINES = 50_000;
export const RING_BYTES = 16 * 2 ** 20;
/** Lines are kept in blocks, and leave by the block. */
const BLOCK_BYTES = 256 * 1024;

export interface RingLimits {
  readonly lines: number;
  readonly bytes: number;
  readonly blockBytes: number;
}

interface Block {
  readonly bytes: Uint8Array<ArrayBuffer>;
  length: number;
  readonly first: number;
  last: number;
}

const NEWLINE = 0x0a;
const decoder = new TextDecoder();

/** Holds between its limit of lines and one block more; never more than its limit of bytes. */
export class Ring {
  readonly #limits: RingLimits;
  readonly #blocks: Block[] = [];
  #bytes = 0;
  /** A block that left, to be used again: else a busy log would leave 20 MB of garbage a second. */
  #spare: Uint8Array<ArrayBuffer> | undefined;

  constructor(limits: Partial<RingLimits> = {}) {
    this.#limits = { lines: RING_LINES, bytes: RING_BYTES, blockBytes: BLOCK_BYTES, ...limits };
  }

  /**
   * Takes the lines that follow those it has; `first` is the number of the first of them. The bytes
   * of what it gives back are its own: they are good until it takes more.
   */
  add(first: number, texts: readonly string[]): LogChunk {
    const size = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
    const block = this.#blockFor(first, size);
    const begin = block.length;
    // One by one: all of them joined would be a second copy, and as much garbage again.
    const memory = Buffer.from(block.bytes.buffer);
    for (const text of texts) {
      block.length += memory.write(text, block.length);
      block.bytes[block.length] = NEWLINE;
      block.length += 1;
    }
    block.last = first + texts.length - 1;
    this.#evict();
    return { first, last: block.last, bytes: block.bytes.subarray(begin, block.length) };
  }

  /**
   * The block that has this line, or the oldest one when that line is gone. Its bytes are good until
   * the ring takes more.
   */
  blockOf(seq: number): LogChunk | undefined {
    const block = this.#blocks.find(({ last }) => last >= seq);
    return block && { ...block, bytes: block.bytes.subarray(0, block.length) };
  }

  /**
   * The first line that is not older than this. It is within when an older line is here too: else
   * there may be an earlier one elsewhere.
   */
  seqAt(timeMs: number): { readonly seq: number; readonly isWithin: boolean } | undefined {
    const isRecent = (text = "") => (headOf(text)?.timeMs ?? 0) >= timeMs;
    for (const [index, block] of this.#blocks.entries()) {
      const texts = linesOf(decoder.decode(block.bytes.subarray(0, block.length)));
      if (!isRecent(texts.at(-1))) continue;
      const at = texts.findIndex(isRecent);
      return { seq: block.first + at, isWithin: index > 0 || at > 0 };
    }
    return undefined;
  }

  /** Gives back all but its newest block. */
  trim(): void {
    const gone = this.#blocks.splice(0, this.#blocks.length - 1);
    for (const { bytes } of gone) this.#bytes -= bytes.length;
    this.#spare = undefined;
  }

  get lines(): number {
    const [oldest] = this.#blocks;
    return oldest === undefined ? 0 : (this.#blocks.at(-1)?.last ?? 0) - oldest.first + 1;
  }

  get bytes(): number {
    return this.#bytes;
  }

  #blockFor(first: number, size: number): Block {
    const current = this.#blocks.at(-1);
    if (current !== undefined && current.length + size <= current.bytes.length) return current;
    const isUsual = size <= this.#limits.blockBytes;
    const bytes =
      (isUsual && this.#spare) || new Uint8Array(Math.max(size, this.#limits.blockBytes));
    if (bytes === this.#spare) this.#spare = undefined;
    const block = { bytes, length: 0, first, last: first - 1 };
    this.#blocks.push(block);
    this.#bytes += bytes.length;
    return block;
  }

  #evict(): void {
    while (this.#blocks.length > 1) {
      const [oldest] = this.#blocks as [Block];
      const rest = this.lines - (oldest.last - oldest.first + 1);
      if (this.#bytes <= this.#limits.bytes && rest < this.#limits.lines) return;
      this.#blocks.shift();
      this.#bytes -= oldest.bytes.length;
      if (oldest.bytes.length === this.#limits.blockBytes) this.#spare = oldest.bytes;
    }
  }
}
