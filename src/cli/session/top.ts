/** `agent session top`: what the sessions of a gateway use, looked at again and again. */
import { SessionManager } from "../../client/session-manager.ts";
import { isServantError, messageOf, ServantError } from "../../core/errors.ts";
import { systemClock } from "../../system/clock.ts";
import { CpuShares, totalsOf } from "../../wire/session-figures.ts";
import { type Output, printable } from "../output.ts";
import { stopSignals } from "../stop-signals.ts";
import { type SessionContext, type SessionOptions, withGateway } from "./context.ts";
import { Screen } from "./screen.ts";
import { cut, type Look, type Order, topLines } from "./top-table.ts";

/** Seconds between two looks at a table on a terminal. */
const INTERVAL_S = 2;

export interface TopOptions extends SessionOptions {
  /** Seconds between two looks; unless given, JSON is of one look. */
  readonly interval?: number;
  readonly once?: boolean;
  readonly sort: Order;
  /** The gateway that is meant: the one that is logged in to, or none. */
  readonly to?: string;
}

/** How much a gateway tells of whose sessions. */
type Told = "all" | "records" | "own";
const NOTES: Readonly<Record<Told, string>> = {
  all: "",
  records: "This gateway does not tell what sessions use.",
  own: "You are no admin here: these are your sessions. What they use is told to admins.",
};

export function top(options: TopOptions): Promise<number> {
  return withGateway(options, async (context) => {
    refuseOther(context, options.to);
    const stop = new AbortController();
    stopSignals().stop.addEventListener("abort", () => stop.abort());
    const { backendUrl, token } = context.login;
    // A look that hangs must not keep the terminal.
    const signal = stop.signal;
    const gateway = new SessionManager(backendUrl, { token, signal, warn: () => {} });
    const looks = new Looks({ ...context, gateway });
    const { out, json } = context;
    try {
      if (json) await tellLooks(looks, out, options, stop.signal);
      else if (out.isTerminal && options.once !== true) await watch(looks, out, options, stop);
      else await tellOnce(looks, out, options);
    } catch (cause) {
      if (!stop.signal.aborted) throw cause; // a look that the end has cut off
    }
    return 0;
  });
}

async function tellOnce(looks: Looks, out: Output, options: TopOptions): Promise<void> {
  const { columns, isTerminal, paint } = out;
  // On a pipe each line is whole: nobody says how wide the reader is.
  const width = isTerminal ? columns : Number.MAX_SAFE_INTEGER;
  const frame = { columns: width, order: options.sort, paint };
  for (const line of topLines(await looks.next(), frame)) out.line(line);
  if (looks.note !== "") process.stderr.write(`${looks.note}\n`);
}

/** The token of one gateway is never shown to another. @throws {ServantError} `login.needed` */
function refuseOther({ gateway }: SessionContext, to: string | undefined): void {
  if (to === undefined || new SessionManager(to).url === gateway.url) return;
  const problem = `Cannot watch "${to}": you are logged in to "${gateway.url}"`;
  throw new ServantError("login.needed", problem);
}

class Looks {
  readonly #context: SessionContext;
  readonly #cpu = new CpuShares();
  told: Told;

  constructor(context: SessionContext) {
    this.#context = context;
    // Who knows to be no admin does not ask: a gateway writes down who asks for what is not theirs.
    this.told = context.login.role === "user" ? "own" : "all";
  }

  get note(): string {
    return NOTES[this.told];
  }

  async next(): Promise<Look> {
    const sessions = await this.#sessions();
    return { sessions, shares: this.#cpu.look(sessions, systemClock.monotonic()) };
  }

  async #sessions(): Promise<Look["sessions"]> {
    const { gateway, login } = this.#context;
    if (this.told !== "all") return await gateway.list({ all: this.told === "records" });
    try {
      return await gateway.uses();
    } catch (cause) {
      const code = isServantError(cause) ? cause.code : undefined;
      if (code === "session.not-allowed") this.told = "own";
      else if (code !== "session.unknown" && code !== "session.no-gateway") throw cause;
      else this.told = login.role === "admin" ? "records" : "own"; // DYNOS's own gateway
      return await this.#sessions();
    }
  }
}

/** A document a line: one, unless it was said how often. */
async function tellLooks(
  looks: Looks,
  out: Output,
  { interval, once }: TopOptions,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const { sessions, shares } = await looks.next();
    const { memoryBytes, cpuPercent, inFlight, ...counts } = totalsOf(sessions, shares);
    const all = sessions.map((each) => {
      const share = shares.get(each.session_id);
      return { ...each, ...(share === undefined ? {} : { cpu_percent: round(share) }) };
    });
    const use = {
      memory_bytes: memoryBytes,
      cpu_percent: round(cpuPercent),
      in_flight: inFlight,
    };
    const at = new Date(systemClock.now()).toISOString();
    const document = {
      ...{ at, told: looks.told, sessions: all },
      totals: { ...counts, ...(looks.told === "all" ? use : {}) },
    };
    out.write(`${JSON.stringify(document)}\n`);
    if (once === true || interval === undefined) return;
    await systemClock.sleep(interval * 1_000, stop);
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Until somebody presses `q` or Ctrl-C. */
async function watch(
  looks: Looks,
  out: Output,
  { interval = INTERVAL_S, sort }: TopOptions,
  stop: AbortController,
): Promise<void> {
  let look = await looks.next(); // what cannot be begun is told on the screen that stays
  let trouble = "";
  const { paint } = out;
  const draw = () => {
    const { columns, rows } = screen;
    const table = topLines(look, { columns, rows: rows - 2, order: sort, paint });
    const foot =
      trouble === "" ? paint.dim(cut(looks.note, columns)) : paint.red(cut(trouble, columns));
    screen.draw([
      ...table,
      foot,
      paint.dim(cut(`every ${interval} s, by ${sort}; q ends`, columns)),
    ]);
  };
  const typed = (key: string) => {
    if (["q", "Q", "\u0003", "\u0004"].includes(key)) stop.abort();
  };
  const screen = new Screen(process.stdout, process.stdin, { typed, resized: draw });
  try {
    draw();
    while (!stop.signal.aborted) {
      await systemClock.sleep(interval * 1_000, stop.signal);
      if (stop.signal.aborted) return;
      try {
        look = await looks.next();
        trouble = "";
      } catch (cause) {
        if (stop.signal.aborted) return;
        if (!isServantError(cause) || cause.kind !== "transient") throw cause;
        trouble = printable(messageOf(cause));
      }
      draw();
    }
  } finally {
    screen.leave();
  }
}
