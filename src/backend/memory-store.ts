/** A store that lives as long as whoever holds it: for a backend that need not outlive its process. */
import type { Json } from "../core/json.ts";
import type { BackendStore, Change, DocumentKind, LineKind } from "./store.ts";

export function memoryStore(): BackendStore {
  const documents = new Map<DocumentKind, Map<string, Json>>();
  const lines = new Map<LineKind, Map<number, Json>>();
  const documentsOf = (kind: DocumentKind) => entryOf(documents, kind);
  const linesOf = (kind: LineKind) => entryOf(lines, kind);

  function take(change: Change): void {
    switch (change.op) {
      case "put":
        documentsOf(change.kind).set(change.key, change.value);
        break;
      case "remove":
        documentsOf(change.kind).delete(change.key);
        break;
      case "clear":
        documentsOf(change.kind).clear();
        break;
      case "line":
        linesOf(change.kind).set(change.atMicros, change.value);
        break;
      case "trim": {
        const all = linesOf(change.kind);
        for (const atMicros of all.keys()) if (atMicros <= change.toMicros) all.delete(atMicros);
        break;
      }
    }
  }

  return {
    documents: (kind) => [...documentsOf(kind)].map(([key, value]) => ({ key, value })),
    lines: (kind) =>
      [...linesOf(kind)]
        .map(([atMicros, value]) => ({ atMicros, value }))
        .sort((a, b) => a.atMicros - b.atMicros),
    async write(changes) {
      changes.forEach(take);
    },
    async close() {},
  };
}

function entryOf<K, L, V>(all: Map<K, Map<L, V>>, kind: K): Map<L, V> {
  const found = all.get(kind) ?? new Map<L, V>();
  all.set(kind, found);
  return found;
}
