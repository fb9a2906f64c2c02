/** Prints lines of the log, for people or programs. */
import { writeSync } from "node:fs";
import { z } from "zod/mini";
import type { NumberedLine } from "../../core/log.ts";
import { Gap, LogLine } from "../../wire/local.ts";
import { prettyLine } from "../event-log.ts";
import { dayText, openOutput } from "../output.ts";

/** How long a full pipe is given before it is written to again, in milliseconds. */
const FULL_MS = 5;

type Told = NumberedLine | z.infer<typeof Gap>;

export class LogLines {
  /** The number of the last line that was printed, or told as missing. */
  lastSeq = 0;
  readonly #isJson: boolean;
  readonly #out = openOutput(process.stdout, process.env);
  readonly #isColoured = this.#out.isTerminal && !process.env.NO_COLOR;
  /** The day that the reader takes lines to be of. */
  #day = dayText(new Date());

  constructor(isJson: boolean) {
    this.#isJson = isJson;
  }

  /** Lines of NDJSON; what is none is passed over. */
  printTexts(texts: readonly string[]): void {
    this.print(texts.map(parsed).filter((each) => each !== undefined));
  }

  print(all: readonly Told[]): void {
    if (all.length === 0) return;
    for (const told of all) this.lastSeq = "gap" in told ? told.gap.to : told.seq;
    write(all.map((told) => `${this.#text(told)}\n`).join(""));
  }

  #text(told: Told): string {
    if (this.#isJson) return JSON.stringify(told);
    const { paint } = this.#out;
    if ("gap" in told) return paint.yellow(gapText(told));
    const at = new Date(told.time);
    return `${this.#newDay(at)}${prettyLine(told, at, this.#isColoured)}`;
  }

  /** Lines tell the time of day alone: where the day is another one, a line of its own says so. */
  #newDay(at: Date): string {
    const day = dayText(at);
    if (day === this.#day) return "";
    this.#day = day;
    return `${this.#out.paint.dim(`--- ${day}`)}\n`;
  }
}

function gapText({ gap: { from, to, dropped } }: z.infer<typeof Gap>): string {
  const lines = `lines ${from} to ${to}`;
  return dropped === undefined
    ? `--- ${lines} are not there: kept no longer, or lost when the agent was killed`
    : `--- ${dropped} of ${lines} are missing: they came too fast`;
}

const Line = z.union([LogLine, Gap]);

function parsed(text: string): Told | undefined {
  try {
    return Line.safeParse(JSON.parse(text)).data as Told | undefined;
  } catch {
    return undefined; // damaged on disk
  }
}

/** Waits for whoever reads, so that a slow one is the agent's slow reader, not our memory. */
function write(text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(1, bytes, done);
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "EAGAIN")) throw cause;
      Bun.sleepSync(FULL_MS);
    }
  }
}
