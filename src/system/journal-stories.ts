/**
 * Reads a journal beside an agent that may be writing it, or where none runs: nothing is locked or
 * changed, and no look lasts longer than a page.
 */
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import type { AuditId } from "../core/assignment.ts";
import { type Entry, type Fact, fold } from "../core/entry.ts";
import { ServantError } from "../core/errors.ts";
import { foldMachine, isMachineFact, type Machine } from "../core/machine.ts";
import { asServantError, SCHEMA_VERSION, versionOf } from "./journal-file.ts";
import { JournalReader } from "./journal-reader.ts";
import { auditIdOf, type EntryRow, keyOfStored, STATE, storedKey } from "./journal-rows.ts";

/** An entry of any backend, with its facts. */
export interface Story {
  readonly origin: string;
  readonly entry: Entry;
  readonly facts: readonly Fact[];
}

export const states = ["unfinished", "waiting", "closed", "refused"] as const;
export type StateName = (typeof states)[number];
export type Counts = Readonly<Record<StateName, number>>;

const STATES_OF: Readonly<Record<StateName, readonly number[]>> = {
  unfinished: [STATE.unfinished],
  waiting: [STATE.waiting],
  closed: [STATE.delivered, STATE.compacted],
  refused: [STATE.refused],
};
const PAGE_ROWS = 256;
/** A page for a person ends past this many characters of telemetry, however few stories it has. */
const PAGE_MAX_CHARACTERS = 4 * 1024 * 1024;
/** How many audit ids are compared with one that is not there. */
const NEAR_MAX = 2_000;

export interface PageQuery {
  readonly origin: string;
  /** Absent: all. */
  readonly state?: StateName | undefined;
  /** The `next` of the page before; absent: from the newest. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** Newest first. */
export interface StoryPage {
  readonly stories: readonly Story[];
  /** Where the next page begins; absent after the last one. */
  readonly next?: number;
}

export class JournalStories {
  readonly #path: string;
  readonly #db: Database;
  readonly #reader: JournalReader;

  /** @throws {ServantError} `state.absent`, `journal.other-version`, `journal.damaged` */
  constructor(path: string) {
    if (!existsSync(path)) {
      throw new ServantError("state.absent", `Cannot read journal "${path}": there is none`);
    }
    this.#path = path;
    this.#db = this.#try(() => new Database(path, { strict: true, readonly: true }));
    try {
      const version = this.#try(() => versionOf(this.#db));
      if (version !== SCHEMA_VERSION) {
        const problem = "it was written by another version of the agent";
        throw new ServantError(
          "journal.other-version",
          `Cannot read journal "${path}": ${problem}`,
        );
      }
      this.#reader = this.#try(() => new JournalReader(this.#db));
    } catch (cause) {
      this.#db.close();
      throw cause;
    }
  }

  /** Those in a state, or all. */
  *stories(order: "oldest first" | "newest first", state?: StateName): IterableIterator<Story> {
    const wanted = (state === undefined ? Object.values(STATE) : STATES_OF[state]).join(", ");
    const [isBehind, sorted] = order === "oldest first" ? [">", "ASC"] : ["<", "DESC"];
    const sql = `SELECT * FROM entries WHERE state IN (${wanted}) AND id ${isBehind} ?
      ORDER BY id ${sorted} LIMIT ${PAGE_ROWS}`;
    let id = order === "oldest first" ? 0 : Number.MAX_SAFE_INTEGER;
    for (;;) {
      const rows = this.#rows(sql, [id]);
      for (const row of rows) {
        const story = this.#story(row);
        if (story !== undefined) yield story;
      }
      const last = rows.at(-1);
      if (last === undefined) return;
      id = last.id;
    }
  }

  /** Some of one backend's. */
  page({ origin, state, before = Number.MAX_SAFE_INTEGER, limit }: PageQuery): StoryPage {
    const wanted = (state === undefined ? Object.values(STATE) : STATES_OF[state]).join(", ");
    const sql = `SELECT * FROM entries WHERE state IN (${wanted}) AND id < ?
      AND origin = (SELECT id FROM origins WHERE url = ?) ORDER BY id DESC LIMIT ?`;
    const rows = this.#rows(sql, [before, origin, limit]);
    const stories: Story[] = [];
    let characters = 0;
    for (const row of rows) {
      if (characters > PAGE_MAX_CHARACTERS) return { stories, next: row.id + 1 };
      const story = this.#story(row);
      if (story === undefined) continue;
      characters += JSON.stringify(story.entry.result?.telemetry ?? null).length;
      stories.push(story);
    }
    const last = rows.at(-1);
    return last === undefined || rows.length < limit ? { stories } : { stories, next: last.id };
  }

  /** Every entry of an audit id: of several backends, or of several contents. */
  find(auditId: AuditId): Story[] {
    const key = storedKey(auditId as string as Entry["key"]);
    const sql = "SELECT * FROM entries WHERE key >= ? AND key < ? ORDER BY key, id";
    const rows = this.#rows(sql, [key, `${key}\u0001`]);
    return rows.map((row) => this.#story(row)).filter((story) => story !== undefined);
  }

  /** A few audit ids that begin so. */
  beginning(text: string): AuditId[] {
    const sql = "SELECT * FROM entries WHERE key >= ? AND key < ? ORDER BY key LIMIT 12";
    return auditIds(this.#rows(sql, [text, `${text}\u{10ffff}`]));
  }

  /** The newest audit ids: what a mistyped one is compared with. */
  newest(): AuditId[] {
    return auditIds(this.#rows(`SELECT * FROM entries ORDER BY id DESC LIMIT ${NEAR_MAX}`, []));
  }

  count(): Counts {
    const sql = "SELECT state, count(*) AS count FROM entries GROUP BY state";
    const query = this.#try(() => this.#db.query<{ state: number; count: number }, []>(sql));
    const rows = this.#try(() => query.all());
    const of = (name: StateName) =>
      rows
        .filter(({ state }) => STATES_OF[name].includes(state))
        .reduce((n, each) => n + each.count, 0);
    return {
      unfinished: of("unfinished"),
      waiting: of("waiting"),
      closed: of("closed"),
      refused: of("refused"),
    };
  }

  /** What is known of the machine itself. */
  machine(): Machine {
    const facts = this.#try(() => this.#reader.machineFacts());
    return facts.filter(isMachineFact).reduce(foldMachine, {});
  }

  close(): void {
    this.#reader.close();
    this.#db.close();
  }

  #rows(sql: string, values: (string | number)[]): EntryRow[] {
    return this.#try(() => {
      using query = this.#db.prepare<EntryRow, (string | number)[]>(sql);
      return query.all(...values);
    });
  }

  /** Undefined when the agent has forgotten it since its row was read. */
  #story(row: EntryRow): Story | undefined {
    return this.#try(() => {
      const facts = this.#reader.factsOf(row);
      const entry = facts.reduce<Entry | undefined>(fold, undefined);
      const origin = this.#reader.urlOf(row.origin);
      return entry && { origin, entry, facts };
    });
  }

  #try<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      throw asServantError(cause, `read journal "${this.#path}"`, "state.unwritable");
    }
  }
}

function auditIds(rows: readonly EntryRow[]): AuditId[] {
  return [...new Set(rows.map(({ key }) => auditIdOf(keyOfStored(key))))];
}
