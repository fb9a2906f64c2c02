/** The subcommands of `agent session` that change something. */
import type { SessionAnswer } from "../../client/answers.ts";
import { shortDuration } from "../../core/duration.ts";
import { ServantError } from "../../core/errors.ts";
import { refuseUnwritable } from "../login/config-change.ts";
import { printable } from "../output.ts";
import {
  meant,
  nameOf,
  type SessionContext,
  type SessionOptions,
  setDefault,
  withGateway,
} from "./context.ts";

export interface CreateOptions extends SessionOptions {
  readonly label?: string;
  /** Seconds. */
  readonly timeout?: number;
  readonly robot?: string;
}
export interface ExtendOptions extends SessionOptions {
  /** Seconds. */
  readonly timeout: number;
}

export function create(options: CreateOptions): Promise<number> {
  return withGateway(options, async (context) => {
    const { gateway } = context;
    const { label, timeout: sessionTimeoutS, robot } = options;
    refuseUnwritable(process.env); // before there is a session that nothing leads to
    const config = robot === undefined ? undefined : { robot };
    const mine = label === undefined ? [] : await gateway.list();
    const namesakes = mine.filter((each) => each.label === label).length;
    const made = await gateway.create({ label, sessionTimeoutS, config });
    setDefault(made.session_id);
    return tell(context, made, `Created ${nameOf(made)}: it is your default session now`, [
      ...Object.entries(made.config ?? {}).map(([key, value]) => `${key} ${String(value)}`),
      `It ends after ${shortDuration(made.timeout_s)} without a request`,
      // Every gateway lets it be so: commands that are given the label refuse it.
      ...(namesakes === 0
        ? []
        : [`${namesakes + 1} of yours have this label: name them by their ids`]),
    ]);
  });
}

export function swap(name: string, options: SessionOptions): Promise<number> {
  return withGateway(options, async (context) => {
    const session = await meant(context, name);
    if (session.status !== "running") {
      const problem = `Cannot make ${nameOf(session)} the default: it is ${session.status}`;
      throw new ServantError("session.dead", problem);
    }
    setDefault(session.session_id);
    return tell(context, session, `Your default session is ${nameOf(session)} now`);
  });
}

export function extend(name: string | undefined, options: ExtendOptions): Promise<number> {
  return withGateway(options, async (context) => {
    const before = await meant(context, name);
    const session = await context.gateway.extend(before.session_id, options.timeout);
    const [was, is] = [before, session].map(({ timeout_s }) => shortDuration(timeout_s));
    const told = `${nameOf(session)} may be idle for ${is} now; it was ${was}`;
    return tell(context, session, told, [`It expires in ${shortDuration(session.expires_in_s)}`]);
  });
}

export function reset(name: string | undefined, options: SessionOptions): Promise<number> {
  return withGateway(options, async (context) => {
    const { gateway } = context;
    const { session_id } = await meant(context, name);
    await gateway.reset(session_id);
    const session = await gateway.get(session_id);
    return tell(context, session, `${nameOf(session)} was started afresh: its world is empty`);
  });
}

export function stop(name: string | undefined, options: SessionOptions): Promise<number> {
  return withGateway(options, async (context) => {
    const { gateway, login, out, json } = context;
    const session = await meant(context, name);
    await gateway.stop(session.session_id);
    const wasDefault = login.defaultSession === session.session_id;
    if (wasDefault) setDefault(undefined);
    if (json) out.json({ session_id: session.session_id, stopped: true });
    else {
      out.line(`Stopped ${nameOf(session)}`);
      if (wasDefault) out.line("You have no default session now: `agent session swap NAME`");
    }
    return 0;
  });
}

/** What has become of a session: its record for programs, lines for people. */
function tell(
  { out, json }: SessionContext,
  session: SessionAnswer,
  headline: string,
  lines: readonly string[] = [],
): number {
  if (json) out.json(session);
  else {
    out.line(out.paint.green(headline));
    for (const line of lines) out.line(printable(line));
  }
  return 0;
}
