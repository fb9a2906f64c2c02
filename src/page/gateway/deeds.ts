/** What may be done to sessions here. What cannot be taken back is asked first, by the session's name. */
import { durationSeconds, shortDuration } from "../../core/duration.ts";
import { SESSION_TIMEOUT_DEFAULT_S, SESSION_TIMEOUT_MAX_S } from "../../core/gateway.ts";
import { ask } from "../parts/dialogs.ts";
import { some } from "../parts/words.ts";
import { door, NotIn, type ShownSession } from "./door.ts";
import { type Field, fill } from "./forms.ts";

/** The longest label, in characters. */
const LABEL_MAX = 100;

export interface Deeds {
  create(): void;
  extend(session: ShownSession): void;
  reset(session: ShownSession): Promise<void>;
  stop(session: ShownSession): Promise<void>;
}

export interface DeedParts {
  /** What was done, for those who do not see the table. */
  readonly said: (text: string) => void;
  readonly failed: (text: string) => void;
  /** Something is another now. */
  readonly news: () => void;
  readonly loggedOut: () => void;
  readonly username: () => string | undefined;
}

export function deeds({ said, failed, news, loggedOut, username }: DeedParts): Deeds {
  /** A deed without a form to show its failure. */
  async function attempt(cannot: string, done: string, act: () => Promise<unknown>) {
    failed("");
    try {
      await act();
      said(done);
    } catch (cause) {
      if (cause instanceof NotIn) return loggedOut();
      failed(`${cannot}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
    news();
  }
  const nameOf = (session: ShownSession) => {
    const { owner_username: owner, label, session_id: id } = session;
    return `"${label ?? id}"${owner === username() ? "" : ` of ${owner}`}`;
  };
  return {
    create() {
      const fields = [LABEL, idleField(SESSION_TIMEOUT_DEFAULT_S)];
      fill({ title: "Create a session", fields, yes: "Create" }, async (value) => {
        const label = value("label");
        const asked = { ...(label === "" ? {} : { label }), timeout_s: idleIn(value("idle")) };
        const made = await door.create(asked);
        said(`Created ${nameOf(made)}`);
        news();
      });
    },
    extend(session) {
      const fields = [idleField(session.timeout_s)];
      const title = `Extend session ${nameOf(session)}`;
      fill({ title, fields, yes: "Extend" }, async (value) => {
        const { timeout_s } = await door.extend(session.session_id, idleIn(value("idle")));
        said(`${nameOf(session)} may be idle for ${shortDuration(timeout_s)} from now on`);
        news();
      });
    },
    async reset(session) {
      const name = nameOf(session);
      const question = {
        title: `Reset session ${name}?`,
        text: `Its world, its runs and its servants' registrations are thrown away, and it starts afresh under the same id.${inUse(session)}`,
        yes: "Reset it",
        no: "Leave it",
      };
      if (!(await ask(question))) return;
      const act = () => door.reset(session.session_id);
      await attempt(`Cannot reset ${name}`, `${name} was started afresh`, act);
    },
    async stop(session) {
      const name = nameOf(session);
      const question = {
        title: `Stop session ${name}?`,
        text: `It ends, and its world and its log with it. Nothing brings them back.${inUse(session)}`,
        yes: "Stop it",
        no: "Leave it",
      };
      if (!(await ask(question))) return;
      await attempt(`Cannot stop ${name}`, `Stopped ${name}`, () => door.stop(session.session_id));
    },
  };
}

function inUse({ in_flight: inFlight = 0 }: ShownSession): string {
  return inFlight === 0 ? "" : ` It is in use: ${some(inFlight, "request")} in flight.`;
}

const LABEL: Field = {
  name: "label",
  label: "Label",
  hint: "What you call it. Empty: two words are made up.",
  maxLength: LABEL_MAX,
};

function idleField(timeoutS: number): Field {
  return {
    name: "idle",
    label: "May be idle for",
    hint: "Such as 4d, 12h, 30m; at most 7d. Without a request for so long it ends.",
    value: shortDuration(timeoutS),
    maxLength: 20,
  };
}

function idleIn(text: string): number {
  const seconds = durationSeconds(text);
  if (seconds !== undefined && seconds >= 1 && seconds <= SESSION_TIMEOUT_MAX_S) return seconds;
  throw new Error(`"${text}" is no time up to 7d: write 4d, 12h, 1h30m, 45s`);
}
