/** The sessions, one a row: sorted by what the reader has chosen, and only those that match. */
import { ageS, idleS } from "../../wire/session-figures.ts";
import { button, byId, h, keyedList, type Part, setAttribute, setText } from "../parts/dom.ts";
import { icon } from "../parts/icon.ts";
import type { Outcome } from "../parts/tone.ts";
import { bytesText, durationText, shortId } from "../parts/words.ts";
import type { Deeds } from "./deeds.ts";
import type { ShownSession } from "./door.ts";
import type { Model } from "./model.ts";

interface Column {
  readonly head: string;
  /** Only admins are told. */
  readonly isForAdmins?: boolean;
  readonly of: (session: ShownSession, shares: Model["shares"]) => string | number | undefined;
  readonly sortedAs?: (session: ShownSession) => number;
  /** How a number reads. */
  readonly text?: (value: number) => string;
}

/** They are told in whole ones. */
const seconds = (value: number) =>
  value < 60 ? `${Math.floor(value)} s` : durationText(value * 1_000);
const COLUMNS: readonly Column[] = [
  { head: "Session", of: ({ label, session_id }) => label ?? session_id },
  { head: "Owner", of: ({ owner_username }) => owner_username, isForAdmins: true },
  { head: "Status", of: ({ status }) => status },
  {
    head: "Age",
    of: (session) => ageS(session),
    text: seconds,
    // Ages are in whole seconds, each with a beginning of its own: rows would change places.
    sortedAs: ({ created_at }) => -Date.parse(created_at),
  },
  { head: "Idle", of: (session) => idleS(session), text: seconds },
  { head: "Expires in", of: ({ expires_in_s }) => expires_in_s, text: seconds },
  { head: "Memory", of: ({ memory_bytes }) => memory_bytes, text: bytesText, isForAdmins: true },
  {
    head: "CPU",
    of: ({ session_id }, shares) => shares.get(session_id),
    text: (share) => `${share.toFixed(1)} %`,
    isForAdmins: true,
  },
  { head: "In flight", of: ({ in_flight }) => in_flight, text: String, isForAdmins: true },
];
const STATUS: Readonly<Record<string, Outcome>> = {
  running: { word: "running", shape: "play", tone: "good" },
  dead: { word: "dead", shape: "broken", tone: "bad" },
};
const OTHER: Outcome = { word: "", shape: "clock", tone: "idle" };

export function tableView(deeds: Deeds): (model: Model) => void {
  keepTable();
  let [sortedBy, isDescending] = ["Age", true];
  let last: Model | undefined;
  const draw = (model: Model) => {
    last = model;
    const isAdmin = model.login?.role === "admin";
    const columns = COLUMNS.filter(({ isForAdmins }) => isAdmin || isForAdmins !== true);
    heads(columns.map(({ head }) => ({ head, sort: head === sortedBy ? order() : undefined })));
    const found = (model.sessions ?? []).filter(matches(filter.value));
    const by = COLUMNS.find(({ head }) => head === sortedBy) ?? COLUMNS[0];
    rows(
      sorted(found, by, isDescending, model.shares).map((session) => ({ session, columns, model })),
    );
    const none = byId("none");
    none.hidden = found.length > 0;
    setText(none, noneText(model));
    byId("table").hidden = found.length === 0;
  };
  const order = () => (isDescending ? "descending" : "ascending");
  const heads = headsView((head) => {
    isDescending = head === sortedBy ? !isDescending : false;
    sortedBy = head;
    if (last !== undefined) draw(last);
  });
  const rows = keyedList<Row>(byId("rows"), keyOf, (row) => rowView(row, deeds));
  const filter = byId<HTMLInputElement>("filter");
  filter.addEventListener("input", () => last !== undefined && draw(last));
  return draw;
}

/** Where there is little room it is laid out as cards, and browsers forget then that it is a table. */
function keepTable(): void {
  setAttribute(byId("table"), "role", "table");
  setAttribute(byId("heads"), "role", "row");
  for (const part of [byId("heads").parentElement, byId("rows")]) {
    part?.setAttribute("role", "rowgroup");
  }
}

interface Row {
  readonly session: ShownSession;
  readonly columns: readonly Column[];
  readonly model: Model;
}

/** Of another role it has other cells. */
function keyOf({ session, columns }: Row): string {
  return `${session.session_id} ${columns.length}`;
}

function noneText({ sessions }: Model): string {
  if (sessions === undefined) return "Asking…";
  return sessions.length > 0 ? "None of the sessions matches." : "There are no sessions yet.";
}

function matches(filter: string): (session: ShownSession) => boolean {
  const words = filter.toLowerCase().split(/\s+/);
  return ({ label, owner_username, session_id, status }) => {
    const text = `${label ?? ""} ${owner_username} ${session_id} ${status}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
}

function sorted(
  sessions: readonly ShownSession[],
  by: Column | undefined,
  isDescending: boolean,
  shares: Model["shares"],
): readonly ShownSession[] {
  const value = (session: ShownSession) =>
    by?.sortedAs?.(session) ?? by?.of(session, shares) ?? Number.NEGATIVE_INFINITY;
  const sign = isDescending ? -1 : 1;
  return sessions.toSorted((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === right) return b.created_at.localeCompare(a.created_at); // the same at each look
    if (typeof left === "string") return sign * left.localeCompare(String(right));
    return sign * (left < Number(right) ? -1 : 1);
  });
}

interface Head {
  readonly head: string;
  readonly sort: "ascending" | "descending" | undefined;
}

function headsView(choose: (head: string) => void): (heads: readonly Head[]) => void {
  const list = keyedList<Head>(
    byId("heads"),
    ({ head }) => head,
    ({ head }) => {
      const sort = button({ title: `Sort by ${head.toLowerCase()}` }, () => choose(head), head);
      const isNumber = COLUMNS.some((column) => column.head === head && column.text !== undefined);
      const cell = h("th", { ...HEAD, class: isNumber && "number" }, sort);
      const element = head === "" ? h("th", HEAD, h("span", { class: "unseen" }, "Deeds")) : cell;
      return { element, update: (now) => setAttribute(element, "aria-sort", now.sort) };
    },
  );
  return (heads) => list([...heads, { head: "", sort: undefined }]);
}
const HEAD = { role: "columnheader", scope: "col" };

function rowView({ session, columns }: Row, deeds: Deeds): Part<Row> {
  let shown = session;
  const cells = columns.map((column) => cellView(column));
  const id = { id: session.session_id, name: session.label ?? session.session_id };
  const deed = (word: string, act: (session: ShownSession) => unknown) =>
    button({ "aria-label": `${word} ${id.name}` }, () => void act(shown), `${word}…`);
  const link = { class: "button", href: `/page/${encodeURIComponent(id.id)}` };
  const open = h("a", { ...link, "aria-label": `Open ${id.name}` }, "Open");
  const [extend, reset, stop] = [
    deed("Extend", deeds.extend),
    deed("Reset", deeds.reset),
    deed("Stop", deeds.stop),
  ];
  const last = h("td", { role: "cell", class: "deeds" }, open, extend, reset, stop);
  return {
    element: h("tr", { role: "row" }, ...cells.map(({ element }) => element), last),
    update(row) {
      shown = row.session;
      for (const cell of cells) cell.update(row);
      const isSilent = row.model.silentSinceMs !== undefined;
      for (const each of [extend, reset, stop]) each.disabled = isSilent;
      open.hidden = shown.status !== "running";
    },
  };
}

function cellView(column: Column): Part<Row> {
  const { head, of, text } = column;
  const cell = { role: "cell", "data-head": head };
  if (head === "Session") return nameView(cell);
  if (head === "Status") return statusView(cell);
  const element = h("td", { ...cell, class: text !== undefined && "number" });
  const update = ({ session, model }: Row) => {
    const value = of(session, model.shares);
    setText(
      element,
      typeof value === "number" && text !== undefined ? text(value) : (value ?? "–").toString(),
    );
  };
  return { element, update };
}

function nameView(cell: Record<string, string>): Part<Row> {
  const [label, id] = [h("span", { class: "label" }), h("span", { class: "id" })];
  return {
    element: h("td", { ...cell, class: "name" }, label, id),
    update({ session }) {
      setText(label, session.label ?? "");
      setText(id, shortId(session.session_id));
      setAttribute(id, "title", session.session_id);
    },
  };
}

function statusView(cell: Record<string, string>): Part<Row> {
  const [shape, word] = [icon(), h("span", { class: "word" })];
  return {
    element: h("td", { ...cell, class: "status" }, shape.element, word),
    update({ session: { status } }) {
      shape.show(STATUS[status] ?? OTHER);
      setText(word, status);
      const advice = "Its process has ended. Reset starts it afresh.";
      setAttribute(word, "title", status === "dead" && advice);
    },
  };
}
