/** `agent status`: what this machine's agent does now, on one screen. */
import { measuredText } from "../../core/measured.ts";
import type { InHand, Status } from "../../wire/local.ts";
import { dayText, durationText, type Output, openOutput, printable } from "../output.ts";
import { findAgent, type LocalCommandOptions } from "./find-agent.ts";

/** How many of a list are shown: the rest is told as a number. */
const SHOWN_MAX = 8;
const BAR_WIDTH = 20;

export async function status(options: LocalCommandOptions): Promise<number> {
  const told = await findAgent(options).status();
  const out = openOutput(process.stdout, process.env);
  if (options.json) out.json(told);
  else for (const line of statusLines(told, out)) out.line(clip(line, out));
  return 0;
}

/** The screen, from the most urgent down. */
export function statusLines(told: Status, out: Output): string[] {
  const { child, counts, inHand, journal, link, now, outbox, pid, startedAt, state } = told;
  const since = (time: string) => durationText(Date.parse(now) - Date.parse(time));
  const running = inHand.filter(({ phase }) => phase === "started");
  const waiting = inHand.filter(({ phase }) => phase === "accepted");
  const servant = link.servantId === undefined ? "" : `, servant ${link.servantId}`;
  const oldest = outbox.oldestAt === undefined ? "" : `, the oldest for ${since(outbox.oldestAt)}`;
  const aside = outbox.aside === 0 ? "" : `, ${outbox.aside} aside`;
  const process =
    child.pid === undefined
      ? "no process"
      : `process ${child.pid}${child.startedAt === undefined ? "" : `, up ${since(child.startedAt)}`}`;
  const lastEnd = child.lastEnd === undefined ? "" : ` (${child.lastEnd})`;
  return [
    `${paintState(state, out)}  agent ${pid}, version ${told.version}, up ${since(startedAt)}`,
    ...told.reasons.map((reason) => row("", out.paint.yellow(printable(reason)))),
    row("link", `${link.state} for ${since(link.since)}, ${link.origin}${servant}`),
    row("plugin", `${process}, ${child.restarts} restarts${printable(lastEnd)}`),
    ...list("runs", running, out, (each) => runningText(each, since)),
    ...list("waits", waiting, out, (each) => waitingText(each, since)),
    ...(inHand.length === 0 ? [row("runs", out.paint.dim("nothing"))] : []),
    ...streams(told),
    row("outbox", `${outbox.waiting} results${oldest}${aside}`),
    row("journal", `${bytesText(journal.bytes)}${journal.isFull ? ", cannot be written" : ""}`),
    row(
      "so far",
      `${counts.succeeded} done, ${counts.failed} failed, ${counts.delivered} delivered`,
    ),
    ...troubles(told, out),
  ].map((line) => line.trimEnd());
}

function streams({ now, streams: all = [] }: Status): string[] {
  const shown = all.slice(0, SHOWN_MAX).map(({ name, at, value }) => {
    const age = at === undefined ? 0 : Date.parse(now) - Date.parse(at);
    return `${name} ${value === undefined ? "nothing yet" : `${measuredText(value)}, ${durationText(age)} ago`}`;
  });
  const rest = all.length > SHOWN_MAX ? [`and ${all.length - SHOWN_MAX} more`] : [];
  return [...shown, ...rest].map((text, index) =>
    row(index === 0 ? "measures" : "", printable(text)),
  );
}

function troubles({ now, troubles: all }: Status, { paint }: Output): string[] {
  return all.slice(0, SHOWN_MAX).map(({ time, level, source, message }, index) => {
    const text = `${timeText(time, now)} ${source}: ${printable(message)}`;
    return row(index === 0 ? "trouble" : "", level === "error" ? paint.red(text) : text);
  });
}

/** With its day when that is not today's. */
function timeText(time: string, now: string): string {
  const at = new Date(time);
  const clock = at.toTimeString().slice(0, 8);
  return dayText(at) === dayText(new Date(now)) ? clock : `${dayText(at)} ${clock}`;
}

function runningText(each: InHand, since: (time: string) => string): string {
  const { cancelled, progress, startedAt, starts, what } = each;
  const took = startedAt === undefined ? "" : `  ${since(startedAt)}`;
  const again = starts > 1 ? `, start ${starts}` : "";
  const called = cancelled === undefined ? "" : `, called off: ${cancelled}`;
  const far = progress === undefined ? "" : `  ${bar(progress.fraction)} ${progress.message}`;
  return `${what}${took}${again}${called}${far.trimEnd()}`;
}

function waitingText(each: InHand, since: (time: string) => string): string {
  const { acceptedAt, cancelled, what } = each;
  const called = cancelled === undefined ? "" : `, called off: ${cancelled}`;
  return `${what}  for ${since(acceptedAt)}${called}`;
}

function bar(fraction: number): string {
  const share = Math.min(Math.max(fraction, 0), 1);
  const full = Math.round(share * BAR_WIDTH);
  return `${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)} ${Math.round(share * 100)} %`;
}

function list(
  name: string,
  all: readonly InHand[],
  out: Output,
  textOf: (each: InHand) => string,
): readonly string[] {
  const shown = all.slice(0, SHOWN_MAX);
  const rest = all.length - shown.length;
  const lines = shown.flatMap((each, index) => {
    const line = row(index === 0 ? name : "", printable(textOf(each)));
    return withId(line, printable(each.auditId), out);
  });
  return rest === 0 ? lines : [...lines, row("", `and ${rest} more`)];
}

/** Whoever wants to cancel it needs the whole id: it is never what a narrow terminal cuts off. */
function withId(line: string, auditId: string, { columns, isTerminal }: Output): string[] {
  const whole = `${line}  [${auditId}]`;
  const fits = !isTerminal || Bun.stringWidth(whole) <= columns;
  return fits ? [whole] : [line, row("", `[${auditId}]`)];
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(8)} ${text}`;
}

function paintState(state: Status["state"], { paint }: Output): string {
  if (state === "ready") return paint.green(paint.bold(state));
  return state === "not-ready" ? paint.red(paint.bold("not ready")) : paint.yellow(state);
}

/** `512 B`, `40 kB`, `1.2 MB` */
export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** A line that a terminal would break would not be one screen; what a pipe gets is whole. */
function clip(line: string, { columns, isTerminal }: Output): string {
  return isTerminal && Bun.stringWidth(line) > columns ? Bun.sliceAnsi(line, 0, columns) : line;
}
