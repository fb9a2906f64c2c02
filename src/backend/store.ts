/** Where the parts of a backend leave what is to outlive the process. */
import type { Json } from "../core/json.ts";
import type { DocumentKind, LineKind } from "../core/store.ts";

export type {
  BackendStore,
  Change,
  DocumentKind,
  LineKind,
  StoredDocument,
  StoredLine,
} from "../core/store.ts";

/** Nothing here waits or fails. */
export interface Keep {
  put(kind: DocumentKind, key: string, value: Json): void;
  remove(kind: DocumentKind, key: string): void;
  clear(kind: DocumentKind): void;
  line(kind: LineKind, atMicros: number, value: Json): void;
  trim(kind: LineKind, toMicros: number): void;
}

/** Keeps nothing. */
export const keepNothing: Keep = {
  put() {},
  remove() {},
  clear() {},
  line() {},
  trim() {},
};
