/**
 * Reads an HTTP/1.1 answer out of the bytes of a connection, however they are cut. The other end is a
 * process of our own, so it is strict: what is not plain is a failure, never a guess.
 */
import { ServantError } from "../core/errors.ts";

export interface AnswerHead {
  readonly status: number;
  /** As they came, in their order; names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** The longest head of an answer, in bytes. */
const HEAD_MAX_BYTES = 64 * 1024;
/** The longest line of a chunk's size, with what may follow it, and of all trailers, in bytes. */
const LINE_MAX_BYTES = 4_096;
const BODILESS: readonly number[] = [204, 205, 304];
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d)(?: |$)/;

type Phase = "head" | "length" | "size" | "chunk" | "chunk-end" | "trailers" | "rest" | "done";

export class AnswerReader {
  /** Once it has been read whole. */
  head: AnswerHead | undefined;
  /** Whether the connection may carry another request after this answer. */
  keepsLine = true;
  readonly #isHead: boolean;
  #phase: Phase = "head";
  /** Bytes of a head or a line that has not ended. */
  #begun: Buffer | undefined;
  /** Bytes of the body, or of its chunk, that are still to come. */
  #left = 0;

  /** `method`: the answer to HEAD has no body, whatever its headers say. */
  constructor(method: string) {
    this.#isHead = method === "HEAD";
  }

  get isDone(): boolean {
    return this.#phase === "done";
  }

  /**
   * Takes what has come; `body` is handed the parts of the body in it.
   *
   * @throws {ServantError} `session.malformed-answer`
   */
  push(bytes: Uint8Array, body: (part: Uint8Array) => void): void {
    let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#begun !== undefined) {
      rest = Buffer.concat([this.#begun, rest]);
      this.#begun = undefined;
    }
    while (rest.length > 0) {
      if (this.#phase === "done") throw malformed("more than one answer");
      const used = this.#step(rest, body);
      if (used === 0) {
        this.#begun = rest;
        return;
      }
      rest = rest.subarray(used);
    }
  }

  /**
   * The connection has ended.
   *
   * @throws {ServantError} `session.malformed-answer` when the answer had not.
   */
  close(): void {
    if (this.#phase === "rest") this.#phase = "done";
    if (this.#phase !== "done") throw malformed("it ended too soon");
  }

  /** Takes one thing from the start; returns its length, 0 when it is not there whole. */
  #step(bytes: Buffer, body: (part: Uint8Array) => void): number {
    switch (this.#phase) {
      case "head":
        return this.#readHead(bytes);
      case "length":
      case "chunk":
      case "rest":
        return this.#readBody(bytes, body);
      default:
        return this.#readLine(bytes);
    }
  }

  #readBody(bytes: Buffer, body: (part: Uint8Array) => void): number {
    const part = this.#phase === "rest" ? bytes : bytes.subarray(0, this.#left);
    this.#left -= part.length;
    body(part);
    if (this.#left === 0 && this.#phase !== "rest") {
      this.#phase = this.#phase === "chunk" ? "chunk-end" : "done";
    }
    return part.length;
  }

  /** The lines between chunks. */
  #readLine(bytes: Buffer): number {
    const end = bytes.indexOf("\r\n");
    if (end < 0 || end > LINE_MAX_BYTES) {
      if (bytes.length > LINE_MAX_BYTES) throw malformed("a line of its chunks is too long");
      return 0;
    }
    const line = bytes.toString("latin1", 0, end);
    if (this.#phase === "chunk-end") {
      if (line !== "") throw malformed("a chunk is longer than its size");
      this.#phase = "size";
    } else if (this.#phase === "size") {
      const digits = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line)?.[1];
      if (digits === undefined) throw malformed("a chunk has no size");
      this.#left = Number.parseInt(digits, 16);
      this.#phase = this.#left === 0 ? "trailers" : "chunk";
    } else if (line === "") {
      this.#phase = "done"; // what trailers there were is dropped
    }
    return end + 2;
  }

  #readHead(bytes: Buffer): number {
    const end = bytes.indexOf("\r\n\r\n");
    if (end < 0 || end > HEAD_MAX_BYTES) {
      if (bytes.length > HEAD_MAX_BYTES) throw malformed("its head is too long");
      return 0;
    }
    const head = headOf(bytes.toString("latin1", 0, end));
    // 100 and 103 come before the answer; 101 was not asked for.
    if (head.status === 101) throw malformed("it switches protocols");
    if (head.status >= 200) {
      this.head = head;
      this.#frame(head);
    }
    return end + 4;
  }

  /** Finds where the body ends. */
  #frame({ status, headers }: AnswerHead): void {
    let length: string | undefined;
    let isChunked = false;
    for (const [name, value] of headers) {
      if (name === "content-length") {
        if (!/^\d{1,15}$/.test(value) || length !== undefined) throw malformed("its length");
        length = value;
      } else if (name === "transfer-encoding") {
        if (value.toLowerCase() !== "chunked" || isChunked) throw malformed("its encoding");
        isChunked = true;
      } else if (name === "connection" && /\bclose\b/i.test(value)) {
        this.keepsLine = false;
      }
    }
    if (isChunked && length !== undefined) throw malformed("two lengths");
    if (this.#isHead || BODILESS.includes(status)) {
      this.#phase = "done";
    } else if (isChunked) {
      this.#phase = "size";
    } else if (length !== undefined) {
      this.#left = Number(length);
      this.#phase = this.#left === 0 ? "done" : "length";
    } else {
      this.keepsLine = false;
      this.#phase = "rest";
    }
  }
}

function headOf(text: string): AnswerHead {
  const [first = "", ...lines] = text.split("\r\n");
  const status = STATUS_LINE.exec(first)?.[1];
  if (status === undefined) throw malformed("its first line");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon));
    if (!NAME.test(name)) throw malformed("a header");
    return [name.toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { status: Number(status), headers };
}

function malformed(what: string): ServantError {
  return new ServantError("session.malformed-answer", `Cannot read the session's answer: ${what}`);
}
