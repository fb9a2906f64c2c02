/** The subcommands of `agent session` that change nothing: `list`, `info`, `logs`. */
import type { SessionAnswer } from "../../client/answers.ts";
import { shortDuration } from "../../core/duration.ts";
import { printableLines } from "../../core/printable.ts";
import { printable, table } from "../output.ts";
import { meant, nameOf, type SessionOptions, withGateway } from "./context.ts";

/** What a narrow terminal shows of an id, and commands take for it. In characters. */
const SHORT_ID_CHARS = 8;

export interface ListOptions extends SessionOptions {
  readonly all?: boolean;
}

export function list(options: ListOptions): Promise<number> {
  return withGateway(options, async ({ gateway, login, out, json }) => {
    const { all = false } = options;
    const { defaultSession } = login;
    const sessions = await gateway.list({ all });
    if (json) {
      out.json({ default_session: defaultSession ?? null, sessions });
      return 0;
    }
    if (sessions.length === 0) {
      out.line("No sessions yet: `agent session create` makes one");
      return 0;
    }
    const headings = [...(all ? ["OWNER"] : []), "NAME", "ID", "STATUS", "TIMEOUT", "EXPIRES"];
    const laid = (idChars?: number) => {
      const rows = sessions.map((session) => [
        ...(all ? [session.owner_username ?? ""] : []),
        session.label ?? "",
        session.session_id.slice(0, idChars),
        session.status,
        shortDuration(session.timeout_s),
        ends(session),
        session.session_id === defaultSession ? "*" : "",
      ]);
      return table([...headings, "DEFAULT"], rows, out.paint);
    };
    const whole = laid();
    const isTooWide =
      out.isTerminal && Bun.stringWidth(whole.split("\n", 1)[0] ?? "") > out.columns;
    out.line(isTooWide ? laid(SHORT_ID_CHARS) : whole);
    return 0;
  });
}

export function info(name: string | undefined, options: SessionOptions): Promise<number> {
  return withGateway(options, async (context) => {
    const { login, out, json } = context;
    const session = await meant(context, name);
    const isDefault = session.session_id === login.defaultSession;
    if (json) {
      out.json({ ...session, is_default: isDefault });
      return 0;
    }
    const rows: [string, string][] = [
      ["session", nameOf(session) + (isDefault ? ", your default" : "")],
      ["owner", session.owner_username ?? "(unknown)"],
      ["status", statusOf(session)],
      ["created", session.created_at ?? "(unknown)"],
      ["active", session.last_active_at ?? "(unknown)"],
      ["timeout", shortDuration(session.timeout_s)],
      ["expires", ends(session)],
      ...Object.entries(session.config ?? {}).map(([key, value]): [string, string] => [
        key,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ];
    for (const [key, value] of rows) {
      out.line(`${out.paint.dim(printable(key).padEnd(8))} ${printable(value)}`);
    }
    return 0;
  });
}

export function logs(name: string | undefined, options: SessionOptions): Promise<number> {
  return withGateway(options, async (context) => {
    const { gateway, out, json } = context;
    const { session_id } = await meant(context, name);
    const text = await gateway.logs(session_id);
    if (json) out.json({ session_id, logs: text });
    else if (text !== "") out.write(endedLine(out.isTerminal ? printableLines(text) : text));
    return 0;
  });
}

function statusOf({ status }: SessionAnswer): string {
  return status === "dead" ? "dead: `agent session reset` starts it afresh" : status;
}

/** Dead ones end too, when nobody revives them. */
function ends({ expires_in_s }: SessionAnswer): string {
  return `in ${shortDuration(expires_in_s)}`;
}

function endedLine(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
