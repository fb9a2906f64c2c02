/**
 * Makes a journal of schema 1 (one row for each fact, with all it says) one of the present schema.
 */
import type { Database } from "bun:sqlite";
import type { Fact } from "../core/entry.ts";
import { damage, SCHEMA } from "./journal-file.ts";
import { JournalStore } from "./journal-store.ts";

interface Row {
  readonly origin: string;
  readonly body: string;
}

/** Within the caller's transaction: a power cut leaves the file as it was. */
export function migrateFrom1(db: Database): void {
  db.run("ALTER TABLE facts RENAME TO facts_1; DROP INDEX facts_by_key;");
  db.run(SCHEMA);
  const store = new JournalStore(db);
  try {
    const origins = new Map<string, number>();
    using rows = db.prepare<Row, []>("SELECT origin, body FROM facts_1 ORDER BY seq");
    for (const { origin: url, body } of rows.iterate()) {
      const origin = origins.get(url) ?? (url === "" ? 0 : store.originOf(url));
      origins.set(url, origin);
      store.write(factOf(body), origin);
    }
  } finally {
    store.close();
  }
  db.run("DROP TABLE facts_1");
}

function factOf(body: string): Fact {
  try {
    return JSON.parse(body) as Fact;
  } catch {
    throw damage(`a fact is no JSON: ${body.slice(0, 80)}`);
  }
}
