/**
 * What a body of msgpack may hold, looked at before anything is made of it. A library makes room for
 * what a header announces: five bytes can ask for four thousand million members.
 */
import { JSON_DEPTH_MAX } from "../core/json.ts";

export interface Bounds {
  /** Arrays and maps within each other. */
  readonly depth: number;
  /** Of one text. */
  readonly textBytes: number;
  /** All there are, keys among them: what a body takes of the processor grows with them. */
  readonly values: number;
}

export const BOUNDS: Bounds = {
  depth: JSON_DEPTH_MAX,
  textBytes: 8 * 1024 * 1024,
  values: 100_000,
};

/** Bytes after the first, where that alone says how many; the rest of 0xc0 to 0xdf says it itself. */
const FIXED: Readonly<Record<number, number>> = {
  ...{ 192: 0, 194: 0, 195: 0, 202: 4, 203: 8, 204: 1, 205: 2, 206: 4, 207: 8 },
  ...{ 208: 1, 209: 2, 210: 4, 211: 8, 212: 2, 213: 3, 214: 5, 215: 9, 216: 17 },
};
/** How many bytes tell a length or a count. */
const WIDTH: Readonly<Record<number, 1 | 2 | 4>> = {
  ...{ 199: 1, 200: 2, 201: 4, 217: 1, 218: 2, 219: 4, 220: 2, 221: 4, 222: 2, 223: 4 },
};
const NO_ITEMS = 0;

/**
 * Passes over one value, which must be all there is. Values of any type pass, but for bytes: no value
 * of OSC2 is one, and a decoder that is to look at its texts itself cannot tell them apart.
 *
 * @throws {Error} saying what is beyond its bounds, or that the bytes are no msgpack
 */
export function checkBounds(bytes: Uint8Array, bounds: Bounds = BOUNDS): void {
  const scan = new Scan(bytes, bounds);
  /** Of each collection around: how many are still to come, keys and values of a map alike. */
  const open: number[] = [];
  for (let values = 1; ; values += 1) {
    if (values > bounds.values) throw new Error(`it holds more than ${bounds.values} values`);
    const items = scan.next();
    if (items > NO_ITEMS) {
      if (open.length >= bounds.depth) throw new Error(`it nests deeper than ${bounds.depth}`);
      open.push(items);
      continue;
    }
    while (open.length > 0) {
      const left = (open.pop() ?? 0) - 1;
      if (left === 0) continue;
      open.push(left);
      break;
    }
    if (open.length === 0) break;
  }
  if (scan.left > 0) throw new Error(`${scan.left} bytes follow its end`);
}

class Scan {
  readonly #view: DataView;
  #at = 0;

  constructor(
    bytes: Uint8Array,
    private readonly bounds: Bounds,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#view.byteLength - this.#at;
  }

  /** Passes over a value; of a collection only over its header, and tells what is to come in it. */
  next(): number {
    const head = this.#view.getUint8(this.#skip(1));
    if (head < 0x80 || head >= 0xe0) return NO_ITEMS;
    if (head < 0x90) return this.#announced(2 * (head & 0x0f));
    if (head < 0xa0) return this.#announced(head & 0x0f);
    if (head < 0xc0) return this.#text(head & 0x1f);
    const fixed = FIXED[head];
    if (fixed !== undefined) {
      this.#skip(fixed);
      return NO_ITEMS;
    }
    const width = WIDTH[head];
    if (width === undefined) {
      throw new Error(head === 0xc1 ? "0xc1 is no msgpack" : "it holds bytes: texts are str");
    }
    const size = this.#number(width);
    if (head >= 0xde) return this.#announced(2 * size);
    if (head >= 0xdc) return this.#announced(size);
    return this.#text(head <= 0xc9 ? size + 1 : size); // of an extension: its type, too
  }

  /** Each member takes a byte at least: more cannot come than there are. */
  #announced(items: number): number {
    if (items > this.left) throw new Error("it ends before its last member");
    return items;
  }

  #text(size: number): number {
    if (size > this.bounds.textBytes) {
      throw new Error(`a text is longer than ${this.bounds.textBytes} bytes`);
    }
    this.#skip(size);
    return NO_ITEMS;
  }

  #number(width: 1 | 2 | 4): number {
    const at = this.#skip(width);
    if (width === 1) return this.#view.getUint8(at);
    return width === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  /** Where it was. */
  #skip(size: number): number {
    if (size > this.left) throw new Error("it ends too early");
    const at = this.#at;
    this.#at += size;
    return at;
  }
}
