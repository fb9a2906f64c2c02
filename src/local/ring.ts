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
  readonly bytes: Uint8Array;
  length: number;
  readonly first: number;
  last: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Holds between its limit of lines and one block more; never more than its limit of bytes. */
export class Ring {
  readonly #limits: RingLimits;
  readonly #blocks: Block[] = [];
  #bytes = 0;

  constructor(limits: Partial<RingLimits> = {}) {
    this.#limits = { lines: RING_LINES, bytes: RING_BYTES, blockBytes: BLOCK_BYTES, ...limits };
  }

  /** Takes the lines that follow those it has; `first` is the number of the first of them. */
  add(first: number, texts: readonly string[]): LogChunk {
    const ndjson = `${texts.join("\n")}\n`;
    const size = Buffer.byteLength(ndjson);
    const block = this.#blockFor(first, size);
    const begin = block.length;
    encoder.encodeInto(ndjson, block.bytes.subarray(begin));
    block.length += size;
    block.last = first + texts.length - 1;
    this.#evict();
    return { first, last: block.last, bytes: block.bytes.subarray(begin, block.length) };
  }

  /** The block that has this line, or the oldest one when that line is gone. */
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
    const bytes = new Uint8Array(Math.max(size, this.#limits.blockBytes));
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
    }
  }
}
