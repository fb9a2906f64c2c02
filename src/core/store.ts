/**
 * What of a backend, or of a gateway, outlives the process: documents by name (a later value replaces an earlier one) and lines in
 * the order of their time. Whoever hands in the port decides where they are.
 */
import type { Json } from "./json.ts";

/** `meta` holds the backend's own marks; the others are named for what they hold. */
export type DocumentKind =
  | "meta"
  | "object"
  | "atom"
  | "goal"
  | "mission"
  | "servant"
  | "run"
  | "script"
  | "session"
  | "step"
  | "token";
export type LineKind = "log" | "trace" | "track";

export type Change =
  | {
      readonly op: "put";
      readonly kind: DocumentKind;
      readonly key: string;
      readonly value: Json;
    }
  | { readonly op: "remove"; readonly kind: DocumentKind; readonly key: string }
  /** Forgets every document of a kind. */
  | { readonly op: "clear"; readonly kind: DocumentKind }
  | {
      readonly op: "line";
      readonly kind: LineKind;
      readonly atMicros: number;
      readonly value: Json;
    }
  /** Forgets the lines of a kind up to and including this time. */
  | { readonly op: "trim"; readonly kind: LineKind; readonly toMicros: number };

export interface StoredDocument {
  readonly key: string;
  readonly value: Json;
}
export interface StoredLine {
  /** Epoch microseconds; no two lines of a kind have the same. */
  readonly atMicros: number;
  readonly value: Json;
}

export interface BackendStore {
  /** In the order in which they were first put. */
  documents(kind: DocumentKind): readonly StoredDocument[];
  /** Oldest first. */
  lines(kind: LineKind): readonly StoredLine[];
  /** Takes all the changes in order, or none of them. Resolves when they are durable. */
  write(changes: readonly Change[]): Promise<void>;
  close(): Promise<void>;
}
